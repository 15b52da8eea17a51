"""Where a camera stands, from the peaks alone: no crystal is needed.

Planes of one zone share an axis, so that their normals lie on a great circle, in every crystal. With a wrong distance
or centre the normals that a camera makes of the peaks leave these circles. The camera is therefore where most triples
of normals lie in one plane, within the errors of the peaks.
"""

from dataclasses import dataclass
from itertools import product
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.stated_camera.kernels import coplanar_triples

BRIGHTEST = 40
"""Peaks taken, brightest first: bright ones lie on the zones that many planes share, and are seldom false."""
POSITION_PX = 0.3
"""Standard deviation of a peak's position along rows and columns."""
DISTANCE_STEP, CENTRE_STEP_MM = 0.02, 0.5
"""The grid's steps; the widest Gaussian spans them."""
WIDENED = (6.0, 3.0, 1.5)
"""By how much errors are widened on the grid, and on the way down from it."""
FOLLOWED = 6
"""Places of the grid that are followed down."""
EVALUATIONS = 60
"""Of the sharpness at each width, at most."""
CLEAR_SHARE = 0.009
"""Clear pictures have 0.010 to 0.046, lists with half of their peaks false 0.004 to 0.013."""
OUTSIDE = 1.3
"""By how much the way down may leave the range asked for."""
APART = (0.01, 0.15)
"""Cameras nearer to each other than this are one: share of the distance, and mm of the centre."""
LEAST_DISTANCE, FARTHEST_MM = 0.05, 1e4
"""A camera is not tried nearer than this share of its stated distance, nor moved farther than ten metres."""


@dataclass(frozen=True)
class SharpCamera:
    """A camera at which zones are sharp.

    Parameters
    ----------
    detector : the stated one, shifted along its edges and along its normal
    sharpness : triples of the peaks' normals that lie in one plane, within their errors
    share : the same as a share of all triples
    """

    detector: Detector
    sharpness: float
    share: float

    @property
    def clear(self) -> bool:
        """Whether there are zones at all: of random peaks 0.003 to 0.008 of the triples happen to lie in one plane."""
        return self.share > CLEAR_SHARE


def sharpest_cameras(
    position_px: ArrayLike,
    intensity: ArrayLike,
    stated: Detector,
    distance_share: float = 0.1,
    centre_mm: float = 1.5,
    most: int = 3,
) -> tuple[SharpCamera, ...]:
    """Return the cameras about the stated one at which zones are sharpest, the best first.

    Parameters
    ----------
    position_px : (p, 2) peaks along fast and slow, 0-based
    intensity : (p,) on any positive scale
    stated : the camera as its user measured it
    distance_share : largest error of the distance, relative
    centre_mm : largest error of the centre along each edge, mm
    most : how many cameras at most

    Returns
    -------
    distinct cameras; none where there are fewer than three peaks

    Raises
    ------
    ValueError : wrong shapes
    """
    position, strength = np.asarray(position_px, dtype=np.float64), np.asarray(intensity, dtype=np.float64)
    if position.ndim != 2 or position.shape[1] != 2 or strength.shape != position.shape[:1]:
        raise ValueError(
            f"position_px and intensity must have shapes (p, 2) and (p,), got {position.shape} and {strength.shape}"
        )
    bright = position[np.argsort(-strength, kind="stable")[:BRIGHTEST]]
    if len(bright) < 3:
        return ()
    scale = np.array([centre_mm, centre_mm, distance_share * stated.distance_mm])
    grid = _grid(stated, distance_share, centre_mm)
    coarse = np.array([zone_sharpness(bright, _shifted(stated, place), WIDENED[0]) for place in grid])
    found: list[tuple[float, Float64Array]] = []
    for number in np.argsort(-coarse, kind="stable")[:FOLLOWED]:
        found.append(_followed(bright, stated, grid[number], scale))
    return _distinct(stated, sorted(found, key=lambda one: -one[0]), most, comb(len(bright), 3))


