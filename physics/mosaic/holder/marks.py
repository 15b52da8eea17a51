"""What is engraved on a plate besides pockets: numbers, fiducials, beam window, scattering plane, rotation axis."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shapely import clip_by_rect, maximum_inscribed_circle
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from beamgym.physics.mosaic.holder.design import Design
from beamgym.physics.mosaic.holder.lettering import cross, lettered
from beamgym.physics.mosaic.holder.pockets import Pocket

_LINE_MM = 0.4
_TICK_MM = 1.5
_RIM_MM = 0.15
"""Between a number and the wall of its pocket."""
_REACH_MM = 4.0
"""How far from its pocket a number may stand on a template."""


@dataclass(frozen=True, eq=False)
class Marks:
    """Engravings of one plate, mm.

    Parameters
    ----------
    floors : numbers in the floors of pockets, by name
    top : all that is engraved on the upper face
    without_number : names for which there was no room
    """

    floors: dict[str, BaseGeometry] = field(default_factory=dict)
    top: BaseGeometry = field(default_factory=MultiPolygon)
    without_number: tuple[str, ...] = ()


def marks_of(pockets: Sequence[Pocket], design: Design, title: str) -> Marks:
    """Return what is engraved on one plate.

    Parameters
    ----------
    pockets : of this plate
    design : its dimensions
    title : engraved near the upper edge, as "FRONT 1"

    Returns
    -------
    the marks. A holder's numbers stand in the pockets' floors, a template's beside its pockets where there is room
    """
    solid = design.plate.buffer(-0.5).difference(unary_union([*(p.hole for p in pockets), *_holes(design)]).buffer(0.3))
    top: list[BaseGeometry] = [mark.intersection(solid) for mark in _lines(design)]
    top += [cross(x, y) for x, y in design.fiducials_mm]
    free = solid.difference(unary_union(top).buffer(0.3)) if top else solid
    title_mark = _title(title, free, design)
    top.append(title_mark)
    free = free.difference(title_mark.buffer(0.3))
    floors: dict[str, BaseGeometry] = {}
    beside: list[BaseGeometry] = []
    without = []
    for pocket in pockets:
        if design.product == "holder":
            mark = floors[pocket.name] = _in_floor(pocket, design)
        else:
            mark = _beside(pocket, pockets, free, beside, design)
            beside.append(mark)
        without += [pocket.name] if mark.is_empty else []
    top += beside
    return Marks({k: v for k, v in floors.items() if not v.is_empty}, unary_union(top), tuple(without))


def _in_floor(pocket: Pocket, design: Design) -> BaseGeometry:
    room = pocket.hole.buffer(-_RIM_MM)
    if room.is_empty:
        return MultiPolygon()
    return lettered(pocket.name, room, widest_place(room), design.letter_mm, 1.0)


def _beside(
    pocket: Pocket, pockets: Sequence[Pocket], free: BaseGeometry, placed: Sequence[BaseGeometry], design: Design
) -> BaseGeometry:
    """Return the number beside a pocket, nearer to it than to others, clear of numbers that stand there already."""
    x_min, y_min, x_max, y_max = pocket.hole.bounds
    reach = max(x_max - x_min, y_max - y_min) / 2.0 + _REACH_MM
    x, y = pocket.hole.centroid.x, pocket.hole.centroid.y
    near = box(x - reach - 2.0, y - reach - 2.0, x + reach + 2.0, y + reach + 2.0)
    taken = [mark.buffer(0.3) for mark in placed if mark.intersects(near)]
    room = clip_by_rect(free, *near.bounds).difference(unary_union(taken))
    others = [each.hole for each in pockets if each is not pocket and each.hole.distance(near) == 0.0]

    def own(mark: BaseGeometry) -> bool:
        return all(mark.distance(pocket.hole) < mark.distance(other) for other in others)

    return lettered(pocket.name, room, (x, y), design.letter_mm, reach, own)


def widest_place(room: BaseGeometry) -> tuple[float, float]:
    """Return the middle of the largest circle in a room, mm."""
    x, y = maximum_inscribed_circle(room, tolerance=0.05).coords[0]
    return float(x), float(y)


def _holes(design: Design) -> list[Polygon]:
    return [hole.shape for hole in design.holes]


def _lines(design: Design) -> list[BaseGeometry]:
    """Return ticks at the edges: the horizontal scattering plane at y = 0, the rotation axis at x = 0, the window."""
    x_min, y_min, x_max, y_max = design.plate.bounds
    half, tick = _LINE_MM / 2.0, _TICK_MM + 0.5
    marks: list[BaseGeometry] = [
        box(x_min, -half, x_min + tick, half),
        box(x_max - tick, -half, x_max, half),
        box(-half, y_min, half, y_min + tick),
        box(-half, y_max - tick, half, y_max),
    ]
    if (window := design.window) is not None:
        marks.append(window.exterior.buffer(half, cap_style="flat", join_style="mitre"))
    return marks


def _title(title: str, free: BaseGeometry, design: Design) -> BaseGeometry:
    x_min, _, x_max, y_max = design.plate.bounds
    wide = (x_max - x_min) / 3.0
    return lettered(title, free, (x_min + wide, y_max - design.letter_mm - 0.6), design.letter_mm, wide)
