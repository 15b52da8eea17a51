"""One picture indexed: the crystals solved, the report made, and the files written."""

from pathlib import Path
from typing import Any

import numpy as np

from beamgym.envs.pictures import write_lab_sheet
from beamgym.physics.files import write_json
from beamgym.physics.laue.indexing import find_grains
from beamgym.physics.laue.report import CellAnswer
from beamgym.scripts.handing_over import HandOver
from beamgym.scripts.indexing.grains import grains_report, left_over
from beamgym.scripts.indexing.outputs import OutputFiles, lab_notes, tell_failure, write_files
from beamgym.scripts.indexing.report import cells_report, solved_report
from beamgym.scripts.indexing.solving import PictureFailed, Solving
from beamgym.scripts.indexing.source import PictureSource
from beamgym.scripts.indexing.turning import Turning

HAND_IS_OPEN = (
    "mirrored? The plate's file does not say from which side its picture is seen (seen_from), and the mirrored one "
    "fits as well: --second with --turned tells"
)
"""What is said of a plate whose hand is open."""


def index_picture(
    image: Path,
    source: PictureSource,
    solving: Solving,
    turning: Turning,
    most_grains: int,
    files: OutputFiles,
    hand_over: HandOver | None = None,
) -> dict[str, Any]:
    """Index the picture, write what was asked for, and return the report; raises ValueError where it fails."""
    cells = _cells(image, source, solving, files.picture)
    first = cells[0].solved
    assert first is not None  # solve_cells raises where none fits
    every = find_grains(first.pattern, first.crystal, first.detector, first.band_kev, most_grains, first=first)
    solved = every[0]
    report = solved_report(image, solved) | grains_report(every)
    report["warnings"] += left_over(every)
    if source.geometry.hand_is_open and turning.second is None:
        report["warnings"].append(HAND_IS_OPEN)
    if len(cells) > 1:
        report["cells"] = cells_report(cells)
    report |= turning.report(solved, source)
    report["files"] = write_files(every, files.picture, files.h5, files.detector)
    if hand_over is not None:
        report["files"]["hand_over"] = hand_over.write(solved, turning.stage, turning.positions)
    if files.pdf is not None:
        write_lab_sheet(files.pdf, solved, lab_notes(image, solved, report), every[1:])
        report["files"]["pdf"] = str(files.pdf)
    if files.json is not None:
        write_json(files.json, report)
    return report


def _cells(image: Path, source: PictureSource, solving: Solving, picture: Path) -> tuple[CellAnswer, ...]:
    """Solve the picture with every crystal that was named; a failure is told with what to try."""
    try:
        return solving.picture(source, image)
    except PictureFailed as failure:
        tell_failure(failure, solving, source, picture)
        raise


def check_options(saturation: float | None, max_radius: float | None, second: Path | None, turned: str | None) -> None:
    """Raise ValueError for a number that cannot be, and for a second picture without its turn."""
    if saturation is not None and not (np.isfinite(saturation) and saturation > 0.0):
        raise ValueError(f"--saturation is the count at which a pixel is full, a positive number, got {saturation:g}")
    if max_radius is not None and not (np.isfinite(max_radius) and max_radius > 0.0):
        raise ValueError(f"--max-radius is a length in mm, above 0, got {max_radius:g}")
    if (second is None) != (turned is None):
        raise ValueError("--second IMAGE and --turned 'axis=degrees' go together: a picture, and the turn before it")
