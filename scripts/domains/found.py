"""What `beamgym domains` does: reads a file, tells a cut from a map, and asks the method for it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from beamgym.physics.arpes.domains import (
    Canvas,
    CutDomains,
    autocorrelation_fit,
    mdc_peaks,
    mixture_fit,
    onto_canvas,
    sample_domains,
)
from beamgym.physics.arpes.load import (
    LabelledAxis,
    LoadWords,
    MeasuredSpectra,
    band_doubts,
    load,
    role_of,
    unit_doubts,
)

METHODS: Final = ("network", "mixture", "peaks", "autocorrelation")

SAMPLE: Final = (
    "patterns are those of the purest twentieth of the sites: a domain without sites of its own is missed, or "
    "drawn into the others; that two patterns are no copies does not say whether they are turned, tilted across the "
    "slit, or of another material"
)

ONE_CUT: Final = (
    "one cut of unknown dispersion gives offsets along the slit alone: where a normal points, and how a domain is "
    "turned about it, needs a map of angles; domains that differ across the slit or in azimuth show other bands here"
)


@dataclass(frozen=True)
class Asked:
    """The command line, read; names are those of the options."""

    file: Path
    words: LoadWords
    method: str
    most: int
    seed: int
    out: Path | None


def answer(asked: Asked) -> dict[str, Any]:
    """Return the report, as JSON takes it; writes pictures and tables where a folder is given.

    Raises
    ------
    ValueError : in one line, for whatever the file or the options are at odds with
    """
    if asked.method not in METHODS:
        raise ValueError(f"--method {asked.method!r}: choose one of {', '.join(METHODS)}")
    measured = load(asked.file, asked.words)
    if len(measured.counts) == 1:
        return _cut(asked, measured)
    angles = [name for name in measured.sites if role_of(LabelledAxis(name)) in ("angle", "momentum")]
    if angles:
        raise ValueError(
            f"{asked.file} is a map over a second angle ({angles[0]}): poses in such maps are not found yet; give "
            "one cut of it, or a map over x and y"
        )
    return _sample(asked, measured)


def method_of(name: str, seed: int) -> Callable[[Canvas], CutDomains]:
    """Return what answers a canvas with one cut."""
    if name == "network":
        from beamgym.envs.domains import shipped_finder

        finder = shipped_finder()
        return lambda canvas: finder(canvas)[0]
    fits: dict[str, Any] = {
        "mixture": lambda counts, step: mixture_fit(counts, step, seed=seed),
        "peaks": mdc_peaks,
        "autocorrelation": autocorrelation_fit,
    }
    return lambda canvas: fits[name](canvas.measured(0), canvas.step_deg)


def _cut(asked: Asked, measured: MeasuredSpectra) -> dict[str, Any]:
    canvas = onto_canvas(measured)
    doubts = [*measured.fermi.doubts, *unit_doubts(measured.noise, measured.gain, measured.unit)]
    if nothing := band_doubts(canvas.measured(0)):
        raise ValueError(f"{nothing[0].split(';')[0]}): domains of a spectrum without bands cannot be told")
    found = method_of(asked.method, asked.seed)(canvas)
    report = _head(asked, measured, canvas) | {
        "kind": "cut",
        "method": asked.method,
        "doubts": [*doubts, *found.notes],
        **said_of(found),
    }
    if asked.out is not None:
        from beamgym.scripts.domains.picture import draw_cut

        asked.out.mkdir(parents=True, exist_ok=True)
        report["files"] = [str(draw_cut(asked.out / f"{asked.file.stem}_domains.png", canvas, found))]
    return report


def _sample(asked: Asked, measured: MeasuredSpectra) -> dict[str, Any]:
    alive = np.flatnonzero(measured.alive)
    canvas = onto_canvas(measured, alive)
    found = sample_domains(canvas, asked.most, asked.seed)
    columns = {"domain": np.full(len(measured.counts), -1.0), "sure": np.zeros(len(measured.counts))}
    columns["domain"][alive], columns["sure"][alive] = found.label + 1, found.sure
    for d in range(found.number):
        for name, values in ((f"weight_{d + 1}", found.weight), (f"weight_{d + 1}_error", found.weight_error)):
            columns[name] = np.full(len(measured.counts), np.nan)
            columns[name][alive] = values[:, d]
    report = _head(asked, measured, canvas) | {
        "kind": "sample",
        "number": found.number,
        "sites": int(alive.size),
        "gain": list(found.gain),
        "doubts": [*measured.fermi.doubts, *unit_doubts(measured.noise, measured.gain, measured.unit)],
        "limits": [SAMPLE],
        "domains": [
            {
                "sites": int((found.label == d).sum()),
                "sure": int((found.sure & (found.label == d)).sum()),
                "weight": float(found.weight[:, d].mean()),
                "shift_deg": one.shift_deg,
                "shift_error_deg": one.shift_error_deg,
                "correlation": one.correlation,
                "copy": one.copy,
            }
            for d, one in enumerate(found.relation)
        ],
    }
    if asked.out is not None:
        from beamgym.agents.measured import write_sites
        from beamgym.scripts.domains.picture import draw_sample

        asked.out.mkdir(parents=True, exist_ok=True)
        stem = asked.out / f"{asked.file.stem}_domains"
        write_sites(stem, dict(measured.sites), columns, measured.shape)
        picture = draw_sample(stem.with_suffix(".png"), canvas, found, columns, measured.shape)
        report["files"] = [f"{stem}.csv", f"{stem}.npz", str(picture)]
    return report


def _head(asked: Asked, measured: MeasuredSpectra, canvas: Canvas) -> dict[str, Any]:
    return {
        "file": measured.name,
        "electrons": float(canvas.counts.sum()),
        "fermi_level_eV": measured.fermi.value_ev,
        "fermi_level": measured.fermi.words,
        "notes": [*measured.notes, *canvas.notes],
    }


def said_of(found: CutDomains) -> dict[str, Any]:
    """Return what is said of a cut, as plain numbers; None where a method states none."""
    return {
        "number": found.number,
        "probability": [_plain(value) for value in found.probability],
        "domains": [
            {
                "offset_deg": float(found.offset_deg[d]),
                "offset_error_deg": _plain(found.offset_error_deg[d]),
                "weight": _plain(found.weight[d]),
                "weight_error": _plain(found.weight_error[d]),
            }
            for d in range(found.number)
        ],
        "limits": [ONE_CUT],
    }


def _plain(value: float) -> float | None:
    return float(value) if value == value else None
