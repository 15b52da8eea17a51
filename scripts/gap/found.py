"""What `beamgym gap` does: reads, fits every spectrum, and puts the report together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from beamgym.physics.arpes.gaps import MODELS, GapAnswer, GapModel, GapSpectrum, answer_gap, fold_of
from beamgym.physics.arpes.load import LoadError, LoadWords
from beamgym.physics.arrays import Float64Array
from beamgym.scripts.gap.measured import Columns, read_columns, read_gold, with_error
from beamgym.scripts.gap.people import fits_people_make

_TEMPERATURES = ("temperature", "temp", "t", "tsample", "temperaturek", "samplet")


@dataclass(frozen=True)
class Asked:
    """The command line, read; names are those of the options, energies of the window in meV."""

    file: Path
    words: LoadWords
    kind: str
    temperature: str | None
    resolution: str
    centre: str | None
    fermi: str | None
    gold: Path | None
    gold_temperature: float | None
    window: tuple[float, float]
    at: float | None
    within: float | None
    each: bool
    every: int
    fits: bool
    out: Path | None


def answer(asked: Asked) -> dict[str, Any]:
    """Return the report, as JSON takes it; writes table and picture where a folder is given.

    Raises
    ------
    ValueError : in one line, for whatever the file or the options are at odds with
    """
    model = _model(asked)
    resolution = tuple(1e-3 * value for value in with_error("--resolution", asked.resolution))
    stated = None if asked.temperature is None else with_error("--temperature", asked.temperature)
    columns = _columns(asked, stated)
    spectra, places = _spectra(asked, columns, stated, (resolution[0], resolution[1]))
    answers = [answer_gap(one, model, fold_of(one)) for one in spectra]
    report: dict[str, Any] = {
        "file": str(asked.file),
        "kind": model.name,
        "about": model.about,
        "resolution_ev": list(resolution),
        "fermi_error_ev": columns.fermi_error_ev,
        "fermi": columns.measured.fermi.words if columns.gold is None else _gold_words(columns),
        "window_ev": [float(columns.energy_ev[0]), float(columns.energy_ev[-1])],
        "notes": [*columns.notes, *_doubts(answers)],
        "axes": list(places),
        "rows": [
            _row(one, spectrum, i, places) for i, (one, spectrum) in enumerate(zip(answers, spectra, strict=True))
        ],
    }
    if asked.fits:
        report["fits"] = [fits_people_make(one, model) for one in spectra]
    if asked.out is not None:
        from beamgym.scripts.gap.written import write_all

        report["files"] = write_all(asked.out, asked.file.stem, report, spectra, answers, columns.measured.shape)
    return report


def _model(asked: Asked) -> GapModel:
    if asked.kind not in MODELS:
        raise ValueError(f"--kind {asked.kind!r}: choose one of {', '.join(MODELS)}")
    model = MODELS[asked.kind]
    if asked.centre is None:
        return model
    if model.name == "superconducting":
        raise ValueError("a superconducting gap is centred on the Fermi level; --centre is for cdw, hard and dynes")
    centre, error = with_error("--centre", asked.centre)
    return model.centred_at(1e-3 * centre, 1e-3 * error)


def _columns(asked: Asked, stated: tuple[float, float] | None) -> Columns:
    low, high = (1e-3 * end for end in asked.window)
    if not low < 0.0 < high:
        raise ValueError(f"--window {asked.window[0]:g} {asked.window[1]:g}: give meV below and above the Fermi level")
    if asked.gold is not None and asked.fermi is not None:
        raise ValueError("the Fermi level is either fitted, --gold, or stated, --fermi; say one of them")
    gold = None
    if asked.gold is not None:
        kelvin = asked.gold_temperature or (stated[0] if stated is not None else None)
        if kelvin is None:
            raise ValueError("a gold reference needs its temperature: --gold-temperature K")
        gold = read_gold(asked.gold, asked.words, kelvin)
    fermi = None if asked.fermi is None else with_error("--fermi", asked.fermi)
    if fermi is not None and fermi[1] == 0.0:
        raise ValueError(f"--fermi {asked.fermi}: say how well it is known, as {asked.fermi}+-0.001; gaps hang on it")
    return read_columns(asked.file, asked.words, fermi, gold, (low, high), asked.every)


def _spectra(
    asked: Asked, columns: Columns, stated: tuple[float, float] | None, resolution_ev: tuple[float, float]
) -> tuple[list[GapSpectrum], dict[str, Float64Array]]:
    """Return the spectra one by one, and the coordinates of each by name."""
    a = columns.counts.shape[2]
    alive = columns.measured.alive
    sites = {name: np.asarray(item) for name, item in columns.measured.sites.items() if np.ptp(item) > 0}
    counts, places = columns.counts[alive].sum(axis=2), {name: item[alive] for name, item in sites.items()}
    if columns.slit is not None and a > 1 and asked.each:
        counts = columns.counts[alive].transpose(0, 2, 1).reshape(-1, columns.energy_ev.size)
        places = {name: np.repeat(item, a) for name, item in places.items()}
        places["angle"] = np.tile(columns.slit, int(alive.sum()))
    elif columns.slit is not None and a > 1:
        counts = _about(asked, columns)[alive].sum(axis=2)
    kelvins = _kelvins(places, stated, len(counts))
    return [
        GapSpectrum(
            columns.energy_ev, one, kelvin, resolution_ev[0], columns.fermi_error_ev,
            stated[1] if stated is not None else 0.0, resolution_ev[1],
        )
        for one, kelvin in zip(counts, kelvins, strict=True)
    ], places  # fmt: skip


def _about(asked: Asked, columns: Columns) -> Float64Array:
    assert columns.slit is not None
    if asked.at is None:
        raise ValueError("a cut needs the Fermi momentum's place: --at DEG --within DEG; or --each for every column")
    half = asked.within if asked.within is not None else 0.5
    inside = np.abs(columns.slit - asked.at) <= half
    if not inside.any():
        low, high = columns.slit[0], columns.slit[-1]
        raise ValueError(f"--at {asked.at:g} ± {half:g} lies outside the slit's {low:.4g} to {high:.4g} degrees")
    return columns.counts[:, :, inside]


def _kelvins(places: dict[str, Float64Array], stated: tuple[float, float] | None, count: int) -> list[float]:
    for name, item in places.items():
        if name.lower().replace("_", "") in _TEMPERATURES:
            return [float(value) for value in item]
    if stated is None:
        raise LoadError("the temperature is not known; state it: --temperature K")
    return [stated[0]] * count


def _gold_words(columns: Columns) -> str:
    gold = columns.gold
    assert gold is not None
    return (
        f"{gold.fermi_ev:.4f} ± {gold.fermi_error_ev:.4f} eV, fitted to the gold reference "
        f"(resolution {1e3 * gold.resolution_ev:.2f} ± {1e3 * gold.resolution_error_ev:.2f} meV, χ² {gold.square:.2f})"
    )


def _doubts(answers: list[GapAnswer]) -> list[str]:
    strange = sum(one.strange for one in answers)
    if not strange:
        return []
    return [
        f"{strange} of {len(answers)} spectra differ from the best fit by more than chance: kind, background or unit "
        "of the counts is not theirs, and errors are too small"
    ]


def _row(one: GapAnswer, spectrum: GapSpectrum, number: int, places: dict[str, Float64Array]) -> dict[str, Any]:
    limit = one.limit_ev if np.isfinite(one.limit_ev) else None
    return {
        **{name: float(item[number]) for name, item in places.items()},
        "electrons": float(spectrum.counts.sum()),
        "temperature_k": spectrum.temperature_k,
        "seen": one.seen,
        "gap_ev": one.gap_ev,
        "error_ev": one.error_ev,
        "low_ev": one.low_ev,
        "high_ev": one.high_ev,
        "below_ev": one.below_ev,
        "limit_ev": limit,
        "log_bayes": one.log_bayes,
        "misfit": one.misfit,
        "fermi_shift_ev": one.shift_ev,
    }
