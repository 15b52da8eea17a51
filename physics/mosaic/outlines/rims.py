"""The closed line of sharpest change around a point: the rim of a crystal of which glare hides a part."""

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry import Polygon

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.outlines.facets import faceted
from beamgym.physics.mosaic.outlines.segments import Edges

ANGLES = 360
_STEEPEST_PX = 7
"""By which the rim comes nearer to the middle or goes further away in a degree, at most."""
_SLOPE = 0.012
"""Cost of each pixel of that, so that a gap is closed straight."""
_EDGE_INSIDE, _PLATE_INSIDE = 0.03, 0.01
"""Cost of each pixel of an edge, and of each that is as bright as the plate, within the rim; without an edge: 1."""
_THING_OUTSIDE, _MOST_OUTSIDE = 0.004, 0.1
"""Cost of each pixel beyond the rim that is surely no plate, and what all of a ray cost at most."""
_SQUARE = 1.5
_WIDEST_MM = 9.0
"""Radius of the largest crystal that is completed."""
_FURTHER = 2.5
"""How much further than its part a crystal reaches, at most."""
_NEARLY_CONVEX = 0.75
_STREAK_PX = 4.0
_SHADOW_MM = 0.5
"""So near beyond the rim, what is dark may be a shadow."""


def rim_of(part: Polygon, edges: Edges, taken: NDArray[np.bool_], px_per_mm: float) -> Polygon | None:
    """Return the closed line of sharpest change around a part of a crystal, (column, row); None where there is none.

    Parameters
    ----------
    part : (column, row)
    edges : of the picture
    taken : (rows, columns) where the crystal cannot be: others, or nothing
    px_per_mm : of the picture
    """
    rim, most = part, min(_WIDEST_MM * px_per_mm, max(taken.shape))
    for further in (_FURTHER, 1.3):
        middle = np.array(shapely.get_coordinates(shapely.maximum_inscribed_circle(rim))[0])
        furthest = float(np.linalg.norm(np.asarray(rim.exterior.coords) - middle, axis=1).max())
        found = _sharpest_around(middle, min(further * furthest + 20.0, most), edges, taken, px_per_mm)
        if found is None:
            return None
        rim = found
    return faceted(rim, edges, px_per_mm) if rim.area > _NEARLY_CONVEX * rim.convex_hull.area else rim


def _sharpest_around(
    middle: Float64Array, reach_px: float, edges: Edges, taken: NDArray[np.bool_], px_per_mm: float
) -> Polygon | None:
    """Return the closed line around a point that follows the sharpest edges, by dynamic programming over the angle.

    As star-shaped outlines are found in medicine (Bamford & Lovell 1998): each ray has one crossing, and that of the
    next ray lies near it. A gap in the rim costs little; to go around without any edge costs most.
    """
    reach = int(np.ceil(reach_px))
    around = 2.0 * np.pi * np.arange(ANGLES) / ANGLES
    radius = np.arange(2, reach)
    at = [
        middle[1] + radius * np.sin(around)[:, None],
        middle[0] + radius * np.cos(around)[:, None],
    ]
    # An edge that runs along a ray, such as a streak of the plate, is none that goes around the middle.
    column, row = (ndimage.map_coordinates(part, at, order=0, cval=0.0) for part in edges.across)
    square = np.minimum(1.0, _SQUARE * np.abs(column * np.cos(around)[:, None] + row * np.sin(around)[:, None]))
    cost = 1.0 - square * ndimage.map_coordinates(edges.crisp, at, order=1, cval=0.0)
    inside = _along_rays(edges.plate, at)
    outside = _along_rays(edges.thing & ~taken, at)
    sharp = 1.0 - cost
    cost += np.cumsum(_PLATE_INSIDE * inside + _EDGE_INSIDE * sharp, axis=1)
    beyond = np.cumsum(outside[:, ::-1], axis=1)[:, ::-1]
    near = round(_SHADOW_MM * px_per_mm)
    cost[:, : -near or None] += np.minimum(_THING_OUTSIDE * beyond[:, near:], _MOST_OUTSIDE)
    rows, columns = taken.shape
    off = (at[0] < 0) | (at[0] > rows - 1) | (at[1] < 0) | (at[1] > columns - 1)
    stop = np.cumsum(_along_rays(taken, at).astype(bool) | off, axis=1) > 2
    if stop[:, 0].any():
        return None
    cost[stop] += 1e3
    path = _cheapest_closed(cost)
    r = ndimage.median_filter(radius[path].astype(float), 3, mode="wrap")
    rim = Polygon(np.column_stack([middle[0] + r * np.cos(around), middle[1] + r * np.sin(around)])).buffer(0)
    # Streaks of the plate that meet the rim are narrow.
    parts = shapely.get_parts(rim.buffer(-_STREAK_PX, join_style="mitre").buffer(_STREAK_PX, join_style="mitre"))
    whole = max(parts, key=lambda part: float(part.area), default=None)
    return whole if isinstance(whole, Polygon) and not whole.is_empty else None


def _along_rays(mask: NDArray[np.bool_], at: list[Float64Array]) -> Float64Array:
    return np.asarray(ndimage.map_coordinates(mask.astype(np.float32), at, order=0, cval=0.0), dtype=np.float64)


def _cheapest_closed(cost: Float64Array) -> NDArray[np.intp]:
    """Return the index along each ray of the cheapest path, going around twice so that its ends meet."""
    turns, (angles, places) = 2, cost.shape
    total = cost[0].copy()
    came = np.zeros((turns * angles, places), dtype=np.int8)
    shifts = np.arange(-_STEEPEST_PX, _STEEPEST_PX + 1)
    index = np.arange(places)[None, :] + shifts[:, None]
    valid = (index >= 0) & (index < places)
    index = np.clip(index, 0, places - 1)
    penalty = np.where(valid, _SLOPE * np.abs(shifts)[:, None], np.inf)
    for step in range(1, turns * angles):
        options = total[index] + penalty
        best = np.argmin(options, axis=0)
        came[step] = shifts[best]
        total = options[best, np.arange(places)] + cost[step % angles]
    path = np.zeros(turns * angles, dtype=np.intp)
    path[-1] = int(np.argmin(total))
    for step in range(turns * angles - 1, 0, -1):
        path[step - 1] = path[step] + came[step, path[step]]
    half = angles // 2
    middle = path[half : half + angles]
    return np.roll(middle, half)
