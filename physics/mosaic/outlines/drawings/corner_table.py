"""Outlines from a table of corners: CSV with the columns name, corner, x_mm and y_mm."""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from beamgym.physics.mosaic.csv_lines import csv_lines
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.outlines.drawings.overlaps import check_apart

COLUMNS = ("name", "corner", "x_mm", "y_mm")
THICKNESS, NOTE = "thickness_mm", "note"


def corner_table(outlines: Sequence[Outline]) -> str:
    """Return outlines as a CSV text that ``read_corner_table`` reads."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, THICKNESS, NOTE])
    for outline in outlines:
        thick = "" if outline.thickness_mm is None else f"{outline.thickness_mm:g}"
        for k, (x, y) in enumerate(outline.polygon_mm):
            writer.writerow([outline.name, k, f"{x:.4f}", f"{y:.4f}", thick, outline.note])
    return out.getvalue()


def read_corner_table(path: Path) -> list[Outline]:
    """Read outlines from a CSV file.

    Parameters
    ----------
    path : one row a corner: the crystal's name, the number of the corner, its place in mm; columns
        thickness_mm and note are read where there are any, and may be empty

    Raises
    ------
    ValueError : a column or a unit is missing, a cell is no number, or outlines lie on each other; in one line
    """
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    lines = [line for line in csv_lines(path) if any(cell.strip() for cell in line)]
    heads = [head.strip() for head in lines[0]] if lines else []
    _check_heads(path, heads)
    corners: dict[str, list[tuple[float, float, float]]] = {}
    thickness: dict[str, float] = {}
    notes: dict[str, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        cells = dict(zip(heads, (cell.strip() for cell in line), strict=False))
        name = cells.get("name", "")
        if not name:
            raise ValueError(f"{path}, row {number}: the name is empty; name the crystal")
        order, x, y = (_number(path, number, column, cells.get(column, "")) for column in COLUMNS[1:])
        if order in [corner for corner, _, _ in corners.get(name, ())]:
            raise ValueError(
                f"{path}, row {number}: {name} has a corner {order:g} already; give each crystal its own name"
            )
        corners.setdefault(name, []).append((order, x, y))
        if cells.get(THICKNESS):
            thickness[name] = _number(path, number, THICKNESS, cells[THICKNESS])
        notes.setdefault(name, cells.get(NOTE, ""))
    if not corners:
        raise ValueError(f"{path} has no corners; give one row each, with the columns {', '.join(COLUMNS)}")
    outlines = [
        Outline(name, np.array(sorted(found))[:, 1:], thickness.get(name), notes[name])
        for name, found in corners.items()
    ]
    check_apart(outlines)
    return outlines


def _check_heads(path: Path, heads: list[str]) -> None:
    for column in COLUMNS:
        if column in heads:
            continue
        bare = column.removesuffix("_mm")
        like = [head for head in heads if head.lower().startswith(bare) and column.endswith("_mm")]
        if like:
            raise ValueError(
                f"{path}: column {like[0]!r} is not in mm or does not say so; give {column} in millimetres"
            )
        raise ValueError(f"{path}: column {column!r} is missing; the columns are {', '.join(COLUMNS)}")
    if THICKNESS not in heads and (unclear := [head for head in heads if head.lower().startswith("thickness")]):
        raise ValueError(
            f"{path}: column {unclear[0]!r} is not in mm or does not say so; give {THICKNESS} in millimetres"
        )


def _number(path: Path, row: int, column: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{path}, row {row}, {column}: {cell or 'empty'!r} is no number; give one")
    return value
