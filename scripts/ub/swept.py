"""What `beamgym ub SWEEP` finds: frames searched for spots, spots turned into reflections, and UB of those."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from beamgym.physics.diffractometer import CONVENTIONS, Diffractometer, cell_of_ub, diffractometer, ub_for
from beamgym.physics.diffractometer import ReflectionTable as Table
from beamgym.physics.diffractometer.sweeps import (
    SweepGeometry,
    SweepSpots,
    find_sweep_spots,
    free_sweep,
    index_sweep,
    spot_reflections,
)
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files import load_detector_for, read_mask
from beamgym.scripts.ub.found import Asked, answer_of, candidate_row, head_of, rows_of
from beamgym.scripts.ub.sweep_files import SweepFiles, read_sweep

_LEAST_SHARE = 0.3
"""Share of the spots that an orientation explains at least; λ/2, Kα2 and a second grain leave some over."""
_MOST_TOLD = 5


@dataclass(frozen=True)
class SweepAsked:
    """The options of a sweep.

    Parameters
    ----------
    detector : file of the geometry; None takes what the frames' file says
    axis : that was swept
    at : "chi=0,phi=0": where the others stand
    start_deg, step_deg : of the axis at the beginning of the first frame; None takes the file's
    dataset : of HDF5
    masks : as ``read_mask`` takes them
    threshold : standard deviations
    picture : file to draw
    """

    detector: Path | None
    axis: str | None
    at: str | None
    start_deg: float | None
    step_deg: float | None
    dataset: str | None
    masks: tuple[str, ...]
    threshold: float
    picture: Path | None


class _Watched:
    """Frames as they are read: what lights up on any of them is kept for the picture."""

    def __init__(self, files: SweepFiles) -> None:
        self.files = files
        self.brightest: NDArray[Any] | None = None

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for image, ignored in track(self.files.frames(), "frames", total=self.files.count, transient=True):
            values = np.where(ignored, -1.0, image.astype(np.float64))
            self.brightest = values if self.brightest is None else np.maximum(self.brightest, values)
            yield values


def swept_answer(asked: Asked, sweep: SweepAsked, wavelength_a: float | None) -> dict[str, Any]:
    """Return the report of a sweep, as JSON takes it.

    Raises
    ------
    ValueError : in one line, for whatever the files or the options are at odds with
    """
    instrument = diffractometer(asked.preset)
    axis = sweep.axis or instrument.halved or instrument.sample.names[0]
    files = read_sweep(asked.path, axis, sweep.dataset)
    wavelength = files.wavelength_a if wavelength_a is None else wavelength_a
    if wavelength is None:
        raise ValueError(f"{asked.path} does not say the wavelength; give --wavelength in Å, or --energy in keV")
    asked = replace(asked, wavelength_a=wavelength)
    first, _ = next(files.frames())
    panel = _panel(sweep, asked.path, first.shape[0], first.shape[1])
    geometry = _geometry(instrument, axis, sweep, files, panel, wavelength)
    mask = read_mask(sweep.masks, panel.shape)[0] if sweep.masks else None
    frames = _Watched(files)
    spots = find_sweep_spots(frames, mask, sweep.threshold)
    notes = [*files.notes, *_told(spots)]
    spots = spots.rows(~spots.cut)
    if len(spots) < 2:
        raise ValueError(
            f"{asked.path}: {len(spots)} spots rise above the background of {files.count} frames and pass wholly "
            "through the sweep; expose longer, sweep farther, or lower --threshold"
        )
    observed = spot_reflections(spots, geometry, asked.error_deg)
    table = Table(observed, None, np.empty((0, 3)), tuple(range(1, len(spots) + 1)), tuple(notes))
    report = head_of(asked, table, instrument) | {"next": [], "spots": _spot_rows(spots, geometry)}
    report |= _by_cell(asked, table, instrument) if asked.known is not None else _free(table, instrument)
    if sweep.picture is not None:
        from beamgym.scripts.ub.sweep_picture import draw_sweep

        assert frames.brightest is not None
        draw_sweep(sweep.picture, frames.brightest, spots, report, geometry)
    return report


def _panel(sweep: SweepAsked, path: Path, rows: int, columns: int) -> Detector:
    try:
        return load_detector_for(path if sweep.detector is None else sweep.detector, (rows, columns))
    except (ValueError, OSError, KeyError) as error:
        if sweep.detector is not None:
            raise
        raise ValueError(
            f"{path} does not say where its detector stands; give --detector FILE (.poni, .json, …)"
        ) from error


def _geometry(
    instrument: Diffractometer, axis: str, sweep: SweepAsked, files: SweepFiles, panel: Detector, wavelength_a: float
) -> SweepGeometry:
    start = files.start_deg if sweep.start_deg is None else sweep.start_deg
    step = files.step_deg if sweep.step_deg is None else sweep.step_deg
    if start is None or step is None:
        raise ValueError(f"{files.path} does not say how {axis} turned; give --start and --step in degrees")
    stands = dict.fromkeys(instrument.sample.names, 0.0)
    stands |= {name: value for name, value in files.standing.items() if name in stands}
    stands |= _positions(sweep.at, instrument)
    return SweepGeometry(instrument, np.array(list(stands.values())), axis, start, step, panel, wavelength_a)


def _positions(text: str | None, instrument: Diffractometer) -> dict[str, float]:
    found: dict[str, float] = {}
    for word in (text or "").replace(" ", "").split(","):
        if not word:
            continue
        name, equals, value = word.partition("=")
        if name not in instrument.sample.names or not equals:
            raise ValueError(f"--at {text!r}: write axis=degrees of {', '.join(instrument.sample.names)}, with commas")
        try:
            found[name] = float(value)
        except ValueError:
            raise ValueError(f"--at {text!r}: {value!r} is no number of degrees") from None
    return found


def _told(spots: SweepSpots) -> list[str]:
    notes = [f"{len(spots)} spots on {spots.read} frames"]
    if spots.cut.any():
        notes.append(f"{int(spots.cut.sum())} of them begin or end outside the sweep, and are left out")
    if spots.stuck:
        notes.append(f"{spots.stuck} places shine on most frames: bad pixels, left out")
    return notes


def _spot_rows(spots: SweepSpots, geometry: SweepGeometry) -> list[dict[str, Any]]:
    angles = geometry.angles_deg(spots.frame)
    return [
        {
            "position_px": spots.position_px[i].tolist(),
            geometry.axis: float(angles[i]),
            "counts": float(spots.counts[i]),
            "frames": int(spots.frames[i]),
        }
        for i in range(len(spots))
    ]


def _by_cell(asked: Asked, table: Table, instrument: Diffractometer) -> dict[str, Any]:
    known = asked.known
    assert known is not None
    found = index_sweep(table.observed, known)
    n, explained = len(table.observed), int(found.belongs.sum())
    if explained < max(2.0, _LEAST_SHARE * n):
        raise ValueError(
            f"{asked.path}: the best orientation of {known.name} explains {explained} of {n} spots within "
            f"{asked.error_deg:g}°; check the cell, the wavelength, the detector's geometry, the sense of the axis "
            f"(--step) and --preset, or --error {3.0 * asked.error_deg:g}"
        )
    best = replace(found.candidates.found[found.best], hkl=found.hkl, belongs=found.belongs.astype(np.float64))
    others = [one for i, one in enumerate(found.candidates.found) if i != found.best]
    told = [best, *others][:_MOST_TOLD]
    report: dict[str, Any] = {
        "cell": known.cell.tolist(),
        "decided": found.candidates.decided is not None and found.best == 0,
        "candidates": [candidate_row(one) for one in told],
        "more_candidates": max(len(found.candidates.found) - _MOST_TOLD, 0),
        "none": found.candidates.none,
        "alike": found.candidates.alike,
        "judged_by": len(found.chosen),
    }
    return report | answer_of(asked, table, instrument, best, known.cell)


def _free(table: Table, instrument: Diffractometer) -> dict[str, Any]:
    lattice, hkl, on = free_sweep(table.observed)
    cell = cell_of_ub(lattice.ub)
    return {
        "from": "lattice",
        "cell": cell.tolist(),
        "refined_cell": cell.tolist(),
        "ub": {name: ub_for(name, lattice.ub, instrument).tolist() for name in CONVENTIONS},
        "rows": rows_of(table, lattice.ub, hkl, np.asarray(on), None),
    }
