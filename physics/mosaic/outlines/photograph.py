"""From a photograph of a plate to the outlines of its crystals; what is in doubt is flagged by name."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from shapely.geometry import LineString, Polygon, box

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.outlines.markers import PAPER_MM, Marker
from beamgym.physics.mosaic.outlines.segments import Edges, Segment, segments
from beamgym.physics.mosaic.outlines.shapes import Shape, fades, shapes_of, usual_sharpness
from beamgym.physics.mosaic.outlines.sides import straight_sides
from beamgym.physics.mosaic.outlines.view import PlateView, Rectified, rectified, view_by_markers, view_by_scale

LEAST_MM2 = 0.3
"""Smaller things are passed over as dust, unless stated otherwise."""
_TOUCHING_MM = 0.25
"""Crystals nearer to each other than this touch, as far as a photograph tells."""
_MOST_FAINT = 0.12
"""Share of the outline along which no edge is seen above which that is said."""
_ONE_THING_MM = 0.8
"""Parts of one thing touched where they are nearer than this: corners are lost where they are cut apart."""
_PALE, _EVEN = 0.5, 0.2
"""Brightness, the plate's being 1, from which on a crystal and a deep shadow look alike."""
_LEAST_CONTRAST = 0.03
"""Of the brightest and the darkest pixel, of 1: less shows nothing."""
_CUT_MM = 1e-4
_FAINT = 0.4
"""Share of a side without an edge of a crystal above which the side is not sharp."""


@dataclass(frozen=True, eq=False)
class FoundOutlines:
    """What a photograph shows.

    Parameters
    ----------
    outlines : named "1", "2", … from top to bottom in rows; their notes say what is in doubt
    doubts : by name, the same; an outline that is not among them is not in doubt
    passed_over : things that became no outline, each in words with its place
    view : how the plate's points lie in the photograph
    """

    outlines: tuple[Outline, ...]
    doubts: dict[str, str]
    passed_over: tuple[str, ...]
    view: PlateView


def read_photograph(path: Path) -> NDArray[np.uint8]:
    """Read a photograph, (rows, columns, 3), turned as its camera says it is to be seen.

    Raises
    ------
    ValueError : no picture, or one that cannot be read
    """
    try:
        with Image.open(path) as picture:
            return _eight_bits(ImageOps.exif_transpose(picture))
    except FileNotFoundError:
        raise ValueError(f"there is no photograph {path}") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as a picture; give a PNG, JPEG or TIFF file ({error})") from None


def outlines_of_photograph(
    picture: NDArray[Any],
    *,
    markers: Sequence[Marker] = (),
    mm_per_px: float | None = None,
    turn_deg: float = 0.0,
    origin_px: tuple[float, float] | None = None,
    least_mm2: float = LEAST_MM2,
    thickness_mm: float | None = None,
) -> FoundOutlines:
    """Return the outlines of the crystals on a photographed plate.

    Parameters
    ----------
    picture : (rows, columns) or (rows, columns, 3), 0 to 255
    markers : on the plate, four or more; they give scale, turn and perspective
    mm_per_px : instead of markers, for a photograph from straight above
    turn_deg : with mm_per_px, by which the plate's x is turned in the photograph, counter-clockwise
    origin_px : with mm_per_px, column and row of the plate's (0, 0); the photograph's lower left corner by default
    least_mm2 : smaller things are passed over
    thickness_mm : of every crystal, where it is known

    Raises
    ------
    ValueError : neither markers nor a scale, or both; fewer than four markers found; nothing found
    ImportError : scikit-image is not installed
    """
    if not markers and mm_per_px is None:
        raise ValueError("a photograph without markers and without a scale; state the markers' places, or mm per pixel")
    if not 0.0 < least_mm2 < np.inf:
        raise ValueError(f"the least area is {least_mm2:g} mm²; give a number above 0")
    if markers and mm_per_px is not None:
        raise ValueError("markers and a scale; give one of them")
    colours = _colours(picture)
    grey = colours.sum(axis=2, dtype=np.float32) / (3.0 * 255.0)
    if np.ptp(grey) < _LEAST_CONTRAST:
        tone = "black" if grey.max() < 0.1 else "of one tone"
        raise ValueError(f"the photograph is {tone}; photograph the plate anew in good light")
    if mm_per_px is not None:
        view = view_by_scale(len(grey), mm_per_px, turn_deg, origin_px)
    else:
        view = view_by_markers(grey, markers)
    flat = rectified(colours, view)
    nothing = _nothing(flat, markers)
    found, edges, small = segments(flat.picture, flat.px_per_mm, nothing, least_mm2)
    shapes = shapes_of(found, edges, flat.px_per_mm, least_mm2)
    if not shapes:
        raise ValueError("no crystal is seen on the photograph; light the plate evenly, and lay it on matt paper")
    outlines, what = _outlines(shapes, edges, flat, nothing, thickness_mm)
    named, doubts = _named(outlines, what, [shape.thing for shape in shapes])
    dust = (f"{small} things smaller than {least_mm2:g} mm²",) if small else ()
    return FoundOutlines(tuple(named), doubts, (*_unclear(found, shapes, flat), *dust), view)


