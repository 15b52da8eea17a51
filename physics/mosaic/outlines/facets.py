"""The straight facets along a crystal's rim, met at their corners also where glare or texture hides a part of them."""

import numpy as np
import shapely
from shapely.geometry import Polygon

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.outlines.segments import Edges

_CRISP = 0.4
"""Edges that are less crisp lie on no facet."""
_OFF_PX = 1.2
_SAME_WAY = 0.8
"""Cosine of the angle between a facet's normal and the steepest change, at least."""
_CHORDS_PX = (8, 16, 32)
_LEAST_MM, _LEAST_PX = 0.25, 8
"""A facet is as long as this at least."""
_OUTSIDE_PX, _MOST_OUTSIDE = 2.5, 0.1
"""A facet beyond which more than this share of the rim lies further out is none of a convex crystal."""
_BEYOND_PX = 3.0
"""Corners reach as far beyond the rim's convex hull."""
_LEAST_KEPT = 0.75


def faceted(rim: Polygon, edges: Edges, px_per_mm: float) -> Polygon:
    """Return the convex polygon of the facets along a rim; the rim's convex hull where they do not enclose it.

    Parameters
    ----------
    rim : (column, row), good to some pixels
    edges : of the picture
    px_per_mm : of it
    """
    hull = rim.convex_hull
    points, ways = _edge_points(rim, edges)
    shape, left = hull.buffer(_BEYOND_PX, join_style="mitre"), np.ones(len(points), dtype=bool)
    least = max(_LEAST_PX, round(_LEAST_MM * px_per_mm))
    while (facet := _longest(points, ways, left, least)) is not None:
        at, normal, on = facet
        left &= ~on
        if ((points - at) @ normal > _OUTSIDE_PX).mean() <= _MOST_OUTSIDE:
            shape = shape.intersection(_half_plane(at, normal, 2.0 * hull.length))
    whole = isinstance(shape, Polygon) and shape.area > _LEAST_KEPT * hull.area
    return shape if whole else hull


def _edge_points(rim: Polygon, edges: Edges) -> tuple[Float64Array, Float64Array]:
    """Return the points of a rim, a pixel apart, at which there is an edge, and the way out across it."""
    ring = rim.exterior
    points = shapely.get_coordinates(shapely.line_interpolate_point(ring, np.arange(0.0, ring.length, 1.0)))
    rows, columns = edges.crisp.shape
    near = np.clip(np.round(points).astype(int), 0, [columns - 1, rows - 1])
    crisp = edges.crisp[near[:, 1], near[:, 0]] > _CRISP
    ways = edges.across[:, near[:, 1], near[:, 0]].T
    middle = np.array(rim.centroid.coords[0])
    ways = ways * np.where(np.einsum("ij,ij->i", ways, points - middle) < 0.0, -1.0, 1.0)[:, None]
    return points[crisp], ways[crisp]


def _longest(
    points: Float64Array, ways: Float64Array, left: np.ndarray, least: int
) -> tuple[Float64Array, Float64Array, np.ndarray] | None:
    """Return the facet on which most points lie that are left: a point, its normal, and which points lie on it."""
    best = least - 1, None
    own = np.flatnonzero(left)
    for chord in _CHORDS_PX:
        if len(own) <= chord:
            continue
        start, end = points[own[:-chord]], points[own[chord:]]
        along = end - start
        length = np.linalg.norm(along, axis=1)
        near = (length > 0.5 * chord) & (length < 1.5 * chord)
        normal = np.column_stack([along[:, 1], -along[:, 0]])[near] / length[near, None]
        off = np.abs(normal @ points.T - np.einsum("ij,ij->i", normal, start[near])[:, None])
        on = (off < _OFF_PX) & (np.abs(normal @ ways.T) > _SAME_WAY) & left
        number = on.sum(axis=1)
        if len(number) and number.max() > best[0]:
            best = int(number.max()), on[int(np.argmax(number))]
    on = best[1]
    if on is None:
        return None
    for _ in range(2):
        at = points[on].mean(axis=0)
        normal = np.linalg.svd(points[on] - at)[2][1]
        on = left & (np.abs((points - at) @ normal) < _OFF_PX) & (np.abs(ways @ normal) > _SAME_WAY)
        if on.sum() < least:
            return None
    outward = normal * (1.0 if float(ways[on].mean(axis=0) @ normal) >= 0.0 else -1.0)
    return at, outward, on


def _half_plane(at: Float64Array, normal: Float64Array, size: float) -> Polygon:
    """Return what lies on the inner side of a line, as far as ``size``."""
    along = np.array([-normal[1], normal[0]]) * size
    return Polygon([at - along, at + along, at + along - normal * size, at - along - normal * size])