def zone_sharpness(position_px: Float64Array, detector: Detector, widened: float = 1.0) -> float:
    """Return how many triples of peaks (p, 2) belong to planes of one zone, on this camera.

    A triple counts by a Gaussian of its normals' triple product, in units of the error that follows from the peaks'.
    """
    points = detector.to_lab_mm(position_px)
    reach = np.linalg.norm(points, axis=1)
    # a normal turns by half as much as the ray; across the panel the mean square of the two directions counts
    slant = 0.5 * (1.0 + (detector.distance_mm / reach) ** 2)
    variance = (0.5 * POSITION_PX * detector.pixel_mm / reach) ** 2 * slant
    return float(coplanar_triples(detector.plane_normals(position_px), variance, widened))


def _grid(stated: Detector, distance_share: float, centre_mm: float) -> list[Float64Array]:
    """Shifts along fast, slow and normal, mm, from the middle of the range to its ends."""
    away = symmetric_steps(distance_share, DISTANCE_STEP) * stated.distance_mm
    across = symmetric_steps(centre_mm, CENTRE_STEP_MM)
    return [np.array(place) for place in product(across, across, away)]


def symmetric_steps(limit: float, step: float) -> Float64Array:
    """Return even steps from -limit to limit, 0 among them, ``step`` apart at most; 0 alone without a limit."""
    count = int(np.ceil(limit / step - 1e-9)) if limit > 0.0 else 0
    values: Float64Array = np.linspace(-limit, limit, 2 * count + 1) if count else np.zeros(1)
    return values


def _shifted(stated: Detector, place: Float64Array) -> Detector:
    along, down, away = place
    shift = along * stated.fast + down * stated.slow + away * stated.normal
    return Detector(stated.origin_mm + shift, stated.fast, stated.slow, stated.pixel_mm, stated.shape, stated.name)


def _followed(
    position_px: Float64Array, stated: Detector, place: Float64Array, scale: Float64Array
) -> tuple[float, Float64Array]:
    """Go uphill from a place of the grid with ever narrower errors; return the sharpness there and the place."""
    from scipy.optimize import minimize  # half a second, of which an environment needs nothing

    steps = np.array([0.5 * CENTRE_STEP_MM, 0.5 * CENTRE_STEP_MM, 0.5 * DISTANCE_STEP * stated.distance_mm])
    for widened in WIDENED:
        start = place + np.vstack([np.zeros(3), np.diag(steps * widened / WIDENED[0])])
        fit = minimize(
            lambda trial, width=widened: -_sharpness_at(position_px, stated, trial, width),
            place,
            method="Nelder-Mead",
            options={"initial_simplex": start, "maxfev": EVALUATIONS, "xatol": 1e-3, "fatol": 1e-3},
        )
        # far out any peaks become one zone
        if (np.abs(fit.x) <= OUTSIDE * np.maximum(scale, steps)).all():
            place = fit.x
    return zone_sharpness(position_px, _shifted(stated, place), WIDENED[-1]), place


def _sharpness_at(position_px: Float64Array, stated: Detector, place: Float64Array, widened: float) -> float:
    """Return the sharpness with the camera at a place; 0 where no camera can stand, which a climb may try."""
    if place[2] < (LEAST_DISTANCE - 1.0) * stated.distance_mm or np.abs(place).max() > FARTHEST_MM:
        return 0.0
    return zone_sharpness(position_px, _shifted(stated, place), widened)


def _distinct(
    stated: Detector, found: list[tuple[float, Float64Array]], most: int, triples: int
) -> tuple[SharpCamera, ...]:
    kept: list[tuple[float, Float64Array]] = []
    limit = np.array([APART[1], APART[1], APART[0] * stated.distance_mm])
    for sharpness, place in found:
        if len(kept) < most and all((np.abs(place - other) > limit).any() for _, other in kept):
            kept.append((sharpness, place))
    return tuple(SharpCamera(_shifted(stated, place), sharpness, sharpness / triples) for sharpness, place in kept)
