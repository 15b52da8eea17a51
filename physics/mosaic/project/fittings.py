"""Screws and fiducials of a plate: where they lie when plate.json does not say, clear of each other and of ticks."""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

from shapely.geometry import Point, Polygon, box
from shapely.geometry.base import BaseGeometry

Screws = tuple[tuple[float, float, float], ...]
Fiducials = tuple[tuple[float, float], ...]

SCREW_MM = 2.2
"""A screw M2 passes."""
HEAD_MM = 0.8
"""By which the head of a screw is wider than its hole, on each side."""
CROSS_MM = 2.0
FIDUCIAL_MM = 0.6 * CROSS_MM
"""Radius of the place that a cross takes."""
_INSET_MM = 2.5
"""From the middle of a screw or a fiducial to the edge."""
_BESIDE_MM = 4.0
"""From a screw to the fiducial beside it."""
_TICK_MM = (0.4, 2.0)
"""Width and length of the ticks that ``marks`` draws at the ends of both axes."""
_APART_MM = 0.2
_STEP_MM, _LARGEST_MM = 0.25, 120.0


def fittings_of(
    shape: str, width_mm: float, height_mm: float, screws: Screws | None = None, fiducials: Fiducials | None = None
) -> tuple[Screws, Fiducials]:
    """Return screws and fiducials of a plate, in its own frame, mm.

    Parameters
    ----------
    shape, width_mm, height_mm : "rectangle" or "circle", whose diameter is the width
    screws, fiducials : as stated; None puts them where they have room

    Raises
    ------
    ValueError : stated ones that lie on each other, or a plate without room for what is not stated; one line
    """
    if screws is not None and fiducials is not None:
        if words := _on_each_other(screws, fiducials):
            raise ValueError(f"{words} lie on each other; move one in plate.json, or leave it out")
        return screws, fiducials
    if found := _placed(shape, width_mm, height_mm, screws, fiducials):
        return found
    least = _least(shape, width_mm, height_mm, screws, fiducials)
    size = f"{width_mm:g} mm across" if shape == "circle" else f"{width_mm:g} × {height_mm:g} mm"
    what = " and ".join(
        [name for name, stated in (("its screws", screws), ("its fiducials", fiducials)) if stated is None]
    )
    larger = f"take one of {least} at least, or " if least else ""
    keys = [name for name, stated in (("screws_mm", screws), ("fiducials_mm", fiducials)) if stated is None]
    raise ValueError(
        f"a plate of {size} has no room for {what}; {larger}state {' and '.join(keys)} in plate.json's holder, "
        "[] to leave them out"
    )


def least_width_mm(shape: str, width_mm: float, height_mm: float) -> float:
    """Return down to which width a plate that states no screws and fiducials has room for them, mm."""
    width = width_mm
    while width > _STEP_MM and _placed(shape, width - _STEP_MM, height_mm, None, None):
        width -= _STEP_MM
    return width


def _placed(
    shape: str, width: float, height: float, screws: Screws | None, fiducials: Fiducials | None
) -> tuple[Screws, Fiducials] | None:
    """Return the first arrangement in which nothing lies on anything else, if there is one."""
    plate = _plate(shape, width, height)
    ticks = _ticks(width, width if shape == "circle" else height)
    for wished_screws, wished in _arrangements(shape, width, height):
        own = wished_screws if screws is None else screws
        marks = wished if fiducials is None else fiducials
        discs = [Point(x, y).buffer(d / 2.0 + HEAD_MM) for x, y, d in own]
        crosses = [Point(x, y).buffer(FIDUCIAL_MM) for x, y in marks]
        drawn = (discs if screws is None else []) + (crosses if fiducials is None else [])
        fixed = ([] if screws is None else discs) + ([] if fiducials is None else crosses)
        if all(plate.contains(each) for each in drawn) and _clear(drawn, [*fixed, *ticks]):
            return own, marks
    return None


def _clear(drawn: Sequence[BaseGeometry], others: Sequence[BaseGeometry]) -> bool:
    pairs = [*combinations(drawn, 2), *((one, other) for one in drawn for other in others)]
    return all(one.distance(other) >= _APART_MM for one, other in pairs)


def _arrangements(shape: str, width: float, height: float) -> Iterator[tuple[Screws, Fiducials]]:
    """Yield where screws and fiducials may lie, best first; no turn brings the three fiducials onto themselves."""
    if shape == "circle":
        r = width / 2.0 - _INSET_MM
        # Ticks are at 0°, 90°, 180° and 270°.
        yield (
            tuple((*_polar(r, a), SCREW_MM) for a in (45.0, 165.0, 285.0)),
            tuple(_polar(r, a) for a in (127.0, 225.0, 330.0)),
        )
        return
    x, y = width / 2.0 - _INSET_MM, height / 2.0 - _INSET_MM
    screws = tuple((sign * x, up * y, SCREW_MM) for sign in (-1.0, 1.0) for up in (-1.0, 1.0))
    for dx, dy in ((_BESIDE_MM, 0.0), (0.0, _BESIDE_MM), (0.0, 0.0)):
        a, b = x - dx, y - dy
        if a > 0.0 and b > 0.0:
            yield screws, ((-a, b), (a, b), (a, -b))


def _polar(radius: float, angle_deg: float) -> tuple[float, float]:
    return radius * math.cos(math.radians(angle_deg)), radius * math.sin(math.radians(angle_deg))


def _plate(shape: str, width: float, height: float) -> Polygon:
    if shape == "circle":
        return Point(0.0, 0.0).buffer(width / 2.0, quad_segs=32)
    return box(-width / 2.0, -height / 2.0, width / 2.0, height / 2.0)


def _ticks(width: float, height: float) -> list[Polygon]:
    half, long = _TICK_MM[0] / 2.0, _TICK_MM[1]
    x, y = width / 2.0, height / 2.0
    return [
        box(-x, -half, long - x, half),
        box(x - long, -half, x, half),
        box(-half, -y, half, long - y),
        box(-half, y - long, half, y),
    ]


def _on_each_other(screws: Screws, fiducials: Fiducials) -> str:
    """Return which two of the stated ones lie on each other, in words; empty where none do."""
    named = [(f"the screw at {x:g}, {y:g}", Point(x, y).buffer(d / 2.0)) for x, y, d in screws]
    named += [(f"the fiducial at {x:g}, {y:g}", Point(x, y).buffer(CROSS_MM / 2.0)) for x, y in fiducials]
    for (one, first), (other, second) in combinations(named, 2):
        if first.intersects(second):
            return f"{one} and {other}"
    return ""


def _least(shape: str, width: float, height: float, screws: Screws | None, fiducials: Fiducials | None) -> str:
    """Return the smallest plate of the same height that has room, otherwise the smallest that grows both ways."""
    steps = [_STEP_MM * k for k in range(1, int(_LARGEST_MM / _STEP_MM))]
    if shape == "circle":
        return next((f"{w:g} mm across" for w in steps if w > width and _placed(shape, w, w, screws, fiducials)), "")
    sizes = [(w, height) for w in steps if w > width] + [(width, h) for h in steps if h > height]
    sizes += [(max(width, w), max(height, w)) for w in steps]
    return next((f"{w:g} × {h:g} mm" for w, h in sizes if _placed(shape, w, h, screws, fiducials)), "")
