"""One project folder: its files by name, each checked when it is read, and kept where a person changed it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beamgym.physics.files import write_json, write_text
from beamgym.physics.mosaic.csv_lines import csv_lines, csv_text
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.project.kept import as_before, changed, merged, touched
from beamgym.physics.mosaic.project.plate_file import PlateFile
from beamgym.physics.mosaic.project.rows import (
    CORRECTIONS,
    CRYSTALS,
    KEYS,
    LAYOUT,
    OUTLINES,
    corrections_of,
    outlines_of,
    placements_of,
    rows_of_corrections,
    rows_of_crystals,
    rows_of_layout,
    rows_of_outlines,
)
from beamgym.physics.mosaic.project.scan_file import read_scan, scan_content
from beamgym.physics.mosaic.project.tables import Column, read_table, rows_of_text, table_text
from beamgym.physics.mosaic.records import Correction, Placement, ScannedCrystal


@dataclass(frozen=True)
class LayoutChanges:
    """What a person changed in layout.csv.

    Parameters
    ----------
    rows : changed and added ones, as they are now
    heads : by name, which columns of the row were changed; all of them where it was added
    removed : names of the crystals whose rows were removed
    """

    rows: tuple[Placement, ...]
    heads: Mapping[str, frozenset[str]]
    removed: tuple[str, ...]


WRITTEN = ".written"
"""Holds the last copy that a step wrote of each table; a cell that differs from it was changed by a person."""


class Project:
    """The project folder of one plate.

    Parameters
    ----------
    path : the folder

    Raises
    ------
    ValueError : it has no plate.json, or a wrong one
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.plate = PlateFile.read(self.path / "plate.json")

    @classmethod
    def begin(cls, path: Path, plate: PlateFile, outlines: Sequence[Outline]) -> "Project":
        """Make a new project: plate.json, outlines.csv, crystals.csv.

        Raises
        ------
        ValueError : the folder holds a project already
        OSError : it cannot be written
        """
        path = Path(path)
        if (path / "plate.json").exists():
            raise ValueError(f"{path} holds a project already; choose another folder")
        path.mkdir(parents=True, exist_ok=True)
        write_json(path / "plate.json", plate.model_dump(mode="json"))
        try:
            project = cls(path)
            project.write_outlines(outlines)
        except BaseException:
            (path / "plate.json").unlink(missing_ok=True)  # a folder with it counts as a project that was begun
            raise
        return project

    def outlines(self, all_of_them: bool = False) -> list[Outline]:
        """Return the outlines of outlines.csv whose row in crystals.csv says that they are to be used."""
        crystals = read_table(self.path / "crystals.csv", CRYSTALS, self.plate.plate_id)
        found = outlines_of(read_table(self.path / "outlines.csv", OUTLINES, self.plate.plate_id), crystals)
        used = {row["name"] for row in crystals if row["use"]}
        return [each for each in found if all_of_them or each.name in used]

    def write_outlines(self, outlines: Sequence[Outline]) -> list[str]:
        """Write outlines.csv and crystals.csv; return what was kept of a person's changes."""
        return self.write_table("outlines.csv", OUTLINES, rows_of_outlines(outlines)) + self.write_table(
            "crystals.csv", CRYSTALS, rows_of_crystals(outlines)
        )

    def scan(self, name: str = "scan.json") -> list[ScannedCrystal]:
        """Return what a scan found; raises ValueError where it was of another plate."""
        return read_scan(self.path / name, self.plate.plate_id)

    def write_scan(self, crystals: Sequence[ScannedCrystal], name: str = "scan.json") -> None:
        """Write what a scan found."""
        write_json(self.path / name, scan_content(crystals, self.plate.plate_id))

    def corrections(self, name: str = "corrections.csv") -> list[Correction]:
        """Return the corrections."""
        return corrections_of(read_table(self.path / name, CORRECTIONS, self.plate.plate_id))

    def write_corrections(self, corrections: Sequence[Correction]) -> list[str]:
        """Write corrections.csv; return what was kept of a person's changes."""
        return self.write_table("corrections.csv", CORRECTIONS, rows_of_corrections(corrections))

    def layout(self, name: str = "layout.csv") -> list[Placement]:
        """Return where the crystals are to lie."""
        rows = read_table(self.path / name, LAYOUT, self.plate.plate_id)
        try:
            return placements_of(rows, self._both_faces)
        except ValueError as error:
            raise ValueError(f"{self.path / name}: {error}") from None

    def write_layout(self, placements: Sequence[Placement]) -> list[str]:
        """Write layout.csv; return what became of a person's changes.

        What a person changed counts as changed ever after, also where the placements follow it.
        """
        return self.write_table("layout.csv", LAYOUT, rows_of_layout(placements, self._both_faces), followed=True)

    def layout_changes(self) -> LayoutChanges:
        """Return what a person changed in layout.csv since a step wrote it; nothing where there is none."""
        path, copy = self.path / "layout.csv", self._copy("layout.csv")
        if not path.is_file() or not copy.is_file():
            return LayoutChanges((), {}, ())
        cells, removed = touched(self._now("layout.csv"), copy.read_text("utf-8"), ("name",))
        columns = frozenset(column.name for column in LAYOUT)
        by_name = {name: heads & columns for (name,), heads in cells.items() if heads & columns}
        rows = tuple(each for each in self.layout() if each.name in by_name)
        return LayoutChanges(rows, by_name, tuple(name for (name,) in removed))

    def layout_to_be(self, placements: Sequence[Placement]) -> list[Placement]:
        """Return the layout that ``write_layout`` would leave in the folder, with what a person changed."""
        text, _ = self._merged("layout.csv", LAYOUT, rows_of_layout(placements, self._both_faces))
        return placements_of(rows_of_text(text, self.path / "layout.csv", LAYOUT, None), self._both_faces)

    def write_second(self, corrections: Sequence[Correction], placements: Sequence[Placement]) -> list[str]:
        """Write corrections and layout of a second holder into ``second/``; return what was kept."""
        return self.write_table("second/corrections.csv", CORRECTIONS, rows_of_corrections(corrections)) + (
            self.write_table("second/layout.csv", LAYOUT, rows_of_layout(placements, self._both_faces))
        )

    def write_table(
        self, name: str, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], followed: bool = False
    ) -> list[str]:
        """Write a table, and its copy in ``.written/``; keep what a person changed.

        Parameters
        ----------
        name : of the file in the folder
        columns, rows : of the table
        followed : the rows follow what a person changed, which is to count as changed all the same

        Returns
        -------
        a line for each cell or row that stays as a person left it, and for each change that has no place any more
        """
        (text, kept), path, copy = self._merged(name, columns, rows), self.path / name, self._copy(name)
        for file in (path, copy):
            file.parent.mkdir(parents=True, exist_ok=True)
        own = table_text(columns, rows, self.plate.plate_id)
        if followed and path.is_file() and copy.is_file():
            own = as_before(own, self._now(name), copy.read_text("utf-8"), KEYS.get(name, ("name",)))
        write_text(path, text)
        write_text(copy, own)
        return [f"{name}: {line}" for line in kept]

    def _merged(self, name: str, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
        """Return a table with what a person changed in the one that is there, and what became of that."""
        new, copy = table_text(columns, rows, self.plate.plate_id), self._copy(name)
        if not (self.path / name).is_file() or not copy.is_file():
            return new, []
        return merged(new, self._now(name), copy.read_text("utf-8"), KEYS.get(name, ("name",)))

    @property
    def _both_faces(self) -> bool:
        return self.plate.holder.both_faces

    def changed(self) -> dict[str, list[str]]:
        """Return, by table, a line for each cell and row that a person changed since a step wrote it."""
        found = {}
        for copy in sorted((self.path / WRITTEN).rglob("*.csv")):
            name = copy.relative_to(self.path / WRITTEN).as_posix()
            if (self.path / name).is_file():
                now, before = self._now(name), copy.read_text("utf-8")
                found[name] = changed(now, before, KEYS.get(name, ("name",)))
        return found

    def _now(self, name: str) -> str:
        """Return a table as it is, where its rows can be told apart; otherwise nothing of it could be kept."""
        path, keys = self.path / name, KEYS.get(name, ("name",))
        heads = [head.strip() for head in next(iter(csv_lines(path)), [])]
        if absent := [key for key in keys if key not in heads]:
            raise ValueError(f"{path} has no column {absent[0]!r} any more; mend it, or remove it to have it anew")
        return csv_text(path)

    def _copy(self, name: str) -> Path:
        return self.path / WRITTEN / name
