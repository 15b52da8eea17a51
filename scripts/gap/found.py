"""What `beamgym gap` does: reads, fits every spectrum, and puts the report together."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import typer

from beamgym.physics.arpes.gaps import (
    LARGEST_EV,
    MODELS,
    MOST_MISFIT,
    GapAnswer,
    GapModel,
    GapSpectrum,
    answer_kinds,
    cut_spectrum,
)
from beamgym.physics.arpes.load import LoadError, LoadWords
from beamgym.physics.arrays import Float64Array
from beamgym.scripts.gap.measured import Columns, read_columns, read_gold, with_error
from beamgym.scripts.gap.people import fits_people_make
from beamgym.scripts.gap.written import files_in, write_all

ANY = "any"
_MANY, _SECONDS = 200, 0.08
_MOST_MOVED, _DEEP = 2.5, 0.6
_LEAST_COLUMNS = 4  # from which a band can be followed
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
    band: str | None
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
    models = _models(asked)
    if asked.out is not None:
        files_in(asked.out, asked.file.stem)
    resolution = tuple(1e-3 * value for value in with_error("--resolution", asked.resolution))
    stated = None if asked.temperature is None else with_error("--temperature", asked.temperature)
    columns = _columns(asked, stated)
    spectra, places = _spectra(asked, columns, stated, (resolution[0], resolution[1]))
    if len(spectra) > _MANY:
        typer.echo(f"{len(spectra)} spectra, about {len(spectra) * _SECONDS / 60.0:.0f} minutes", err=True)
    if len(models) > 1 and len(spectra[0].counts) > 1:
        raise ValueError("--kind any compares kinds of EDCs; a cut is superconducting, or name --at with another kind")
    first = answer_kinds(spectra[0], models)
    rows = [_row(*(answer_kinds(one, models) if i else first), one, i, places) for i, one in enumerate(spectra)]
    report: dict[str, Any] = {
        "file": str(asked.file),
        "kind": asked.kind,
        "about": models[0].about if len(models) == 1 else "the kinds compared",
        "resolution_ev": list(resolution),
        "fermi_error_ev": columns.fermi_error_ev,
        "fermi": columns.measured.fermi.words if columns.gold is None else _gold_words(columns),
        "window_ev": [float(columns.energy_ev[0]), float(columns.energy_ev[-1])],
        "notes": [*columns.notes, *_doubts(rows, columns.fermi_error_ev, columns.energy_ev)],
        "axes": list(places),
        "rows": rows,
    }
    if asked.fits:
        report["fits"] = [fits_people_make(one, models[0]) for one in spectra]
    if asked.out is not None:
        report["files"] = write_all(asked.out, asked.file.stem, report, (spectra[0], first[0]), columns.measured.shape)
    return report


def _models(asked: Asked) -> list[GapModel]:
    if asked.kind == ANY and asked.centre is None and asked.band is None:
        return list(MODELS.values())
    if asked.kind not in MODELS:
        raise ValueError(
            f"--kind {asked.kind!r}: choose one of {', '.join(MODELS)}; or any, without --centre and --band"
        )
    model, name = MODELS[asked.kind], "--centre" if asked.centre is not None else "--band"
    words = asked.centre if asked.centre is not None else asked.band
    if words is None:
        return [model]
    if name == "--band" and model.name != "superconducting":
        raise ValueError(f"--band is for superconducting EDCs; the centre of a gap of kind {model.name} is --centre")
    if name == "--centre" and model.name == "superconducting":
        raise ValueError("a superconducting gap is centred on the Fermi level; --centre is for cdw, hard and dynes")
    centre, error = with_error(name, words)
    return [model.centred_at(1e-3 * centre, 1e-3 * error)]


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
        places[columns.slit_name] = np.tile(columns.slit, int(alive.sum()))
    kelvins = _kelvins(places, stated, len(counts))
    errors = columns.fermi_error_ev, stated[1] if stated is not None else 0.0, resolution_ev[1]
    spectra = [
        GapSpectrum(columns.energy_ev, one, kelvin, resolution_ev[0], *errors)
        for one, kelvin in zip(counts, kelvins, strict=True)
    ]
    if columns.slit is None or a == 1 or asked.each:
        return spectra, places
    cuts = _about(asked, columns)[alive]
    if asked.kind == "superconducting" and cuts.shape[2] >= _LEAST_COLUMNS:
        return [cut_spectrum(bare, cut.T) for bare, cut in zip(spectra, cuts, strict=True)], places
    return [replace(bare, counts=cut.sum(axis=1)) for bare, cut in zip(spectra, cuts, strict=True)], places


def _about(asked: Asked, columns: Columns) -> Float64Array:
    assert columns.slit is not None
    if asked.at is None and asked.kind != "superconducting":
        raise ValueError(
            f"a cut of kind {asked.kind} needs its place: --at DEG --within DEG; or --each for every column"
        )
    if asked.at is None:
        return columns.counts
    half = asked.within if asked.within is not None else 0.5
    inside = np.abs(columns.slit - asked.at) <= half
    if not inside.any():
        low, high = columns.slit[0], columns.slit[-1]
        raise ValueError(f"--at {asked.at:g} ± {half:g} lies outside the slit's {low:.4g} to {high:.4g}")
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


def _doubts(rows: list[dict[str, Any]], fermi_error_ev: float, energy_ev: Float64Array) -> list[str]:
    """Return what speaks against the answers, a line each."""
    strange = sum(row["misfit"] > MOST_MISFIT for row in rows)
    moved = sum(abs(row["fermi_shift_ev"]) > _MOST_MOVED * fermi_error_ev for row in rows)
    deep = sum(row["high_ev"] > min(_DEEP * float(-energy_ev[0]), LARGEST_EV) for row in rows)
    said = [
        (strange, "differ from the best fit by more than chance: kind, background or unit of the counts is not theirs, "
         "and errors are too small"),
        (moved, f"want the Fermi level elsewhere by more than {_MOST_MOVED:g} of its errors: measure a gold reference"),
        (deep, "may have gaps beyond what the window shows: --window LOW HIGH"),
    ]  # fmt: skip
    return [f"{count} of {len(rows)} spectra {words}" for count, words in said if count]


def _row(
    one: GapAnswer, shares: dict[str, float], spectrum: GapSpectrum, number: int, places: dict[str, Float64Array]
) -> dict[str, Any]:
    limit = one.limit_ev if np.isfinite(one.limit_ev) else None
    return {
        **{name: float(item[number]) for name, item in places.items()},
        "electrons": float(spectrum.counts.sum()),
        "temperature_k": spectrum.temperature_k,
        "kind": one.kind,
        "kinds": shares,
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
