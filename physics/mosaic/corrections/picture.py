"""What a person reads off a crystal's picture: where the pattern's centre is, and how the pattern is turned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.laue.detector import BEAM, Detector
from beamgym.physics.mosaic.corrections.target import MosaicTarget
from beamgym.physics.mosaic.habit import Habit
from beamgym.physics.mosaic.plate_frame import PLATE_TO_LAB
from beamgym.physics.mosaic.records import Correction, ScannedCrystal

_ASIDE_DEG = 3.0


@dataclass(frozen=True)
class PictureReading:
    """A pattern as a person sees it.

    Parameters
    ----------
    name : of the crystal
    verdict, note : of the scan
    cx_px, cy_px : column and row, 0-based, where the reflections of the target's normal lie: the pattern's centre; NaN
        where there is no orientation, or they miss the panel's plane
    turn_deg : of the direction that is to lie along the holder, from the picture's right, counter-clockwise as it is
        shown with row 0 on top; the camera sees the plate from the source's side mirrored, so that a crystal turned
        counter-clockwise turns clockwise here
    """

    name: str
    verdict: str
    cx_px: float
    cy_px: float
    turn_deg: float
    note: str = ""


def picture_reading(
    one: ScannedCrystal, crystal: Crystal, habit: Habit, target: MosaicTarget, detector: Detector
) -> PictureReading:
    """Return what a crystal's picture shows.

    Parameters
    ----------
    one : as scanned
    crystal, habit, target : what it is, how it lies, how it is to stand
    detector : the camera, as the crystal sees it
    """
    if one.orientation is None:
        return PictureReading(one.name, one.verdict, np.nan, np.nan, np.nan, one.note)
    lab = PLATE_TO_LAB @ one.orientation
    up, to = lab @ target.normal.vector(crystal), lab @ target.along.vector(crystal)
    if up[0] > 0.0:  # its other end points to the source
        up, to = -up, -to
    flat = to - (to @ up) * up
    flat = flat / np.linalg.norm(flat)
    aside = np.cos(np.radians(_ASIDE_DEG)) * up + np.sin(np.radians(_ASIDE_DEG)) * flat
    (cx, cy), (ax, ay) = (detector.to_pixel(_reflected(normal))[0] for normal in (up, aside))
    return PictureReading(
        one.name, one.verdict, float(cx), float(cy), float(np.degrees(np.arctan2(-(ay - cy), ax - cx))), one.note
    )


def _reflected(normal: Float64Array) -> Float64Array:
    ray: Float64Array = BEAM - 2.0 * float(normal @ BEAM) * normal
    return ray


WORK_TABLE = (
    "name",
    "verdict",
    "turn_deg",
    "tilt_x_deg",
    "tilt_y_deg",
    "equivalents_deg",
    "sigma_x_deg",
    "sigma_y_deg",
    "sigma_z_deg",
    "turned_over",
    "cx_px",
    "cy_px",
    "picture_turn_deg",
    "note",
)
"""Columns of the table that a person works from."""


def work_rows(
    corrections: Sequence[Correction], readings: Sequence[PictureReading]
) -> list[Mapping[str, str | float | bool | tuple[float, ...] | None]]:
    """Return the rows of the table, one for every scanned crystal; without a correction its angles are None."""
    by_name = {one.name: one for one in corrections}
    rows: list[Mapping[str, str | float | bool | tuple[float, ...] | None]] = []
    for seen in readings:
        turn = by_name.get(seen.name)
        sigma = (None, None, None) if turn is None else tuple(float(value) for value in turn.sigma_deg)
        rows.append(
            {
                "name": seen.name,
                "verdict": seen.verdict,
                "turn_deg": None if turn is None else turn.turn_deg,
                "tilt_x_deg": None if turn is None else turn.tilt_x_deg,
                "tilt_y_deg": None if turn is None else turn.tilt_y_deg,
                "equivalents_deg": () if turn is None else turn.equivalents_deg,
                "sigma_x_deg": sigma[0],
                "sigma_y_deg": sigma[1],
                "sigma_z_deg": sigma[2],
                "turned_over": turn is not None and turn.turned_over,
                "cx_px": seen.cx_px,
                "cy_px": seen.cy_px,
                "picture_turn_deg": seen.turn_deg,
                "note": seen.note,
            }
        )
    return rows


def work_table(corrections: Sequence[Correction], readings: Sequence[PictureReading]) -> str:
    """Return the table as CSV: a row for every scanned crystal, empty cells where nothing is known."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(WORK_TABLE)
    for row in work_rows(corrections, readings):
        writer.writerow([_cell(row[column]) for column in WORK_TABLE])
    return out.getvalue()


def _cell(value: str | float | bool | tuple[float, ...] | None) -> str:
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(f"{each:.3f}" for each in value)
    return value if isinstance(value, str) else f"{value:.3f}"