def _unclear(found: Sequence[Segment], shapes: Sequence[Shape], flat: Rectified) -> tuple[str, ...]:
    """Return a line for each segment in which no crystal was made out."""
    lines = []
    for segment in found:
        rows, columns = segment.level.shape
        seen = box(segment.column, segment.row, segment.column + columns, segment.row + rows)
        if not any(shape.polygon.intersects(seen) for shape in shapes):
            x, y = flat.plate(np.array([[segment.row + rows / 2.0, segment.column + columns / 2.0]]))[0]
            lines.append(f"something without a clear edge at x = {x:.1f}, y = {y:.1f} mm")
    return tuple(lines)


def _outlines(
    shapes: Sequence[Shape], edges: Edges, flat: Rectified, nothing: NDArray[np.bool_], thickness_mm: float | None
) -> tuple[list[Outline], list[list[str]]]:
    """Return outlines without names, and what is in doubt about each."""
    outlines, doubts = [], []
    for shape in shapes:
        sides = straight_sides(shape.polygon, edges, flat.px_per_mm)
        outlines.append(Outline("0", flat.plate(sides[:, ::-1]), thickness_mm))
        doubts.append([*shape.doubts, *_doubts(shape, sides, edges, nothing)])
    return _apart(outlines), doubts


def _apart(outlines: Sequence[Outline]) -> list[Outline]:
    """Return outlines of which none lies on another: where two meet, the smaller is cut along the larger."""
    kept = list(outlines)
    for small, large in permutations(range(len(kept)), 2):
        one, other = kept[small].shape, kept[large].shape
        if (one.area, small) < (other.area, large) and one.intersection(other).area > 0.0:
            parts = shapely.get_parts(one.difference(other.buffer(_CUT_MM)))
            if len(parts) and (rest := max(parts, key=lambda part: float(part.area))).area > 0.0:
                kept[small] = replace(kept[small], polygon_mm=np.asarray(rest.exterior.coords)[:-1])
    return kept


def _doubts(shape: Shape, corners: Float64Array, edges: Edges, nothing: NDArray[np.bool_]) -> list[str]:
    """Return what is not sure about an outline: a cut at the picture's end, sides that are not sharp."""
    doubts = []
    if _at_the_end(corners, nothing):
        doubts.append("cut by the end of the photograph or by a marker")
    if _brightness(shape.polygon, edges) > _PALE:
        doubts.append("as pale as a shadow, which may count as part of it")
    ends = np.roll(corners, -1, axis=0)
    lengths = np.linalg.norm(ends - corners, axis=1)
    usual = usual_sharpness(edges, shape.polygon)
    inner = np.linspace(0.1, 0.9, 15)[:, None]
    faint = np.array([fades(edges, a + inner * (b - a), usual).mean() for a, b in zip(corners, ends, strict=True)])
    contact = _on_contact(corners, shape.contact)
    longest = int(np.argmax(lengths))
    if contact[longest]:
        doubts.append("its longest side is where it touches")
    elif faint[longest] > _FAINT:
        doubts.append("its longest side is not sharp")
    if (lengths * faint)[~contact].sum() > _MOST_FAINT * lengths.sum():
        doubts.append("part of its edge is not sharp: glare, glue or shadow")
    return doubts


def _brightness(polygon: Polygon, edges: Edges) -> float:
    """Return the brightness within a shape, the plate's being 1; 0 where glare or its own pattern makes it uneven."""
    circle = shapely.maximum_inscribed_circle(polygon)
    around = shapely.get_coordinates(shapely.Point(circle.coords[0]).buffer(0.7 * circle.length))
    points = np.concatenate([around, (around + circle.coords[0]) / 2.0])
    near = np.clip(np.round(points).astype(int), 0, np.array(edges.grey.shape[::-1]) - 1)
    low, level, high = np.quantile(edges.grey[near[:, 1], near[:, 0]], [0.1, 0.5, 0.9])
    return float(level) if high < 1.0 and high - low < _EVEN else 0.0


