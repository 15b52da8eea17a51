"""What every calibration must fulfil: frames of the image's size, and a camera that can exist."""

import math
from collections.abc import Sequence

import numpy as np

from beamgym.physics.laue.detector import Detector

PIXELS_MM = (0.0005, 12.0)
"""Edge of a pixel: half a micrometre behind an optical microscope, 12 mm of a bank of neutron tubes."""
FARTHEST_MM = 5_000.0
"""No part of a Laue camera is further from the sample; what is stated in a wrong unit is."""
NEAREST_MM = 1.0
_MOST_PIXELS_AN_EDGE = 100_000


def agreed_shape(asked: tuple[int, int] | None, written: Sequence[float] | None, where: str) -> tuple[int, int]:
    """Return the caller's shape, which must be the one that the file states; the order of its two may differ.

    Parameters
    ----------
    asked : (rows, columns) of the image, or None
    written : the two numbers that the file states, or None where it states none
    where : the file's name, for the message

    Raises
    ------
    ValueError : when neither is known, the two contradict each other, or what is written is no size of a frame
    """
    if written is None:
        if asked is None:
            raise ValueError(f"the {where} does not give the frame's size: pass shape=(rows, columns)")
        return asked
    stated = _frame_size(written, where)
    if asked is not None and sorted(asked) != sorted(stated):
        raise ValueError(
            f"the {where} is for frames of {stated[0]} × {stated[1]} pixels, not of {asked[0]} × {asked[1]}: "
            "give the calibration of this detector and binning"
        )
    return asked or stated


def _frame_size(written: Sequence[float], where: str) -> tuple[int, int]:
    try:
        values = [float(value) for value in written]
    except (TypeError, ValueError, OverflowError):
        values = []
    fits = len(values) == 2 and all(1 <= value <= _MOST_PIXELS_AN_EDGE and value == int(value) for value in values)
    if not fits:
        raise ValueError(f"the {where} states {written!r} as the frame's size; two whole numbers are wanted")
    return int(values[0]), int(values[1])


def possible(detector: Detector, where: str) -> Detector:
    """Return the detector if it can exist; lengths in a wrong unit make one that cannot.

    Raises
    ------
    ValueError : pixels, a distance or an offset that no camera has; the message names the number and the unit
    """
    low, high = PIXELS_MM
    if not low <= detector.pixel_mm <= high:
        raise ValueError(
            f"{where} makes pixels of {detector.pixel_mm:g} mm; cameras have {low:g} to {high:g} mm: check its units"
        )
    if not NEAREST_MM <= detector.distance_mm <= FARTHEST_MM:
        raise ValueError(
            f"{where} puts the camera {detector.distance_mm:g} mm from the sample; {NEAREST_MM:g} to "
            f"{FARTHEST_MM:g} mm are possible: check its units"
        )
    farthest = float(np.linalg.norm(detector.corners_mm(), axis=1).max())
    if not farthest <= FARTHEST_MM:
        raise ValueError(
            f"{where} puts a corner of the camera {farthest:.0f} mm from the sample, more than {FARTHEST_MM:g} mm: "
            "check its units and its centre"
        )
    return detector


def number(value: object, name: str, where: str) -> float:
    """Return an entry of a file that must be a finite number.

    Raises
    ------
    ValueError : it is none; the message names the file and the entry
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{where}: {name} must be a number, found {str(value)[:40]!r}")
    try:
        found = float(value) if not isinstance(value, str) else float(value.strip().replace("_", "?"))
    except (ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"{where}: {name} must be a number, found {str(value)[:40]!r}")
    return found
