"""Outlines of crystals, as they grow and break."""

import numpy as np
from shapely.geometry import Polygon

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.habit import Form

SIZE_SPREAD = 0.22
"""Standard deviation of the logarithm of a size."""
SMALLEST, LARGEST = 0.6, 1.6
"""Sizes lie between these multiples of the median."""
ROD_WIDTHS = (0.12, 0.22)
"""Width of a rod over its length."""


def drawn_outline(form: Form, size_mm: float, rng: np.random.Generator) -> Float64Array:
    """Draw corners (k, 2) in mm about (0, 0), counter-clockwise, the longest extent along x for rods.

    Parameters
    ----------
    form : "hexagon" (unequal sides, a corner broken off now and then), "rectangle" (corners cut) or "rod"
    size_mm : median of the longest extent
    rng : draws
    """
    size = size_mm * float(np.clip(np.exp(SIZE_SPREAD * rng.normal()), SMALLEST, LARGEST))
    corners = {"hexagon": _hexagon, "rectangle": _rectangle, "rod": _rod}[form](rng)
    corners = corners * (size / np.ptp(corners, axis=0).max())
    centred: Float64Array = corners - corners.mean(axis=0)
    return centred


def _hexagon(rng: np.random.Generator) -> Float64Array:
    """Cut a plane by six lines 60° apart, at distances of their own."""
    angles = np.radians(60.0 * np.arange(6))
    shape = Polygon([(-9.0, -9.0), (9.0, -9.0), (9.0, 9.0), (-9.0, 9.0)])
    for angle, away in zip(angles, rng.uniform(0.7, 1.15, 6), strict=True):
        shape = shape.intersection(_below(angle, away))
    if rng.uniform() < 0.35:
        shape = shape.intersection(_below(rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.5, 0.7)))
    return np.asarray(shape.exterior.coords)[:-1][:: -1 if not shape.exterior.is_ccw else 1].copy()


def _below(angle: float, away: float) -> Polygon:
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    far = 20.0
    return Polygon(
        [
            away * along + far * across,
            away * along - far * across,
            -far * along - far * across,
            -far * along + far * across,
        ]
    )


def _rectangle(rng: np.random.Generator) -> Float64Array:
    wide, high = 1.0, rng.uniform(0.55, 0.95)
    corners = []
    for sx, sy in ((1, -1), (1, 1), (-1, 1), (-1, -1)):
        corner = np.array([sx * wide, sy * high])
        if rng.uniform() < 0.6:
            cut = rng.uniform(0.12, 0.45, 2)
            ends = [corner - [sx * cut[0], 0.0], corner - [0.0, sy * cut[1]]]
            corners += ends if sx * sy < 0 else ends[::-1]
        else:
            corners.append(corner)
    return _counter_clockwise(np.array(corners))


def _rod(rng: np.random.Generator) -> Float64Array:
    half = 0.5 * rng.uniform(*ROD_WIDTHS)
    slant = rng.uniform(-half, half, 2)
    return np.array(
        [[-0.5 - slant[0], -half], [0.5 - slant[1], -half], [0.5 + slant[1], half], [-0.5 + slant[0], half]]
    )


def _counter_clockwise(corners: Float64Array) -> Float64Array:
    order = np.argsort(np.arctan2(corners[:, 1], corners[:, 0]))
    ordered: Float64Array = corners[order]
    return ordered


def turned(corners: Float64Array, angle_deg: float) -> Float64Array:
    """Return corners (k, 2) turned counter-clockwise about (0, 0)."""
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    about: Float64Array = corners @ np.array([[c, s], [-s, c]])
    return about
