"""From things on the plate to the shapes of crystals, in pixels: glare completed, touching crystals cut apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import split

from beamgym.physics.arrays import Float64Array
from beamgym.physics.extras import need
from beamgym.physics.mosaic.outlines.segments import Edges, Segment

_LEVELS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.88)
_CRISP, _HARDLY_CRISP = 1.3, 1.18
"""Change over two pixels over change over five: about 1.9 at a crystal's edge, about 1 where glare fades."""
_NOTHING = 0.25
"""Share of a crystal's usual sharpness below which there is no edge."""
_WHOLE = 0.93
"""Area over area of the convex hull, below which a shape is in doubt: two crystals, or glare at its edge."""
_BETTER = 0.03
_MOST_PARTS = 4
_SHADOWED = "its shadow may count as part of it"
_GLARE, _MUCH_GLARE = "glare on it", 0.02
_COMPLETED = "glare on it: completed to a convex outline"
_FILLED = 0.55
"""Share of a completed crystal that was seen before it was completed, at least."""


@dataclass
class Shape:
    """One crystal.

    Parameters
    ----------
    polygon : (column, row)
    contact : where it was cut from its neighbours; None where it was not
    doubts : what is not sure about it, in words
    """

    polygon: Polygon
    contact: LineString | None = None
    doubts: list[str] = field(default_factory=list)


def shapes_of(segments: Sequence[Segment], edges: Edges, px_per_mm: float, least_mm2: float) -> list[Shape]:
    """Return the crystals of all segments, those that glare has parted put together, those that touch cut apart."""
    least = least_mm2 * px_per_mm**2
    parts = [
        Shape(part, doubts=_doubts(segment))
        for segment in segments
        for part in parts_of(segment, edges)
        if part.area > 0.2 * least
    ]
    found: list[Shape] = []
    for shape in _completed(parts, edges, px_per_mm):
        if shape.polygon.area >= least:
            found += _cut_apart(shape, px_per_mm, least, _MOST_PARTS)
    return found


def _doubts(segment: Segment) -> list[str]:
    return [*([_GLARE] if segment.glare > _MUCH_GLARE else []), *([_SHADOWED] if segment.unsure else [])]


def parts_of(segment: Segment, edges: Edges) -> list[Polygon]:
    """Return the outlines at the level, of several, at which the picture is sharpest: not along a shadow's end."""
    measure = need("skimage.measure", "mosaic")
    best: tuple[float, list[Polygon]] = (-1.0, [])
    level = np.pad(segment.level, 1)
    for value in _LEVELS:
        contours = [
            contour[:, ::-1] + [segment.column - 1.0, segment.row - 1.0]
            for contour in measure.find_contours(level, value)
        ]
        rings = [Polygon(contour).buffer(0) for contour in contours if len(contour) > 12]
        parts = [ring for ring in rings if isinstance(ring, Polygon) and ring.area > 12.0]
        parts = [part for part in parts if not any(part is not other and other.contains(part) for other in parts)]
        if not parts:
            continue
        sharp = float(np.concatenate([at(edges.sharp, along(part)) for part in parts]).mean())
        if sharp > best[0]:
            best = (sharp, [Polygon(part.exterior) for part in parts])
    smooth = shapely.get_parts([_smoothed(part) for part in best[1]])
    return [Polygon(part.exterior) for part in smooth if isinstance(part, Polygon) and not part.is_empty]


def _smoothed(polygon: Polygon) -> BaseGeometry:
    """Return a shape without splinters and notches of a few pixels, its corners kept."""
    closed = polygon.buffer(1.5, join_style="mitre").buffer(-3.5, join_style="mitre")
    return closed.buffer(2.0, join_style="mitre").simplify(0.2)


def at(picture: Float64Array, points: Float64Array) -> Float64Array:
    """Return the greatest value within two pixels of points (n, 2), column and row."""
    near = np.round(points).astype(int)
    found = np.zeros(len(points))
    for row in range(-2, 3):
        for column in range(-2, 3):
            rows = np.clip(near[:, 1] + row, 0, picture.shape[0] - 1)
            columns = np.clip(near[:, 0] + column, 0, picture.shape[1] - 1)
            found = np.maximum(found, picture[rows, columns])
    return found


def along(polygon: Polygon, step_px: float = 2.0) -> Float64Array:
    """Return points along a polygon's edge, (n, 2)."""
    ring = polygon.exterior
    return np.asarray(
        shapely.get_coordinates(shapely.line_interpolate_point(ring, np.arange(0.0, ring.length, step_px)))
    )


def usual_sharpness(edges: Edges, polygon: Polygon) -> float:
    """Return how sharp the edge of a crystal usually is: the upper quartile along its outline."""
    return float(np.quantile(at(edges.sharp, along(polygon)), 0.75))


def fades(edges: Edges, points: Float64Array, usual: float, crisp: float = _HARDLY_CRISP) -> NDArray[np.bool_]:
    """Return at which points (n, 2) there is no edge of a crystal: nothing, or a slow change as where glare ends."""
    sharp, broad = at(edges.sharp, points), at(edges.broad, points)
    return np.asarray((sharp < crisp * broad) | (sharp < _NOTHING * usual))


