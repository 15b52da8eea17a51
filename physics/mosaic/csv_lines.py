"""CSV files as other programs save them: their lines, or one line that says what to save anew."""

import csv
import io
from pathlib import Path


def csv_text(path: Path) -> str:
    """Read a file as UTF-8, without the mark that some programs put first.

    Raises
    ------
    ValueError : it holds other letters; one line with the remedy
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return file.read()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not in UTF-8; save it anew as CSV in UTF-8") from None


def csv_lines(path: Path) -> list[list[str]]:
    """Read a CSV file, line by line, cell by cell.

    Raises
    ------
    ValueError : other letters than UTF-8, cells between other marks than commas, or no CSV; one line with the remedy
    """
    text = csv_text(path)
    check_commas(path, text)
    try:
        return list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise ValueError(f"{path} is no CSV table ({error}); save it anew as CSV") from None


def check_commas(path: Path, text: str) -> None:
    """Raise ValueError where the headings of a table stand between semicolons or tabs instead of commas."""
    head = text.lstrip("\ufeff").splitlines()[:1]
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        if head and mark in head[0] and "," not in head[0]:
            raise ValueError(
                f"{path} has {name} between its cells; save it with commas there, and points as decimal marks"
            )
