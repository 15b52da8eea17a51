"""Mirrored pictures: a geometry for the other hand, and where the beam meets the panel."""

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.detector import BEAM, Detector

FLIPS = ("none", "horizontal", "vertical")
FACES_THE_BEAM = 0.5
"""Cosine between a panel's normal and the beam above which the beam's own point is taken for its centre."""


def beam_point_px(detector: Detector) -> Float64Array:
    """Return (2,) where the beam's line meets the panel; the point nearest to the sample where it does so far away.

    Of a cylinder it is where the beam that went through the sample meets it, or would.
    """
    if isinstance(detector, CylinderDetector):
        return detector.to_pixel(BEAM)[0]
    along = float(detector.normal @ BEAM)
    direction = np.copysign(1.0, along) * BEAM if abs(along) > FACES_THE_BEAM else detector.normal
    return detector.to_pixel(direction)[0]


def radius_mm(detector: Detector, position_px: ArrayLike) -> Float64Array:
    """Return the distance on the panel, mm, of positions (..., 2) from where the beam meets it, (...)."""
    away: Float64Array = np.linalg.norm(np.asarray(position_px) - beam_point_px(detector), axis=-1)
    return detector.pixel_mm * away


def flipped(detector: Detector, flip: str) -> Detector:
    """Return the geometry of a picture whose columns ("horizontal") or rows ("vertical") are the other way round.

    Parameters
    ----------
    detector : as it would be for the picture unflipped; the point of the beam keeps its pixel
    flip : one of ``FLIPS``

    Notes
    -----
    A panel across the beam, and a cylinder around the sample, is mirrored as a whole in the plane that holds the beam,
    its tilts too, so that a pattern fits the one hand exactly as well as the other. A panel beside the sample has its
    columns or rows reversed.
    """
    if flip not in FLIPS:
        raise ValueError(f"a flip is one of {', '.join(FLIPS)}; found {flip!r}")
    if flip == "none":
        return detector
    if isinstance(detector, CylinderDetector):
        return mirrored_in_lab(detector, mirror_of(detector, flip))
    axis = detector.fast if flip == "horizontal" else detector.slow
    across = axis - (axis @ BEAM) * BEAM
    if np.linalg.norm(across) < FACES_THE_BEAM or abs(detector.normal @ BEAM) < FACES_THE_BEAM:
        return _reversed(detector, flip)
    across = across / np.linalg.norm(across)
    return mirrored_in_lab(detector, np.eye(3) - 2.0 * np.outer(across, across))


def mirror_of(cylinder: CylinderDetector, flip: str) -> Float64Array:
    """Return the (3, 3) mirror of the lab that reverses a cylinder's columns ("horizontal") or rows, the beam kept."""
    along = cylinder.slow - (cylinder.slow @ BEAM) * BEAM
    across = np.cross(BEAM, along) if flip == "horizontal" else along
    across = across / np.linalg.norm(across)
    mirror: Float64Array = np.eye(3) - 2.0 * np.outer(across, across)
    return mirror


def mirrored_in_lab(detector: Detector, operation: Float64Array) -> Detector:
    """Return the panel after an orthogonal (3, 3) operation of the lab that leaves the beam where it is."""
    return detector.placed(operation @ detector.origin_mm, operation @ detector.fast, operation @ detector.slow)


def _reversed(detector: Detector, flip: str) -> Detector:
    column, row = beam_point_px(detector)
    horizontal = flip == "horizontal"
    fast = -detector.fast if horizontal else detector.fast
    slow = detector.slow if horizontal else -detector.slow
    point = detector.to_lab_mm([column, row])
    origin = point - detector.pixel_mm * (column * fast + row * slow)
    return Detector(origin, fast, slow, detector.pixel_mm, detector.shape, detector.name)
