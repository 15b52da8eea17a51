"""What is engraved on a plate besides pockets: numbers, fiducials, beam window, scattering plane, rotation axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shapely import clip_by_rect, maximum_inscribed_circle
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from beamgym.physics.mosaic.holder.design import Design
from beamgym.physics.mosaic.holder.grooves import Groove, groove_rim
from beamgym.physics.mosaic.holder.lettering import cross, lettered
from beamgym.physics.mosaic.holder.pockets import Pocket

_LINE_MM = 0.4
_TICK_MM = 1.5
_RIM_MM = 0.15
"""Between a number and the wall of its pocket."""
_REACH_MM = 4.0
"""How far from what is cut out its number may stand beside it."""


@dataclass(frozen=True, eq=False)
class Marks:
    """Engravings of one plate, mm.

    Parameters
    ----------
    floors : numbers in the floors of pockets, by name
    beside : numbers on the upper face beside pockets that go through, and beside grooves, by name
    title : on the upper face; empty where there was no room for it
    lines : ticks, window and fiducials, on the upper face
    without_number : names for which there was no room
    """

    floors: dict[str, BaseGeometry] = field(default_factory=dict)
    beside: dict[str, BaseGeometry] = field(default_factory=dict)
    title: BaseGeometry = field(default_factory=MultiPolygon)
    lines: BaseGeometry = field(default_factory=MultiPolygon)
    without_number: tuple[str, ...] = ()

    @property
    def top(self) -> BaseGeometry:
        """All that is engraved on the upper face."""
        return unary_union([self.lines, self.title, *self.beside.values()])


def marks_of(pockets: Sequence[Pocket], design: Design, title: str, grooves: Sequence[Groove] = ()) -> Marks:
    """Return what is engraved on one plate.

    Parameters
    ----------
    pockets, grooves : of this plate
    design : its dimensions
    title : engraved near the upper edge, as "FRONT 1"

    Returns
    -------
    the marks. A holder's numbers stand in the pockets' floors; where pockets go through, and where rods lie in grooves,
    they stand beside them where there is room
    """
    cut = {pocket.name: pocket.hole for pocket in pockets} | {each.name: groove_rim(each) for each in grooves}
    solid = design.plate.buffer(-0.5).difference(unary_union([*cut.values(), *_holes(design)]).buffer(0.3))
    lines = unary_union([*(mark.intersection(solid) for mark in _lines(design)), *_crosses(design)])
    free = solid if lines.is_empty else solid.difference(lines.buffer(0.3))
    title_mark = _title(title, free, design)
    free = free.difference(title_mark.buffer(0.3))
    inside = {pocket.name: _in_floor(pocket, design) for pocket in pockets if design.product == "holder"}
    beside: dict[str, BaseGeometry] = {}
    for name in [name for name in cut if name not in inside]:
        beside[name] = _beside(name, cut, free, list(beside.values()), design)
    numbers = inside | beside
    return Marks(
        {name: mark for name, mark in inside.items() if not mark.is_empty},
        {name: mark for name, mark in beside.items() if not mark.is_empty},
        title_mark,
        lines,
        tuple(name for name in cut if numbers[name].is_empty),
    )


def _in_floor(pocket: Pocket, design: Design) -> BaseGeometry:
    room = pocket.hole.buffer(-_RIM_MM)
    if room.is_empty:
        return MultiPolygon()
    return lettered(pocket.name, room, widest_place(room), design.letter_mm, 1.0)


def _beside(
    name: str, cut: Mapping[str, Polygon], free: BaseGeometry, placed: Sequence[BaseGeometry], design: Design
) -> BaseGeometry:
    """Return the number beside a cut-out, nearer to it than to others, clear of numbers that stand there already."""
    hole = cut[name]
    x_min, y_min, x_max, y_max = hole.bounds
    reach = max(x_max - x_min, y_max - y_min) / 2.0 + _REACH_MM
    x, y = hole.centroid.x, hole.centroid.y
    near = box(x - reach - 2.0, y - reach - 2.0, x + reach + 2.0, y + reach + 2.0)
    taken = [mark.buffer(0.3) for mark in placed if mark.intersects(near)]
    room = clip_by_rect(free, *near.bounds).difference(unary_union(taken))
    others = [each for other, each in cut.items() if other != name and each.distance(near) == 0.0]

    def own(mark: BaseGeometry) -> bool:
        return all(mark.distance(hole) < mark.distance(other) for other in others)

    return lettered(name, room, (x, y), design.letter_mm, reach, own)


def widest_place(room: BaseGeometry) -> tuple[float, float]:
    """Return the middle of the largest circle in a room, mm."""
    x, y = maximum_inscribed_circle(room, tolerance=0.05).coords[0]
    return float(x), float(y)


def _crosses(design: Design) -> list[Polygon]:
    return [cross(x, y) for x, y in design.fiducials_mm]


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
    """Return the title near the upper edge, or anywhere else where there is no room."""
    x_min, y_min, x_max, y_max = design.plate.bounds
    wide, middle = (x_max - x_min) / 3.0, ((x_min + x_max) / 2.0, (y_min + y_max) / 2.0)
    mark = lettered(title, free, (x_min + wide, y_max - design.letter_mm - 0.6), design.letter_mm, wide)
    return (
        mark
        if not mark.is_empty
        else lettered(title, free, middle, design.letter_mm, max(x_max - x_min, y_max - y_min) / 2.0)
    )
