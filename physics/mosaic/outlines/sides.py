"""From the outline of a crystal in pixels to its straight sides, each fitted to the picture's sharpest line."""

import numpy as np
import shapely
from scipy import ndimage
from shapely.geometry import LineString, Polygon

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.outlines.segments import Edges

_SEARCH_PX = 3.0
"""The edge is sought as far as this on either side of the first outline."""
_DEEPEST_PX, _DEEP = 20.0, 0.8
"""A crystal's own brightness is that so far within it, at most, or at this share of its inscribed circle's radius."""
_DARKER, _LEVEL, _BEGINS = 0.3, 0.15, 0.2
"""A crystal that throws a shadow is darker than the plate by this, as even within as this share of that, and its edge
is where a share of it is reached."""
_LEAST_SHADOW_PX = 2.0
_LEAST_CORNER_PX, _CORNER_MM = 1.2, 0.05
"""A corner stands out by more than this."""
_END = 0.1
"""Share of a side at either end that is left aside: corners are rounded by the lens."""
_FEWEST = 8
"""Points that a side needs to be fitted."""


def straight_sides(polygon: Polygon, edges: Edges, px_per_mm: float) -> Float64Array:
    """Return the corners, (k, 2) column and row, of an outline of straight sides.

    Parameters
    ----------
    polygon : (column, row)
    edges : of the picture
    px_per_mm : of it
    """
    tolerance_px, sharpness = max(_LEAST_CORNER_PX, _CORNER_MM * px_per_mm), edges.sharp
    corners = _corners(_without_shadows(polygon, edges, tolerance_px), tolerance_px)
    lines = [_fitted(corners[i], corners[(i + 1) % len(corners)], sharpness) for i in range(len(corners))]
    joined = [_meeting(lines[i - 1], lines[i], corners[i], tolerance_px) for i in range(len(corners))]
    moved = np.array(joined)
    if not Polygon(moved).is_valid:
        moved = corners
    return moved


def _without_shadows(polygon: Polygon, edges: Edges, tolerance_px: float) -> Polygon:
    """Return an outline less its shadow: a side is where the crystal's own brightness begins to change."""
    corners, left = _corners(polygon, tolerance_px), polygon
    outward = 1.0 if Polygon(corners).exterior.is_ccw else -1.0
    room = float(shapely.maximum_inscribed_circle(polygon).length)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        along = (end - start) / np.linalg.norm(end - start)
        out = outward * np.array([along[1], -along[0]])
        inwards = _shadow_px(start, end, out, edges.grey, room)
        if inwards < _LEAST_SHADOW_PX:
            continue
        a, b = start - inwards * (3.0 * along + out), end + inwards * (3.0 * along - out)
        parts = shapely.get_parts(left.difference(Polygon([a, b, b + 3.0 * inwards * out, a + 3.0 * inwards * out])))
        whole = max(parts, key=lambda part: float(part.area), default=None)
        if isinstance(whole, Polygon) and whole.area > 0.5 * polygon.area:
            left = whole
    return Polygon(left.exterior)


def _shadow_px(start: Float64Array, end: Float64Array, out: Float64Array, grey: Float64Array, room: float) -> float:
    """Return by how much a side lies outside of where the crystal's brightness begins to become the plate's."""
    length = float(np.linalg.norm(end - start))
    deep = min(_DEEPEST_PX, _DEEP * room)
    if length < _FEWEST or deep < 4.0:
        return 0.0
    inwards = np.arange(-_SEARCH_PX, deep, 0.25)
    at = start + np.linspace(0.2, 0.8, max(_FEWEST, int(length)))[:, None, None] * (end - start)
    points = (at - inwards[None, :, None] * out)[:, :, ::-1].transpose(2, 0, 1)
    profile = np.asarray(ndimage.map_coordinates(grey, points, order=1, mode="nearest").mean(axis=0))
    inner = profile[-max(4, len(profile) // 4) :]
    step = 1.0 - float(inner.mean())
    if step < _DARKER or np.ptp(inner) > _LEVEL * step:
        return 0.0
    changed = np.flatnonzero(profile > inner.mean() + _BEGINS * step)
    return float(inwards[changed[-1]]) if len(changed) else 0.0


def _corners(polygon: Polygon, tolerance_px: float) -> Float64Array:
    """Return the corners that stand out (Douglas & Peucker 1973), from the one furthest from the middle."""
    ring = np.asarray(polygon.exterior.coords)[:-1]
    middle = np.array(polygon.centroid.coords[0])
    start = int(np.argmax(np.linalg.norm(ring - middle, axis=1)))
    ring = np.roll(ring, -start, axis=0)
    far = int(np.argmax(np.linalg.norm(ring - ring[0], axis=1)))
    halves = [ring[: far + 1], np.vstack([ring[far:], ring[:1]])]
    simple = [np.asarray(LineString(half).simplify(tolerance_px).coords)[:-1] for half in halves]
    corners = np.vstack(simple)
    if len(corners) < 3:
        return np.asarray(polygon.minimum_rotated_rectangle.exterior.coords)[:-1]
    return _without_flat(corners, tolerance_px)


def _without_flat(corners: Float64Array, tolerance_px: float) -> Float64Array:
    """Drop corners that lie within the tolerance of the line between their neighbours, the flattest first."""
    while len(corners) > 3:
        before, after = np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0)
        along = after - before
        away = corners - before
        height = np.abs(along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0]) / np.linalg.norm(along, axis=1)
        flattest = int(np.argmin(height))
        if height[flattest] > tolerance_px:
            break
        corners = np.delete(corners, flattest, axis=0)
    return corners