def _completed(parts: list[Shape], edges: Edges, px_per_mm: float) -> list[Shape]:
    """Put together what glare has parted, two by two, until nothing is left that faces another with a fading edge."""
    shapes = list(parts)
    while True:
        for one, other in combinations(shapes, 2):
            near = 0.6 * np.sqrt(max(one.polygon.area, other.polygon.area))
            if one.polygon.distance(other.polygon) < near and _are_one(one.polygon, other.polygon, edges, px_per_mm):
                shapes = [shape for shape in shapes if shape is not one and shape is not other]
                hull = shapely.convex_hull(shapely.union(one.polygon, other.polygon))
                shapes.append(Shape(hull, doubts=[*one.doubts, *other.doubts, _COMPLETED]))
                break
        else:
            return [_filled_bite(shape, edges, px_per_mm) for shape in shapes]


def _are_one(one: Polygon, other: Polygon, edges: Edges, px_per_mm: float) -> bool:
    """Return whether two parts are one crystal: they face each other with edges that fade, and fill their hull."""
    hull = shapely.convex_hull(shapely.union(one, other))
    if one.area + other.area < _FILLED * hull.area:
        return False
    usual = max(usual_sharpness(edges, one), usual_sharpness(edges, other))
    return all(_fades_within(part, hull, edges, px_per_mm, usual) > 0.6 for part in (one, other))


def _fades_within(part: Polygon, hull: Polygon, edges: Edges, px_per_mm: float, usual: float) -> float:
    """Return the share of a part's edge inside a hull that fades; 0 where less than a few pixels lie inside."""
    points = along(part)
    inner = shapely.distance(shapely.points(points), hull.exterior) > max(3.0, 0.08 * px_per_mm)
    return float(fades(edges, points[inner], usual, _CRISP).mean()) if inner.sum() > 3 else 0.0


def _filled_bite(shape: Shape, edges: Edges, px_per_mm: float) -> Shape:
    """Return the convex hull of a shape into which glare bites: an inward edge that fades."""
    hull = shape.polygon.convex_hull
    if shape.polygon.area > 0.99 * hull.area or shape.polygon.area < _FILLED * hull.area:
        return shape
    usual = usual_sharpness(edges, shape.polygon)
    if _fades_within(shape.polygon, hull, edges, px_per_mm, usual) < 0.6:
        return shape
    return replace(shape, polygon=hull, doubts=[*shape.doubts, _COMPLETED])


def _cut_apart(shape: Shape, px_per_mm: float, least: float, most: int) -> list[Shape]:
    """Cut a shape where that leaves parts that are more nearly convex."""
    whole = shape.polygon.area / shape.polygon.convex_hull.area
    if whole > _WHOLE + _BETTER or most < 2:
        return [shape]
    best: tuple[float, list[Polygon], LineString] | None = None
    for line in _cuts(shape.polygon, px_per_mm):
        pieces = [piece for piece in split(shape.polygon, line).geoms if piece.area > 1.0]
        if len(pieces) != 2 or min(piece.area for piece in pieces) < least:
            continue
        convex = sum(piece.area for piece in pieces) / sum(piece.convex_hull.area for piece in pieces)
        score = convex - 0.02 * line.length / np.sqrt(shape.polygon.area)
        if convex > whole + _BETTER and (best is None or score > best[0]):
            best = (score, pieces, line)
    if best is None:
        if whole < _WHOLE:
            shape.doubts.append("not convex: two crystals, or glare at its edge")
        return [shape]
    found: list[Shape] = []
    for piece in best[1]:
        contact = best[2] if shape.contact is None else LineString(shapely.get_coordinates([best[2], shape.contact]))
        found += _cut_apart(
            replace(shape, polygon=piece, contact=contact, doubts=list(shape.doubts)), px_per_mm, least, most - 1
        )
    return found


def _cuts(polygon: Polygon, px_per_mm: float) -> Iterator[LineString]:
    """Yield lines along which a shape may be cut: between two inward corners, or on from a side that ends at one."""
    corners = np.asarray(polygon.simplify(max(1.2, 0.05 * px_per_mm)).exterior.coords)[:-1]
    if Polygon(corners).exterior.is_ccw:
        corners = corners[::-1]
    before, after = corners - np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0) - corners
    inward = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0] > 0.0
    hull = polygon.convex_hull.exterior
    deep = [i for i in np.flatnonzero(inward) if hull.distance(Point(corners[i])) > max(2.0, 0.08 * px_per_mm)]
    for k, i in enumerate(deep):
        for j in deep[k + 1 :]:
            yield _longer(corners[i], corners[j])
        for side in (before[i], -after[i]):
            ray = LineString([corners[i], corners[i] + hull.length * side / np.linalg.norm(side)])
            crossing = shapely.get_coordinates(ray.intersection(polygon.exterior))
            away = np.linalg.norm(crossing - corners[i], axis=1)
            if (away > 2.0).any():
                yield _longer(corners[i], crossing[int(np.argmin(np.where(away > 2.0, away, np.inf)))])


def _longer(one: Float64Array, other: Float64Array) -> LineString:
    """Return the line between two points, a little beyond both, so that it cuts right through."""
    direction = (other - one) / max(float(np.linalg.norm(other - one)), 1e-9)
    return LineString([one - 2.0 * direction, other + 2.0 * direction])
