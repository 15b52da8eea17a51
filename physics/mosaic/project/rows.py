"""The tables of a project, column by column, and the records that they stand for."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.project.tables import Column
from beamgym.physics.mosaic.records import Correction, Placement, plate_of_title, plate_title

Rows = list[dict[str, Any]]

NAME = Column("name", "text")
OUTLINES = (NAME, Column("corner", "integer"), Column("x_mm"), Column("y_mm"))
CRYSTALS = (NAME, Column("thickness_mm", empty=True), Column("use", "yes"), Column("note", "text", empty=True))
CORRECTIONS = (
    NAME,
    *(Column(f"{part}_deg") for part in ("turn", "tilt_x", "tilt_y")),
    Column("equivalents_deg", "numbers"),
    *(Column(f"sigma_{axis}_deg", empty=True) for axis in "xyz"),
    Column("turned_over", "yes"),
)
LAYOUT = (
    NAME,
    Column("plate", "text"),
    *(Column(name) for name in ("x_mm", "y_mm", "turn_deg")),
    Column("turned_over", "yes"),
)
KEYS = {"outlines.csv": ("name", "corner")}
"""Columns by which the rows of a table are told apart; the name where none are given."""


def rows_of_outlines(outlines: Sequence[Outline]) -> Rows:
    """Return a row for each corner."""
    return [
        {"name": each.name, "corner": i, "x_mm": float(x), "y_mm": float(y)}
        for each in outlines
        for i, (x, y) in enumerate(each.polygon_mm)
    ]


def rows_of_crystals(outlines: Sequence[Outline]) -> Rows:
    """Return a row for each crystal; all are to be used."""
    return [{"name": o.name, "thickness_mm": o.thickness_mm, "use": True, "note": o.note} for o in outlines]


def outlines_of(corners: Rows, crystals: Rows) -> list[Outline]:
    """Return the outlines, in the order of the crystals' table.

    Raises
    ------
    ValueError : a crystal without corners, or named twice; an outline that is none
    """
    by_name: dict[str, list[tuple[int, float, float]]] = {}
    for row in corners:
        if row["corner"] in [corner for corner, _, _ in by_name.get(row["name"], ())]:
            raise ValueError(f"outlines.csv has corner {row['corner']} of {row['name']} twice; number its corners")
        by_name.setdefault(row["name"], []).append((row["corner"], row["x_mm"], row["y_mm"]))
    names = [row["name"] for row in crystals]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"crystals.csv names {name} twice; give each crystal a name of its own")
        if name not in by_name:
            raise ValueError(f"crystals.csv names {name}, and outlines.csv has no corners of it; add them")
    return [
        Outline(row["name"], np.array(sorted(by_name[row["name"]]))[:, 1:], row["thickness_mm"], row["note"])
        for row in crystals
    ]


def rows_of_corrections(corrections: Sequence[Correction]) -> Rows:
    """Return a row for each correction."""
    return [
        {
            "name": each.name,
            "turn_deg": each.turn_deg,
            "tilt_x_deg": each.tilt_x_deg,
            "tilt_y_deg": each.tilt_y_deg,
            "equivalents_deg": each.equivalents_deg,
            **{f"sigma_{axis}_deg": float(s) for axis, s in zip("xyz", each.sigma_deg, strict=True)},
            "turned_over": each.turned_over,
        }
        for each in corrections
    ]


def corrections_of(rows: Rows) -> list[Correction]:
    """Return the corrections of a table."""
    return [
        Correction(
            row["name"],
            row["turn_deg"],
            row["tilt_x_deg"],
            row["tilt_y_deg"],
            equivalents_deg=row["equivalents_deg"],
            sigma_deg=np.array([np.nan if (s := row[f"sigma_{axis}_deg"]) is None else s for axis in "xyz"]),
            turned_over=row["turned_over"],
        )
        for row in rows
    ]


def rows_of_layout(placements: Sequence[Placement], both_faces: bool) -> Rows:
    """Return a row for each placed crystal; plates are named as they are engraved."""
    return [
        {column.name: getattr(each, column.name) for column in LAYOUT} | {"plate": plate_title(each.plate, both_faces)}
        for each in placements
    ]


def placements_of(rows: Rows, both_faces: bool) -> list[Placement]:
    """Return the placements of a table; raises ValueError for a plate that cannot be."""
    return [Placement(**row | {"plate": plate_of_title(row["plate"], both_faces)}) for row in rows]
