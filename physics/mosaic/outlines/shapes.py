"""From things on the plate to the shapes of crystals, in pixels: glare completed, touching crystals cut apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeGuard

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from shapely.affinity import translate
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import split

from beamgym.physics.arrays import Float64Array
from beamgym.physics.extras import need
from beamgym.physics.mosaic.outlines.rims import rim_of
from beamgym.physics.mosaic.outlines.segments import Edges, Segment

_LEVELS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.88)
_CRISP, _HARDLY_CRISP = 1.3, 1.18
"""Change over two pixels over change over five: about 1.9 at a crystal's edge, about 1 where glare fades."""
_NOTHING = 0.25
"""Share of a crystal's usual sharpness below which there is no edge."""
_WHOLE = 0.93
"""Area over area of the convex hull, below which a shape is in doubt: two crystals, or glare at its edge."""
_BETTER = 0.03
_TORN = 0.05
"""Share of a part's outline without an edge from which on it may be a part of a crystal only."""
_SUPPORTED = 0.6
"""Share of a completed outline along which there is an edge, at least."""
_WITHIN = 0.6
"""Share of a part within a crystal from which on it is the crystal's."""
_LARGE = 0.3
"""Of a thing that is torn, a piece of less than this share is no crystal of its own."""
_CONTACT_PX = 6.0
_NOTCH_PX, _NOTCH_MM = 4.0, 0.2
"""Width of the widest circle in a notch that is no texture, at least."""
_STRIP_MM = 0.3
"""Half the width of a shadow, at most."""
_RIM_PX, _INNER_PX = 2.0, 6.0
_INSIDE = 3.0
"""Cost of the share of a completed crystal's inside where there are edges."""
_BAY = "not convex: two crystals, or glare at its edge"
_MOST_PARTS = 4


@dataclass
class Shape:
    """One crystal.

    Parameters
    ----------
    polygon : (column, row)
    thing : number of the segment of which it is a part
    contact : where it was cut from its neighbours; None where it was not
    doubts : what is not sure about it, in words
    """

    polygon: Polygon
    thing: int
    contact: LineString | None = None
    doubts: list[str] = field(default_factory=list)


def shapes_of(segments: Sequence[Segment], edges: Edges, px_per_mm: float, least_mm2: float) -> list[Shape]:
    """Return the crystals of all segments, those that glare has parted put together, those that touch cut apart."""
    least = least_mm2 * px_per_mm**2
    parts = [
        Shape(part, number)
        for number, segment in enumerate(segments)
        for part in parts_of(segment, edges)
        if part.area > 0.2 * least
    ]
    found = [shape for shape in _whole(parts, edges, px_per_mm, least) if shape.polygon.area >= least]
    for shape in found:
        if shape.polygon.area < _WHOLE * shape.polygon.convex_hull.area:
            shape.doubts.append(_BAY)
    return found


def _whole(parts: Sequence[Shape], edges: Edges, px_per_mm: float, least: float) -> list[Shape]:
    """Return crystals, those cut apart that touch, those completed of which glare shows parts.

    A part whose edge fades becomes the sharpest closed line around it. The one with most edge comes first: what lies in
    it are its parts, and the lines around others do not enter it.
    """
    solid, torn = _solid_and_torn(parts, edges, px_per_mm, least)
    size = edges.nothing.shape
    taken = edges.nothing | covered([shape.polygon for shape in solid], size, -_RIM_PX)
    rims = {id(part): rim_of(part.polygon, edges, taken, px_per_mm) for part in torn}
    found: list[Shape] = []
    while True:
        scores = [(_support(rim, edges), -k) for k, part in enumerate(torn) if _holds(rim := rims[id(part)], part)]
        if not scores or max(scores)[0] < _SUPPORTED:
            whole = [*solid, *found]
            return [*whole, *(part for part in torn if not _is_a_strip(part, whole, px_per_mm))]
        own = torn[-max(scores)[1]]
        best = rims[id(own)]
        assert best is not None
        found.append(Shape(best, own.thing, _outer_contact(best, torn)))
        torn = [part for part in torn if part.polygon.intersection(best).area < _WITHIN * part.polygon.area]
        taken |= covered([best], size, -_RIM_PX)
        for part in torn:
            rim = rims[id(part)]
            if rim is None or rim.intersects(best):
                rims[id(part)] = rim_of(part.polygon, edges, taken, px_per_mm)


