"""Scans that somebody else made: a folder of images, or of peak lists, and a CSV that says where the beam was."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from shapely.geometry import Point

from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.indexing import MeasuredPattern, read_pattern
from beamgym.physics.laue.peaks import LabPeakFinder, PeakFinder
from beamgym.physics.mosaic.csv_lines import csv_lines
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.scan.frames import TakenFrame

COLUMNS = ("file", "x_mm", "y_mm")
"""Columns that the table must have; ``exposure_s`` may stand beside them."""
NEAR_MM = 0.3
"""A frame belongs to the outline that it lies in, or that is nearer than this."""


@dataclass(frozen=True)
class ForeignScan:
    """Frames given to crystals.

    Parameters
    ----------
    frames : of each crystal, by its outline's name, as ``analysed`` takes them
    outside : files whose place lies in no outline
    unvisited : names of the crystals without a frame
    """

    frames: dict[str, list[TakenFrame]] = field(default_factory=dict)
    outside: tuple[str, ...] = ()
    unvisited: tuple[str, ...] = ()


def read_foreign(
    table: str | os.PathLike[str],
    outlines: Sequence[Outline],
    folder: str | os.PathLike[str] | None = None,
    finder: PeakFinder | LabPeakFinder | None = None,
    exposure_s: float = 10.0,
    progress: Callable[[int, int], None] | None = None,
) -> ForeignScan:
    """Read a scan that somebody else made.

    Parameters
    ----------
    table : CSV with the columns ``file``, ``x_mm``, ``y_mm`` (where the beam was, plate frame) and, if known,
        ``exposure_s``
    outlines : of the crystals
    folder : where the files are; beside the table by default
    finder : how peaks are found in images
    exposure_s : of every frame, where the table does not say
    progress : told after every file

    Returns
    -------
    ForeignScan

    Raises
    ------
    ValueError : a column is missing or has no unit, a cell is no number, a file is missing, or no frame lies in any
        outline; one line
    """
    rows = _rows(Path(table))
    where = Path(table).parent if folder is None else Path(folder)
    missing = [row["file"] for row in rows if not (where / row["file"]).is_file()]
    if missing:
        raise ValueError(
            f"{missing[0]} is not in {where} ({len(missing)} of {len(rows)} files are missing); give the folder"
        )
    frames: dict[str, list[TakenFrame]] = {}
    outside = []
    for number, row in enumerate(rows):
        point = np.array([_number(table, number, row, "x_mm"), _number(table, number, row, "y_mm")])
        name = _owner(outlines, point)
        if name is None:
            outside.append(row["file"])
            continue
        seconds = _number(table, number, row, "exposure_s") if row.get("exposure_s") else exposure_s
        pattern = read_pattern(where / row["file"], finder)
        frames.setdefault(name, []).append(TakenFrame(point, seconds, 0.0, _single(pattern), pattern.image))
        if progress is not None:
            progress(number + 1, len(rows))
    if not frames:
        raise ValueError(
            f"none of the {len(rows)} places of {table} lies in an outline; are they in mm, in the outlines' frame?"
        )
    unvisited = tuple(outline.name for outline in outlines if outline.name not in frames)
    return ForeignScan(frames, tuple(outside), unvisited)


def _single(pattern: MeasuredPattern) -> Peaks:
    count, peaks = pattern.count, pattern.peaks
    return Peaks(
        peaks.position_px[:1, :count], peaks.intensity[:1, :count], peaks.count[:1], peaks.saturated[:1, :count]
    )


def _rows(table: Path) -> list[dict[str, str]]:
    if not table.is_file():
        raise ValueError(f"there is no {table}; give a CSV with the columns {', '.join(COLUMNS)}")
    lines = [line for line in csv_lines(table) if any(cell.strip() for cell in line)]
    heads = [head.strip() for head in lines[0]] if lines else []
    for column in COLUMNS:
        if column in heads:
            continue
        bare = column.removesuffix("_mm")
        if bare != column and bare in heads:
            raise ValueError(f"{table}: column {bare!r} has no unit; call it {column} and give it in mm")
        raise ValueError(f"{table}: column {column!r} is missing; the columns are {', '.join(COLUMNS)}, exposure_s")
    rows = [dict(zip(heads, (*(c.strip() for c in line), *[""] * len(heads)), strict=False)) for line in lines[1:]]
    if not rows:
        raise ValueError(f"{table} holds no frames; give a row for each")
    return rows


def _number(table: str | os.PathLike[str], number: int, row: dict[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise ValueError(f"{os.fspath(table)}, row {number + 2}, {column}: {row[column]!r} is no finite number")
    return value


def _owner(outlines: Sequence[Outline], point: np.ndarray) -> str | None:  # type: ignore[type-arg]
    here = Point(*point)
    away = [outline.shape.distance(here) for outline in outlines]
    nearest = int(np.argmin(away)) if away else -1
    return outlines[nearest].name if nearest >= 0 and away[nearest] <= NEAR_MM else None
