"""Where the beam goes: places inside an outline that hold its whole spot, and a short way round all crystals."""

from collections.abc import Sequence

import numpy as np
from shapely import contains_xy, maximum_inscribed_circle
from shapely.geometry import Polygon

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.outline import Outline

MARGIN_MM = 0.08
"""The beam's edge stays so far inside: outlines and stage are not exact."""
_GRID = 28


def places_in(outline: Outline, beam_mm: float, most: int = 3) -> tuple[Float64Array, bool]:
    """Return places inside an outline, far from each other.

    Parameters
    ----------
    outline : the crystal
    beam_mm : diameter of the beam on the plate
    most : places at most

    Returns
    -------
    places (p, 2) mm, the one farthest from the centroid first, then always the one farthest from those before; the most
    central one where there is to be one only. And whether the whole beam fits there: where it fits nowhere, the one
    place is the middle of the largest circle inside

    Notes
    -----
    Three such places miss 1 to 3 of a hundred second grains of a fifth of the area or more, three with the centre
    among them 10 to 14: a border between two grains seldom passes outside all of them.
    """
    shape = outline.shape
    inner = shape.buffer(-(0.5 * beam_mm + MARGIN_MM))
    if inner.is_empty:
        line = maximum_inscribed_circle(shape)
        return np.array([line.coords[0]]), False
    candidates = _inside(inner, outline.centre_mm)
    from_centre = np.linalg.norm(candidates - outline.centre_mm, axis=1)
    chosen = [int(from_centre.argmin() if most == 1 else from_centre.argmax())]
    while len(chosen) < min(most, len(candidates)):
        away = np.linalg.norm(candidates[:, None] - candidates[chosen][None], axis=2).min(axis=1)
        if away.max() < 0.4 * beam_mm:
            break
        chosen.append(int(away.argmax()))
    return candidates[chosen], True


def _inside(inner: Polygon, centre: Float64Array) -> Float64Array:
    """Return points of a grid and of the border of what is inside, (c, 2)."""
    low_x, low_y, high_x, high_y = inner.bounds
    x, y = np.meshgrid(np.linspace(low_x, high_x, _GRID), np.linspace(low_y, high_y, _GRID))
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    grid = grid[np.asarray(contains_xy(inner, grid[:, 0], grid[:, 1]))]
    parts = list(getattr(inner, "geoms", [inner]))
    border = np.concatenate([np.asarray(part.exterior.coords) for part in parts])
    middle = inner.representative_point()
    own = [np.array([centre])] if contains_xy(inner, centre[0], centre[1]) else []
    return np.concatenate([*own, grid, border, [[middle.x, middle.y]]])


def short_route(points_mm: Float64Array, start_mm: Sequence[float] = (0.0, 0.0)) -> list[int]:
    """Return the order of a short way over points (n, 2) from a start: nearest first, then crossings undone (2-opt)."""
    points = np.asarray(points_mm, dtype=np.float64).reshape(-1, 2)
    if not len(points):
        return []
    left, here, order = set(range(len(points))), np.asarray(start_mm, dtype=np.float64), []
    while left:
        rest = np.array(sorted(left))
        nearest = int(rest[np.linalg.norm(points[rest] - here, axis=1).argmin()])
        order.append(nearest)
        left.remove(nearest)
        here = points[nearest]
    return _uncrossed(np.concatenate([[start_mm], points]), [0, *(k + 1 for k in order)])


def _uncrossed(points: Float64Array, order: list[int]) -> list[int]:
    """Turn stretches of the way round as long as that shortens it; the start stays first, the end is free."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    path, n = np.array(order), len(order)
    for _ in range(20):
        better = False
        for i in range(1, n - 1):
            j = np.arange(i + 1, n)
            after = np.where(j + 1 < n, path[np.minimum(j + 1, n - 1)], -1)
            before, first, last = path[i - 1], path[i], path[j]
            old = apart[before, first] + np.where(after >= 0, apart[last, after], 0.0)
            new = apart[before, last] + np.where(after >= 0, apart[first, after], 0.0)
            gain = old - new
            best = int(gain.argmax())
            if gain[best] > 1e-9:
                path[i : j[best] + 1] = path[i : j[best] + 1][::-1].copy()
                better = True
        if not better:
            break
    return [int(k) - 1 for k in path[1:]]
