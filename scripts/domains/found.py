"""What `beamgym domains` does: reads a file, tells a cut from a map, and asks the method for it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from beamgym.physics.arpes.domains import (
    Canvas,
    CutDomains,
    autocorrelation_fit,
    mdc_peaks,
    mixture_fit,
    onto_canvas,
)
from beamgym.physics.arpes.load import LoadWords, MeasuredSpectra, band_doubts, load, unit_doubts

METHODS: Final = ("network", "mixture", "peaks", "autocorrelation")

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
    photon_energy: float | None
    work_function: float | None
    symmetry: int
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
    if len(measured.counts) > 1:
        raise ValueError(f"{asked.file} holds {len(measured.counts)} spectra; give one cut")
    return _cut(asked, measured)


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
