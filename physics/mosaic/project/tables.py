"""CSV tables with units in their headings: typed columns, one line for what is wrong."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from beamgym.physics.mosaic.csv_lines import csv_lines

UNITS = ("_mm", "_deg", "_s", "_g", "_mg")


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : its heading, with the unit
    kind : "text", "number", "integer", "yes" (yes or no) or "numbers" (several, with blanks between them)
    decimals : of numbers
    empty : whether a cell may be empty; a number is None then
    """

    name: str
    kind: Literal["text", "number", "integer", "yes", "numbers"] = "number"
    decimals: int = 4
    empty: bool = False


def table_text(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], plate_id: str) -> str:
    """Return a table as CSV; its last column, plate_id, is the plate's identity in every row."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(column.name for column in columns), "plate_id"])
    for row in rows:
        writer.writerow([*(_cell(column, row[column.name]) for column in columns), plate_id])
    return out.getvalue()


def read_table(path: Path, columns: Sequence[Column], plate_id: str | None) -> list[dict[str, Any]]:
    """Read a table.

    Parameters
    ----------
    path : CSV with a row of headings; columns of other names are passed over
    columns : that it must have
    plate_id : whose table it must be; None takes a table of no plate or of any

    Returns
    -------
    one dict a row, by the columns' names

    Raises
    ------
    ValueError : the file or a column is missing, a unit is missing in a heading, a cell is not what it should be,
        or it is the table of another plate; one line with the remedy
    """
    if not path.is_file():
        raise ValueError(f"there is no {path}; the step that writes it has not been done")
    return _rows(csv_lines(path), path, columns, plate_id)


def rows_of_text(text: str, path: Path, columns: Sequence[Column], plate_id: str | None) -> list[dict[str, Any]]:
    """Return a table's rows as ``read_table`` does, of its text instead of its file; ``path`` is what errors name."""
    return _rows(list(csv.reader(io.StringIO(text))), path, columns, plate_id)


def _rows(
    lines: Sequence[Sequence[str]], path: Path, columns: Sequence[Column], plate_id: str | None
) -> list[dict[str, Any]]:
    if not lines:
        raise ValueError(f"{path} is empty; its first row is to name the columns: {_names(columns)}")
    heads = [head.strip() for head in lines[0]]
    _check_heads(path, columns, heads)
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in line):
            continue
        cells = dict(zip(heads, (cell.strip() for cell in line), strict=False))
        _check_plate(path, number, cells, plate_id)
        rows.append({column.name: _value(path, number, column, cells.get(column.name, "")) for column in columns})
    return rows


def _names(columns: Sequence[Column]) -> str:
    return ", ".join(column.name for column in columns)


def _check_heads(path: Path, columns: Sequence[Column], heads: Sequence[str]) -> None:
    for column in columns:
        if column.name in heads:
            continue
        bare = next((column.name.removesuffix(unit) for unit in UNITS if column.name.endswith(unit)), "")
        like = next((head for head in heads if bare and head.split(" ")[0].lower() == bare), None)
        if like is not None:
            raise ValueError(f"{path}: column {like!r} has no unit; call it {column.name} and give it in that unit")
        raise ValueError(f"{path}: column {column.name!r} is missing; the columns are {_names(columns)}")


def _check_plate(path: Path, number: int, cells: Mapping[str, str], plate_id: str | None) -> None:
    found = cells.get("plate_id", "")
    if plate_id is not None and found not in ("", plate_id):
        raise ValueError(f"{path}, row {number}: belongs to plate {found}, and this is {plate_id}; give its own file")


def _cell(column: Column, value: Any) -> str:
    if value is None or (column.kind == "number" and not math.isfinite(value)):
        return ""
    if column.kind == "number":
        return f"{value:.{column.decimals}f}"
    if column.kind == "numbers":
        return " ".join(f"{each:.{column.decimals}f}" for each in value)
    if column.kind == "yes":
        return "yes" if value else "no"
    return str(value)


def _value(path: Path, number: int, column: Column, cell: str) -> Any:
    where = f"{path}, row {number}, {column.name}"
    if not cell and column.kind != "numbers" and (column.kind != "text" or not column.empty):
        if not column.empty:
            raise ValueError(f"{where}: the cell is empty; give its value")
        return None
    if column.kind == "text":
        return cell
    if column.kind == "yes":
        return _yes(where, cell)
    try:
        if column.kind == "integer":
            return int(cell)
        found = [float(part) for part in cell.split()]
    except ValueError:
        raise ValueError(f"{where}: {cell!r} is no {column.kind.rstrip('s')}; write it with a decimal point") from None
    if not all(math.isfinite(value) for value in found) or (column.kind == "number" and len(found) != 1):
        raise ValueError(f"{where}: {cell!r} is no finite number")
    return tuple(found) if column.kind == "numbers" else found[0]


def _yes(where: str, cell: str) -> bool:
    if cell.lower() in ("yes", "no"):
        return cell.lower() == "yes"
    raise ValueError(f"{where}: {cell!r}; write yes or no")
