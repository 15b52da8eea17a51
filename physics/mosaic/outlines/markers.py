"""Printed markers that tell a photograph's place, turn, scale and perspective: a ring with one to six dots in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.csv_lines import csv_lines
from beamgym.physics.mosaic.outline import FURTHEST_MM

RING_MM = 2.5
"""Outer radius of the black ring."""
HOLE_MM = 1.7
"""Its inner radius; white within."""
DOT_MM = 0.34
"""Radius of a dot."""
DOTS_AT_MM = 0.95
"""Distance of dots from the middle, where there are two or more."""
PAPER_MM = 3.3
"""Radius of the white paper around the ring."""
MOST_DOTS = 6


@dataclass(frozen=True)
class Marker:
    """One marker on a plate.

    Parameters
    ----------
    dots : how many dots it has, 1 to 6: its number
    x_mm, y_mm : its middle, plate frame
    """

    dots: int
    x_mm: float
    y_mm: float

    def __post_init__(self) -> None:
        """Check it."""
        if not 1 <= self.dots <= MOST_DOTS:
            raise ValueError(f"a marker of {self.dots} dots; markers have 1 to {MOST_DOTS}")
        if not np.abs([self.x_mm, self.y_mm]).max() <= FURTHEST_MM:
            raise ValueError(f"marker {self.dots}: its place is to be two numbers in mm, {FURTHEST_MM:g} at most")


def corner_markers(width_mm: float, height_mm: float, inset_mm: float = 4.0) -> tuple[Marker, ...]:
    """Return markers 1 to 4 for the corners of a plate whose middle is (0, 0): from lower left counter-clockwise."""
    x, y = width_mm / 2.0 - inset_mm, height_mm / 2.0 - inset_mm
    return Marker(1, -x, -y), Marker(2, x, -y), Marker(3, x, y), Marker(4, -x, y)


def check_markers(markers: Sequence[Marker]) -> None:
    """Raise ValueError where markers give no perspective: fewer than four, two alike, or all on one line."""
    dots = [marker.dots for marker in markers]
    if len(dots) < 4:
        raise ValueError(f"{len(dots)} markers; a perspective needs four, or state mm per pixel instead")
    if twice := [number for number in dots if dots.count(number) > 1]:
        raise ValueError(f"two markers have {twice[0]} dots; each needs its own number of dots")
    places = np.array([[marker.x_mm, marker.y_mm] for marker in markers])
    spread = np.linalg.svd(places - places.mean(axis=0), compute_uv=False)
    if spread[1] < 0.05 * spread[0]:
        raise ValueError("the markers stand on one line; put them at the corners of a rectangle")


def marker_table(markers: Sequence[Marker]) -> str:
    """Return markers as a CSV text that ``read_markers`` reads."""
    rows = [f"{marker.dots},{marker.x_mm:.4f},{marker.y_mm:.4f}\n" for marker in markers]
    return "".join(["dots,x_mm,y_mm\n", *rows])


def read_markers(path: Path) -> list[Marker]:
    """Read markers from a CSV file with the columns dots, x_mm and y_mm.

    Raises
    ------
    ValueError : a column is missing, a cell is no number, or the markers give no perspective; in one line
    """
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    lines = [line for line in csv_lines(path) if any(cell.strip() for cell in line)]
    heads = [head.strip() for head in lines[0]] if lines else []
    rows = [dict(zip(heads, (cell.strip() for cell in line), strict=False)) for line in lines[1:]]
    markers = []
    for number, row in enumerate(rows, start=2):
        if absent := [column for column in ("dots", "x_mm", "y_mm") if row.get(column) is None]:
            raise ValueError(f"{path}: column {absent[0]!r} is missing; the columns are dots, x_mm, y_mm")
        try:
            markers.append(Marker(int(row["dots"]), float(row["x_mm"]), float(row["y_mm"])))
        except ValueError as error:
            raise ValueError(f"{path}, row {number}: {error}") from None
    check_markers(markers)
    return markers


def dots_mm(dots: int) -> Float64Array:
    """Return the middles of a marker's dots about its own middle, (dots, 2) mm."""
    if dots == 1:
        return np.zeros((1, 2))
    around = 2.0 * np.pi * np.arange(dots) / dots + np.pi / 2.0
    return DOTS_AT_MM * np.column_stack([np.cos(around), np.sin(around)])


def circle(radius_mm: float, middle_mm: Float64Array, corners: int = 96) -> Float64Array:
    """Return a circle as a polygon, (corners, 2) mm."""
    around = 2.0 * np.pi * np.arange(corners) / corners
    return middle_mm + radius_mm * np.column_stack([np.cos(around), np.sin(around)])


def marker_sheet(markers: Sequence[Marker]) -> str:
    """Return an SVG drawing of the markers at their places, to be printed at 100 %, cut out and glued on."""
    places = np.array([[marker.x_mm, marker.y_mm] for marker in markers])
    low, high = places.min(axis=0) - 2.0 * PAPER_MM, places.max(axis=0) + 2.0 * PAPER_MM
    size = high - low
    parts = []
    for marker in markers:
        x, y = marker.x_mm - low[0], high[1] - marker.y_mm
        parts += [_disc(x, y, PAPER_MM, "white"), _disc(x, y, RING_MM, "black"), _disc(x, y, HOLE_MM, "white")]
        parts += [_disc(x + dx, y - dy, DOT_MM, "black") for dx, dy in dots_mm(marker.dots)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]:.2f}mm" height="{size[1]:.2f}mm"'
    return "\n".join([f'{head} viewBox="0 0 {size[0]:.2f} {size[1]:.2f}">', *parts, "</svg>", ""])


def _disc(x: float, y: float, radius: float, fill: str) -> str:
    edge = ' stroke="grey" stroke-width="0.05"' if fill == "white" and radius == PAPER_MM else ""
    return f'<circle cx="{x:.3f}" cy="{y:.3f}" r="{radius:.3f}" fill="{fill}"{edge}/>'