def _is_a_strip(part: Shape, whole: Sequence[Shape], px_per_mm: float) -> bool:
    """Return whether a part is what is left beside a crystal of the same thing: its shadow, or a fringe of glare."""
    narrow = shapely.maximum_inscribed_circle(part.polygon).length < _STRIP_MM * px_per_mm
    return bool(narrow) and any(
        other.thing == part.thing and other.polygon.distance(part.polygon) < _STRIP_MM * px_per_mm for other in whole
    )


def _outer_contact(rim: Polygon, parts: Sequence[Shape]) -> LineString | None:
    """Return where a completed crystal was cut from its neighbour: a cut within it came from glare."""
    cuts = [part.contact for part in parts if part.contact is not None and part.polygon.intersects(rim)]
    outer = [cut for cut in cuts if rim.exterior.distance(cut.interpolate(0.5, normalized=True)) < _CONTACT_PX]
    return outer[0] if outer else None


def _solid_and_torn(
    parts: Sequence[Shape], edges: Edges, px_per_mm: float, least: float
) -> tuple[list[Shape], list[Shape]]:
    """Return crystals around which an edge is seen, and parts of crystals, both cut from what they touch."""
    solid: list[Shape] = []
    torn: list[Shape] = []
    for part in parts:
        large = least if _is_closed(part, edges) else max(least, _LARGE * part.polygon.area)
        for piece in _cut_apart(part, px_per_mm, least, _MOST_PARTS):
            whole = piece.polygon.area >= large and _is_closed(piece, edges)
            (solid if whole else torn).append(piece)
    return solid, torn


def _holds(rim: Polygon | None, part: Shape) -> TypeGuard[Polygon]:
    return rim is not None and bool(rim.intersection(part.polygon).area > 0.8 * part.polygon.area)


def _is_closed(part: Shape, edges: Edges) -> bool:
    """Return whether an edge of a crystal is seen all around a part, but for where it was cut from its neighbour."""
    points = along(part.polygon)
    faint = fades(edges, points, usual_sharpness(edges, part.polygon))
    if part.contact is not None:
        faint &= shapely.distance(shapely.points(points), part.contact) > 4.0
    return bool(faint.mean() < _TORN)


def _support(rim: Polygon, edges: Edges) -> float:
    """Return the share of a rim along which there is an edge, less what of its inside is one."""
    around = fades(edges, along(rim), usual_sharpness(edges, rim)).mean()
    left, top, right, bottom = (int(each) for each in rim.bounds)
    part = edges.crisp[max(top, 0) : bottom + 1, max(left, 0) : right + 1]
    inner = covered([translate(rim, -max(left, 0), -max(top, 0))], part.shape, -_INNER_PX)
    inside = float((part[inner] > 0.5).mean()) if inner.any() else 0.0
    return float(1.0 - around - _INSIDE * inside)


def covered(polygons: Sequence[Polygon], shape: tuple[int, ...], wider_px: float) -> NDArray[np.bool_]:
    """Return which pixels lie in polygons (column, row) that are made wider, or narrower, by some pixels."""
    drawing = Image.new("1", (shape[1], shape[0]))
    for polygon in polygons:
        for part in shapely.get_parts(polygon.buffer(wider_px)):
            if isinstance(part, Polygon) and not part.is_empty:
                ImageDraw.Draw(drawing).polygon([(x, y) for x, y in part.exterior.coords], fill=1)
    return np.array(drawing, dtype=bool)


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


def _cut_apart(shape: Shape, px_per_mm: float, least: float, most: int) -> list[Shape]:
    """Cut a shape where that leaves parts that are more nearly convex."""
    whole = shape.polygon.area / shape.polygon.convex_hull.area
    if whole > _WHOLE + _BETTER or most < 2 or (whole > _WHOLE and not _is_notched(shape.polygon, px_per_mm)):
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
        return [shape]
    found: list[Shape] = []
    for piece in best[1]:
        contact = best[2] if shape.contact is None else LineString(shapely.get_coordinates([best[2], shape.contact]))
        found += _cut_apart(
            replace(shape, polygon=piece, contact=contact, doubts=list(shape.doubts)), px_per_mm, least, most - 1
        )
    return found


def _is_notched(polygon: Polygon, px_per_mm: float) -> bool:
    """Return whether a nearly convex shape has a notch deeper than texture makes."""
    notches = polygon.convex_hull.difference(polygon.buffer(0.5))
    deepest = max((shapely.maximum_inscribed_circle(part).length for part in shapely.get_parts(notches)), default=0.0)
    return bool(2.0 * deepest > max(_NOTCH_PX, _NOTCH_MM * px_per_mm))


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
