"""`python -m beamgym.scripts.indexing.crude_cameras`: what becomes of cameras that their user measured by ruler."""

import time
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal, load_crystal
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import BAND_KEV, Indexed, Indexer, IndexingFailed, MeasuredPattern, solve
from beamgym.physics.laue.lab import LabPicture, lab_picture
from beamgym.physics.laue.peaks import LabPeakFinder
from beamgym.physics.laue.report import orientation_uncertainty_deg
from beamgym.physics.laue.stated_camera import beam_point_px, sharpest_cameras
from beamgym.physics.orientation import misorientation_deg

CRYSTALS = ("Si", "quartz", "Al2O3", "SrTiO3", "FePS3", "Ca2RuO4", "Bi2Se3", "kyanite")
RIGHT_DEG = 1.0
"""A right orientation is that near the truth."""


@dataclass(frozen=True)
class Found:
    """What became of one picture.

    Parameters
    ----------
    distance, centre_mm : relative error of the sharpest camera's distance, and its centre's error
    zones_s : CPU seconds for it
    stated, sharpest : whether the indexer finds the right orientation at the stated and at the sharpest camera
    error_deg, ratio : angle of the solved orientation to the truth, and in units of its stated uncertainty; NaN without
    warned : whether the answer carries a warning
    """

    distance: float
    centre_mm: float
    zones_s: float
    stated: bool
    sharpest: bool
    error_deg: float
    ratio: float
    warned: bool


def found_of(crystal: Crystal, indexer: Indexer, picture: LabPicture) -> Found:
    """Find the camera of a picture without the crystal, index at it, and solve the picture as a whole."""
    pattern = MeasuredPattern(LabPeakFinder()(picture.image))
    stated, true = picture.camera.stated, picture.camera.true
    start = time.process_time()
    sharp = sharpest_cameras(pattern.position_px, pattern.intensity, stated, most=1)
    seconds = time.process_time() - start
    camera = sharp[0].detector if sharp else stated
    centre = stated.pixel_mm * (beam_point_px(camera) - beam_point_px(true))
    error, ratio, warned = float("nan"), float("nan"), False
    try:
        solved = solve(pattern, crystal, stated, search_camera=True)
    except IndexingFailed:
        pass
    else:
        error = _error_deg(crystal, solved.indexed.orientation, picture)
        ratio, warned = error / orientation_uncertainty_deg(solved.uncertainty), bool(solved.warnings)
    return Found(
        camera.distance_mm / true.distance_mm - 1.0,
        float(np.linalg.norm(centre)),
        seconds,
        _indexed_at(stated, crystal, indexer, pattern, picture),
        _indexed_at(camera, crystal, indexer, pattern, picture),
        error,
        ratio,
        warned,
    )


def _indexed_at(
    camera: Detector, crystal: Crystal, indexer: Indexer, pattern: MeasuredPattern, picture: LabPicture
) -> bool:
    answer = indexer.on(camera).index(pattern.position_px, pattern.intensity)
    return isinstance(answer, Indexed) and _error_deg(crystal, answer.orientation, picture) < 2.0 * RIGHT_DEG


def _error_deg(crystal: Crystal, orientation: Float64Array, picture: LabPicture) -> float:
    return float(misorientation_deg(orientation, picture.orientation, crystal.rotations))


def table_of(found: list[Found], title: str) -> Table:
    """Lay the figures out, one line each."""
    drawn = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 2, 0, 0))
    for heading in ("figure", "median", "95 %", "most"):
        drawn.add_column(heading, justify="left" if heading == "figure" else "right")
    right = [one for one in found if one.error_deg < RIGHT_DEG]
    for name, values in (
        ("distance of the sharpest camera, % off", [100.0 * abs(one.distance) for one in found]),
        ("its centre, mm off", [one.centre_mm for one in found]),
        ("its CPU seconds", [one.zones_s for one in found]),
        ("right answers: degrees off", [one.error_deg for one in right]),
        ("right answers: in units of the stated uncertainty", [one.ratio for one in right]),
    ):
        drawn.add_row(name, *(f"{value:.2f}" for value in np.percentile(values or [np.nan], [50.0, 95.0, 100.0])))
    count = len(found)
    for name, number in (
        ("indexed right at the stated camera", sum(one.stated for one in found)),
        ("indexed right at the sharpest camera", sum(one.sharpest for one in found)),
        ("solved right", len(right)),
        ("solved right, warned about", sum(one.warned for one in right)),
        ("solved wrong, not warned about", sum(one.error_deg >= RIGHT_DEG and not one.warned for one in found)),
    ):
        drawn.add_row(name, f"{number} of {count}")
    return drawn


def crude_cameras(
    pictures: Annotated[int, typer.Option(help="How many, the eight crystals in turn.", min=1)] = 160,
    seed: Annotated[int, typer.Option(help="Of the first picture.", min=0)] = 5000,
) -> None:
    """Print how well cameras are found from the sharpness of zones, and how honest the stated uncertainty is."""
    crystals = [load_crystal(name) for name in CRYSTALS]
    indexers = [Indexer(crystal, BAND_KEV) for crystal in crystals]
    found = []
    for number in track(range(seed, seed + pictures), console=Console(stderr=True), transient=True):
        kind = number % len(CRYSTALS)
        found.append(found_of(crystals[kind], indexers[kind], lab_picture(crystals[kind], number)))
    Console(width=110).print(table_of(found, f"{pictures} laboratory pictures from seed {seed}"))


if __name__ == "__main__":
    typer.run(crude_cameras)
