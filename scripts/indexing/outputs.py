"""What indexing leaves behind: pictures, results, the page for the lab book, and what to try after a failure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import typer

from beamgym.envs.pictures import LabNotes, write_attempt, write_overlay
from beamgym.physics.laue.files import save_detector
from beamgym.physics.laue.indexing import SolvedPattern
from beamgym.physics.laue.report import Attempt, remedies, write_results
from beamgym.physics.laue.stated_camera import beam_point_px
from beamgym.physics.laue.wavelengths import band_words
from beamgym.scripts.command_line import check_output
from beamgym.scripts.indexing.grains import grains_in_short
from beamgym.scripts.indexing.solving import PictureFailed, Solving
from beamgym.scripts.indexing.source import PictureSource
from beamgym.scripts.indexing.text import way_as_text


@dataclass(frozen=True)
class OutputFiles:
    """What is to be written: the picture, and the result in whichever forms were asked for.

    Parameters
    ----------
    picture : the overlay, a PNG
    json, h5, detector, pdf : the result, everything as NeXus, the geometry used, the page for the lab book
    """

    picture: Path
    json: Path | None
    h5: Path | None
    detector: Path | None
    pdf: Path | None

    def check(self) -> None:
        """Raise ValueError where one of them cannot be written, or its name ends as that of another form."""
        for file in (self.picture, self.json, self.h5, self.detector, self.pdf):
            check_output(file)
        if self.picture.suffix.lower() != ".png":
            raise ValueError(f"--out writes a PNG: give a name that ends in .png, got {self.picture}")
        if self.pdf is not None and self.pdf.suffix.lower() != ".pdf":
            raise ValueError(f"--pdf writes a PDF: give a name that ends in .pdf, got {self.pdf}")


def write_files(
    grains: Sequence[SolvedPattern], picture: Path, h5: Path | None, detector_out: Path | None
) -> dict[str, str]:
    """Write what was asked for, and return each file's kind and name in the order in which they are told."""
    files = {"overlay": str(picture)}
    solved, others = grains[0], [grain.indexed for grain in grains[1:]]
    pattern = solved.pattern
    write_overlay(
        picture, pattern.image, solved.detector, solved.crystal, pattern.peaks, solved.indexed, solved.band_kev, others
    )
    if h5 is not None:
        write_results(h5, solved.crystal, solved.detector, pattern.peaks, solved.indexed, pattern.image, others=others)
        files["hdf5"] = str(h5)
    if detector_out is not None:
        save_detector(solved.detector, detector_out)
        files["detector"] = str(detector_out)
    return files


def lab_notes(image: Path, solved: SolvedPattern, report: dict[str, Any]) -> LabNotes:
    """Return what the page for the lab book says besides the solved pattern."""
    written = datetime.fromtimestamp(image.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
    panel = solved.detector
    column, row = beam_point_px(panel)
    camera = [
        f"{panel.name}, {panel.distance_mm:.2f} mm, pixel {panel.pixel_mm:.5g} mm",
        f"centre: column {column:.1f}, row {row:.1f}" + (", mirrored picture" if panel.mirrored else ""),
        f"{panel.shape[0]} rows, {panel.shape[1]} columns; {band_words(solved.band_kev, solved.crystal.radiation)}",
    ]
    ways = report.get("targets", [])
    turns = [line for way in ways for line in (_one_target(way) if len(ways) == 1 else _two_lines(way))]
    warnings_ = [warning.split("? ")[0] + "?" for warning in report["warnings"]]
    warnings_ += [f"ambiguous: {len(report['ambiguous'])} more orientations fit as well"] if report["ambiguous"] else []
    warnings_ += grains_in_short(report["grains"])
    if "handedness" in report:
        warnings_.append(f"two pictures: {report['handedness']['verdict']}")
    return LabNotes(image.name, written, camera, turns, warnings_)


def _two_lines(way: dict[str, Any]) -> list[str]:
    """Return a target and its turns as briefly as can be, where there are several."""
    if way["reachable"]:
        turns = ", ".join(f"{name} {axis['turn']:+.2f}" for name, axis in way["axes"].items())
    else:
        x, y, z = way["remount"]["axis_lab"]
        turns = f"glue anew: {way['remount']['angle_deg']:.1f}° about ({x:.2f}, {y:.2f}, {z:.2f})"
    return [f"{way['label']}: {way['error_deg']:.2f}° away", f"  {turns}"]


def _one_target(way: dict[str, Any]) -> list[str]:
    """Return the lines of one target, the sense of every + on a line of its own: a turn without it is half a turn."""
    target, *turns = way_as_text(way)
    return [target.split(";")[0], *(part for line in turns for part in line.replace("; + ", "\n    + ").split("\n"))]


def tell_failure(failure: PictureFailed, solving: Solving, source: PictureSource, picture: Path) -> None:
    """Print what to try, and draw what was found with the best guess where there is anything to see."""
    nearest, pattern, samples = failure.error.nearest, failure.pattern, solving.samples
    attempt = Attempt(
        peaks=pattern.count,
        matched=nearest.matched if nearest is not None else 0,
        from_image=pattern.image is not None,
        stated_camera=source.geometry.in_words,
        searched_camera=solving.searches(source),
        shadow=_shadow(failure, source),
        masked=source.max_radius_mm is not None,
        cells=len(samples),
        band_kev=solving.band_kev,
        radiation=samples[0].radiation,
        one_based=bool(source.one_based),
    )
    typer.echo("\n".join(["not indexed; to try, the likeliest first:", *(f"  - {line}" for line in remedies(attempt))]))
    if pattern.count or (pattern.image is not None and np.ptp(pattern.image) > 0):
        guess = None
        if nearest is not None and nearest.orientation is not None and len(samples) == 1:
            guess = (samples[0], nearest.orientation, solving.band_kev)
        write_attempt(picture, pattern.image, failure.panel, pattern.peaks, guess)
        typer.echo(f"wrote {picture}, with the peaks found" + (" and the best guess" if guess else ""))


def _shadow(failure: PictureFailed, source: PictureSource) -> tuple[float, float, float] | None:
    """Return column, row and mm from the stated centre of the collimator's shadow, in the pixels of --center."""
    seen, panel = failure.pattern.beam_px, failure.panel
    if seen is None or source.geometry.fiducials is not None:
        return None
    column, row = beam_point_px(panel)
    return *seen, panel.pixel_mm * float(np.hypot(seen[0] - column, seen[1] - row))