def _at_the_end(corners: Float64Array, nothing: NDArray[np.bool_]) -> bool:
    """Return whether a corner lies within a few pixels of where nothing is seen."""
    rows, columns = nothing.shape
    low, high = np.floor(corners).astype(int) - 3, np.ceil(corners).astype(int) + 4
    if (low < 0).any() or (high > [columns, rows]).any():
        return True
    return any(nothing[y0:y1, x0:x1].any() for (x0, y0), (x1, y1) in zip(low, high, strict=True))


def _on_contact(corners: Float64Array, contact: LineString | None) -> NDArray[np.bool_]:
    """Return which sides lie where a shape was cut from its neighbour."""
    if contact is None:
        return np.zeros(len(corners), dtype=bool)
    near = contact.buffer(4.0)
    sides = [LineString([a, b]) for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)]
    return np.array([near.intersection(side).length > 0.6 * side.length for side in sides])


def _named(
    outlines: Sequence[Outline], doubts: Sequence[list[str]], things: Sequence[int]
) -> tuple[list[Outline], dict[str, str]]:
    """Name outlines from top to bottom in rows, and say of each which others it touches."""
    order = _reading_order(outlines)
    names = {old: str(new + 1) for new, old in enumerate(order)}
    shapes = [outline.shape for outline in outlines]
    named, notes = [], {}
    for old in order:
        reach = [_ONE_THING_MM if things[old] == things[k] else _TOUCHING_MM for k in range(len(shapes))]
        near = [names[k] for k in order if k != old and shapes[k].distance(shapes[old]) < reach[k]]
        words = [*(["touches " + ", ".join(near)] if near else []), *dict.fromkeys(doubts[old])]
        note = "; ".join(words)
        named.append(replace(outlines[old], name=names[old], note=note))
        if note:
            notes[names[old]] = note
    return named, notes


def _reading_order(outlines: Sequence[Outline]) -> list[int]:
    """Return the order from top to bottom, in rows as high as a usual crystal, and from left to right in each."""
    middles = np.array([outline.centre_mm for outline in outlines])
    high = float(np.median([np.ptp(outline.polygon_mm[:, 1]) for outline in outlines]))
    rows = np.floor((middles[:, 1].max() - middles[:, 1]) / max(1.2 * high, 1e-6))
    return [int(i) for i in np.lexsort([middles[:, 0], rows])]


def _nothing(flat: Rectified, markers: Sequence[Marker]) -> NDArray[np.bool_]:
    """Return where nothing is looked for: beyond the photograph, and on the markers' paper."""
    rows, columns = flat.picture.shape[:2]
    nothing = ~np.isfinite(flat.picture).all(axis=2)
    row, column = np.mgrid[0:rows, 0:columns]
    x, y = flat.left_mm + column / flat.px_per_mm, flat.top_mm - row / flat.px_per_mm
    for marker in markers:
        nothing |= np.hypot(x - marker.x_mm, y - marker.y_mm) < 1.05 * PAPER_MM
    return np.asarray(nothing)


def _colours(picture: NDArray[Any]) -> NDArray[Any]:
    """Return a picture as (rows, columns, 3), 0 to 255, without a copy where it can be."""
    if picture.ndim not in (2, 3) or min(picture.shape[:2]) < 32:
        raise ValueError(
            f"a picture of shape {picture.shape}; give (rows, columns) or (rows, columns, 3), 32 or more each"
        )
    whole = picture if picture.ndim == 3 else picture[:, :, None]
    if whole.shape[2] not in (1, 3, 4) or not np.isfinite(whole).all():
        raise ValueError(f"a picture of shape {picture.shape}; give one or three finite numbers, 0 to 255, for a pixel")
    return np.broadcast_to(whole, (*whole.shape[:2], 3)) if whole.shape[2] == 1 else whole[:, :, :3]


def _eight_bits(picture: Image.Image) -> NDArray[np.uint8]:
    """Return red, green and blue of 0 to 255; pictures of 16 bits and floating point are scaled to their brightest."""
    if picture.mode.startswith(("I", "F")):
        values = np.asarray(picture, dtype=np.float64)
        values = 255.0 * (values - values.min()) / max(float(np.ptp(values)), 1e-12)
        return np.repeat(values.astype(np.uint8)[:, :, None], 3, axis=2)
    return np.asarray(picture.convert("RGB"))


def longest_side_deg(corners_mm: Float64Array) -> tuple[float, float]:
    """Return the direction of an outline's longest side, degrees from x in [0, 180), and its length in mm."""
    sides = np.roll(corners_mm, -1, axis=0) - corners_mm
    lengths = np.linalg.norm(sides, axis=1)
    longest = sides[int(np.argmax(lengths))]
    return float(np.degrees(np.arctan2(longest[1], longest[0])) % 180.0), float(lengths.max())