def _fitted(start: Float64Array, end: Float64Array, sharpness: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return a point and the direction of the sharpest line near a side; the side itself where none is found."""
    side = end - start
    length = float(np.linalg.norm(side))
    along = side / max(length, 1e-9)
    normal = np.array([-along[1], along[0]])
    at = np.arange(max(_END * length, 1.5), length - max(_END * length, 1.5), 0.5)
    middle = (start + end) / 2.0
    if len(at) < _FEWEST:
        return middle, along
    steps = np.arange(-_SEARCH_PX, _SEARCH_PX + 0.1, 0.25)
    points = start + at[:, None, None] * along + steps[None, :, None] * normal
    profile = ndimage.map_coordinates(sharpness, points[:, :, ::-1].transpose(2, 0, 1), order=1, mode="nearest")
    profile = ndimage.gaussian_filter1d(profile, 1.0, axis=0)
    # A slight preference for the first outline decides between the crystal's edge and its shadow's.
    best = np.argmax(profile * np.exp(-0.5 * (steps / 2.5) ** 2), axis=1)
    weight = profile[np.arange(len(at)), best]
    offset = steps[best] + _peak(profile, best) * 0.25
    use = np.isfinite(offset) & (best > 0) & (best < len(steps) - 1) & (weight > 0.3 * np.quantile(weight, 0.8))
    for _ in range(3):
        if use.sum() < _FEWEST:
            return middle, along
        slope, shift = np.polyfit(at[use], offset[use], 1, w=np.sqrt(weight[use]))
        away = np.abs(offset - (slope * at + shift))
        use &= away < max(0.5, 2.5 * float(np.median(away[use])))
    turned = along + slope * normal
    on_line = start + along * (length / 2.0) + normal * (slope * length / 2.0 + shift)
    return on_line, turned / np.linalg.norm(turned)


def _peak(profile: Float64Array, best: np.ndarray) -> Float64Array:
    """Return where the parabola through a maximum and its two neighbours has its top, in steps from the maximum."""
    k = np.clip(best, 1, profile.shape[1] - 2)
    row = np.arange(len(profile))
    left, middle, right = profile[row, k - 1], profile[row, k], profile[row, k + 1]
    curve = left - 2.0 * middle + right
    return np.clip(
        np.where(np.abs(curve) > 1e-12, 0.5 * (left - right) / np.where(curve == 0.0, 1.0, curve), 0.0), -1, 1
    )


def _meeting(
    one: tuple[Float64Array, Float64Array],
    other: tuple[Float64Array, Float64Array],
    corner: Float64Array,
    tolerance_px: float,
) -> Float64Array:
    """Return where two lines meet; near the old corner where they are nearly parallel or meet far away from it."""
    (a, u), (b, v) = one, other
    cross = u[0] * v[1] - u[1] * v[0]
    feet = (a + u * ((corner - a) @ u) + b + v * ((corner - b) @ v)) / 2.0
    if abs(cross) < 0.05:
        return np.asarray(feet)
    t = ((b[0] - a[0]) * v[1] - (b[1] - a[1]) * v[0]) / cross
    meeting = a + t * u
    return np.asarray(meeting if np.linalg.norm(meeting - corner) < 6.0 * tolerance_px else feet)
