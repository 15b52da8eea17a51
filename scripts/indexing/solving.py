"""From a picture to an answer for every crystal that was asked for, with the finders in turn."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from beamgym.physics.crystal import Crystal
from beamgym.physics.instrument import FrameFailed
from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import (
    IndexingFailed,
    MeasuredPattern,
    SolvedPattern,
    solve,
    solve_on_cylinder,
)
from beamgym.physics.laue.report import CellAnswer, solve_cells
from beamgym.scripts.indexing.source import PictureSource


class PictureFailed(ValueError):
    """No crystal was indexed in a picture.

    Parameters
    ----------
    error : the reason
    pattern, panel : what it was tried with
    """

    def __init__(self, error: IndexingFailed, pattern: MeasuredPattern, panel: Detector) -> None:
        super().__init__(str(error))
        self.error, self.pattern, self.panel = error, pattern, panel


@dataclass(frozen=True)
class Solving:
    """The options of the command line that say how a pattern is indexed; see their help.

    Parameters
    ----------
    samples : the crystals that it may be
    band_kev : lowest and highest photon energy
    refine_detector : fit the camera, on a reference crystal
    search_camera : look for the camera about the stated one; None does so where a person stated it
    """

    samples: Sequence[Crystal]
    band_kev: tuple[float, float]
    refine_detector: bool = False
    search_camera: bool | None = None

    def searches(self, source: PictureSource) -> bool:
        """Whether the camera is looked for about the stated one: as was asked, else where a person stated it."""
        return source.geometry.in_words if self.search_camera is None else self.search_camera

    def cells(self, pattern: MeasuredPattern, panel: Detector, source: PictureSource) -> tuple[CellAnswer, ...]:
        """Index a pattern as every crystal, the best answer first; raises IndexingFailed where none fits."""
        search = self.searches(source)
        plates = source.geometry.cylinders(pattern.shape) if isinstance(panel, CylinderDetector) else ()

        def one(sample: Crystal) -> SolvedPattern:
            if plates:
                wanted = self.search_camera is not False
                return solve_on_cylinder(
                    pattern,
                    sample,
                    plates,
                    self.band_kev,
                    search=wanted,
                    anywhere=source.geometry.begins_anywhere,
                    progress=tell_cameras,
                )
            return solve(
                pattern,
                sample,
                panel,
                self.band_kev,
                known=source.geometry.known,
                refine_detector=self.refine_detector,
                search_camera=search,
                progress=tell_cameras,
            )

        return solve_cells(self.samples, one)

    def picture(self, source: PictureSource, path: Path) -> tuple[CellAnswer, ...]:
        """Index a file, with the next finder where one finder's peaks are not indexed.

        Raises
        ------
        PictureFailed : with no finder's peaks; what is told is the first's
        FrameFailed : a picture that the first finder cannot use
        """
        failures: list[PictureFailed] = []
        for finder in source.finders(path):
            try:
                pattern, panel = source.read(path, finder)
            except FrameFailed:
                if not any(failure.error.nearest for failure in failures):
                    raise
                continue  # the first finder found spots: what to try is told of those
            try:
                cells = self.cells(pattern, panel, source)
            except IndexingFailed as error:
                failures.append(PictureFailed(error, pattern, panel))
                continue
            tell_notes(pattern)
            if failures:
                typer.echo(f"note: indexed with the peaks of the {finder} finder (--finder {finder})", err=True)
            return cells
        tell_notes(failures[0].pattern)
        raise failures[0]


def tell_notes(pattern: MeasuredPattern) -> None:
    """Tell on stderr what was assumed in reading a picture."""
    for note in pattern.notes:
        typer.echo(f"note: {note}", err=True)


def tell_cameras(tried: int, cameras: int) -> None:
    """Tell on a terminal's last line how many cameras were tried; nothing goes into a file or a pipe."""
    if sys.stderr.isatty():
        typer.echo(f"\rcamera {tried} of at most {cameras} tried", err=True, nl=False)
