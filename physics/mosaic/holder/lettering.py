"""Numbers and letters of plain strokes, and where on a holder there is room for them."""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from shapely import affinity, contains_xy, get_coordinates, prepare
from shapely.geometry import LineString, MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from beamgym.physics.arrays import Float64Array

STROKE = 0.2
"""Width of a stroke as a share of the letters' height; a nozzle of 0.4 mm just draws it in letters of 2 mm."""
_LEAST = 0.4
"""Smallest share of the stated height to which a number is made smaller so that it fits."""

_GLYPHS = {
    "0": "00 20 24 04 00",
    "1": "03 14 10|00 20",
    "2": "04 24 22 02 00 20",
    "3": "04 24 20 00|02 22",
    "4": "04 02 22|24 20",
    "5": "24 04 02 22 20 00",
    "6": "24 04 00 20 22 02",
    "7": "04 24 10",
    "8": "00 20 24 04 00|02 22",
    "9": "00 20 24 04 02 22",
    "A": "00 03 14 23 20|02 22",
    "B": "00 04 14 23 12 02|12 21 10 00",
    "C": "24 04 00 20",
    "D": "00 04 14 23 21 10 00",
    "E": "24 04 00 20|02 12",
    "F": "24 04 00|02 12",
    "G": "24 04 00 20 22 12",
    "H": "00 04|20 24|02 22",
    "I": "04 24|00 20|14 10",
    "J": "24 20 00 01",
    "K": "00 04|24 02 20",
    "L": "04 00 20",
    "M": "00 04 12 24 20",
    "N": "00 04 20 24",
    "O": "00 20 24 04 00",
    "P": "00 04 24 22 02",
    "Q": "00 20 24 04 00|11 20",
    "R": "00 04 24 22 02|12 20",
    "S": "24 04 02 22 20 00",
    "T": "04 24|14 10",
    "U": "04 00 20 24",
    "V": "04 10 24",
    "W": "04 00 12 20 24",
    "X": "00 24|04 20",
    "Y": "04 12 24|12 10",
    "Z": "04 24 00 20",
    "-": "02 22",
    "_": "00 20",
    "+": "02 22|11 13",
    ".": "00 10",
    "/": "00 24",
    " ": "",
}
"""Strokes on a grid of 2 by 4: x and y of each point, strokes divided by |."""


@cache
def letters(text: str, height_mm: float) -> MultiPolygon:
    """Return a text as strokes, centred on (0, 0), mm, in capitals; a sign that is not known is a box."""
    unit, strokes = height_mm / 4.0, list[LineString]()
    for i, sign in enumerate(text.upper()):
        for stroke in filter(None, _GLYPHS.get(sign, "00 20 24 04 00|00 24").split("|")):
            points = [((3 * i + int(xy[0])) * unit, int(xy[1]) * unit) for xy in stroke.split()]
            strokes.append(LineString(points))
    found = unary_union([line.buffer(STROKE * height_mm / 2.0, quad_segs=2) for line in strokes])
    if found.is_empty:
        return MultiPolygon()
    x_min, y_min, x_max, y_max = found.bounds
    moved = affinity.translate(found, -(x_min + x_max) / 2.0, -(y_min + y_max) / 2.0)
    return moved if isinstance(moved, MultiPolygon) else MultiPolygon([moved])


def lettered(
    text: str,
    room: BaseGeometry,
    near: Sequence[float],
    height_mm: float,
    reach_mm: float = 0.0,
    accepted: Callable[[BaseGeometry], bool] = lambda shape: True,
) -> BaseGeometry:
    """Return a text that lies inside a room, as near to a place and as high as fits; empty where nothing fits.

    Parameters
    ----------
    text : to be engraved
    room : where strokes may lie, mm
    near : x and y of the wished middle, mm
    height_mm : wished; down to 40 % of it where it must be
    reach_mm : how far from the wished middle it may lie
    accepted : whether a place that fits is taken

    Notes
    -----
    Heights are tried from the largest down, places from the nearest outwards.
    """
    prepare(room)
    for share in (1.0, 0.8, 0.6, _LEAST):
        shape = letters(text, share * height_mm)
        if shape.is_empty:
            break
        places = np.asarray(near, dtype=np.float64) + _places(reach_mm, share * height_mm / 2.0)
        rim = get_coordinates(shape)
        # A few points rule most places out, so that all points are asked for the others only.
        for some in (rim[:: max(1, len(rim) // 4)], rim):
            points = places[:, None] + some[None]
            places = places[contains_xy(room, points[..., 0], points[..., 1]).all(axis=1)]
        for place in places:
            moved = affinity.translate(shape, *place)
            if room.contains(moved) and accepted(moved):
                return moved
    return MultiPolygon()


def _places(reach: float, step: float) -> Float64Array:
    """Return places (n, 2) on a grid about (0, 0), nearest first."""
    n = int(reach / step)
    found = np.stack(np.meshgrid(np.arange(-n, n + 1), np.arange(-n, n + 1)), axis=-1).reshape(-1, 2) * step
    return np.asarray(found[np.argsort(np.hypot(*found.T), kind="stable")], dtype=np.float64)


def cross(x: float, y: float, size_mm: float = 2.0, width_mm: float = 0.4) -> Polygon:
    """Return a fiducial: an upright cross about a place, mm."""
    a, b = size_mm / 2.0, width_mm / 2.0
    return unary_union([box(x - a, y - b, x + a, y + b), box(x - b, y - a, x + b, y + a)])
