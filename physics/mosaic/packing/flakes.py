"""Flakes drawn at random, for trying how densely crystals pack."""

import numpy as np
from shapely import affinity
from shapely.geometry import Polygon

from beamgym.physics.mosaic.outline import Outline

_WIDEST_CORNER_RAD = 2.4
"""No two neighbouring corners lie further apart than this as seen from the middle, so that no flake is a sliver."""


def draw_flakes(
    n: int, seed: int, *, across_mm: float = 3.5, spread: float = 0.3, thickness_mm: float = 0.1
) -> list[Outline]:
    """Return flakes with straight facets, drawn at random about (0, 0).

    Parameters
    ----------
    n : how many
    seed : of the draw; flake number i is the same whatever n is
    across_mm : median diameter of the circle of the same area
    spread : standard deviation of its logarithm
    thickness_mm : of each

    Returns
    -------
    outlines named "1" to str(n), convex, of four to seven corners, up to 1.8 times as long as wide, at any angle
    """
    return [_flake(str(i + 1), np.random.default_rng([seed, i]), across_mm, spread, thickness_mm) for i in range(n)]


def _flake(name: str, random: np.random.Generator, across_mm: float, spread: float, thickness_mm: float) -> Outline:
    around = _corner_angles(random, int(random.integers(4, 8)))
    longer = random.uniform(1.0, 1.8) ** 0.5
    shape = Polygon(np.column_stack([longer * np.cos(around), np.sin(around) / longer]))
    across = across_mm * np.exp(spread * random.standard_normal())
    scale = np.sqrt(np.pi / 4.0 * across**2 / shape.area)
    shape = affinity.translate(affinity.scale(shape, scale, scale, origin=(0.0, 0.0)))
    shape = affinity.translate(shape, -shape.centroid.x, -shape.centroid.y)
    turned = affinity.rotate(shape, random.uniform(0.0, 360.0), origin=(0.0, 0.0))
    return Outline(name, np.asarray(turned.exterior.coords)[:-1], thickness_mm=thickness_mm)


def _corner_angles(random: np.random.Generator, k: int) -> np.ndarray:
    """Return k angles in order, radians, drawn anew until no side is too long and none is very short."""
    while True:
        angles = np.sort(random.uniform(0.0, 2.0 * np.pi, k))
        steps = np.diff(np.append(angles, angles[0] + 2.0 * np.pi))
        if steps.max() < _WIDEST_CORNER_RAD and steps.min() > 0.3:
            return angles
