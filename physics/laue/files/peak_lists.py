"""Lists of peaks as text: what a column holds is read from its name, and a list that leaves it open is refused."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.files.images import ImageFileError
from beamgym.physics.laue.files.parsing import number, read_text

PEAK_SUFFIXES = (".txt", ".dat", ".csv", ".cor")
_COMMENTS = ("#", "%", "!", "//")
_NAMES = (
    ("x", "peakx", "xexp", "xpx", "xpix", "xpixel", "xpos", "posx", "xcentroid", "xcenter", "xcentre", "xc", "pixx",
     "pixelx", "xm", "column", "col", "fast", "fc"),
    ("y", "peaky", "yexp", "ypx", "ypix", "ypixel", "ypos", "posy", "ycentroid", "ycenter", "ycentre", "yc", "pixy",
     "pixely", "ym", "row", "slow", "sc"),
    ("i", "peakisub", "peakitot", "intensity", "int", "isub", "itot", "integratedintensity", "counts", "sum",
     "sumintensity", "intden", "amplitude", "iobs"),
)  # fmt: skip
"""How programs name the columns, without case, spaces, underscores and units; the first that is there is taken."""
_PIXEL_UNITS = ("", "px", "pix", "pixel", "pixels")
_BRACKETS = re.compile(r"\s*[\[({]([^\])}]*)[\])}]")
_FROM_ONE = re.compile(r"\b(?:1|one)[- ]based\b|first pixel\S*(?: \w+)* (?:=|is) ?1\b", re.IGNORECASE)
_FROM_ZERO = re.compile(r"\b(?:0|zero)[- ]based\b|first pixel\S*(?: \w+)* (?:=|is) ?0\b", re.IGNORECASE)
_LAUETOOLS = ({"peakx", "peaky"}, {"2theta", "chi"}, {"xexp", "yexp"})


@dataclass(frozen=True)
class PeakList(Peaks):
    """Peaks of one frame out of a file.

    Parameters
    ----------
    notes : what was assumed about the list, one line each
    """

    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Rows:
    """The lines of a list, taken apart."""

    preamble: tuple[str, ...]
    cells: tuple[tuple[float, ...], ...]
    separator: str | None


def read_peaks(path: str | os.PathLike[str], one_based: bool | None = None) -> PeakList:
    """Read a list of peaks, one a line: position along fast, along slow, intensity.

    Parameters
    ----------
    path : text with three columns X Y I, or with a line above that names its columns (LaueTools .dat and .cor do);
        separated by spaces, tabs, "," or ";", with "." or "," before the decimals
    one_based : True where the first pixel's centre is 1, False where it is 0; None takes what the file says, 1 for
        LaueTools' own files, else 0

    Returns
    -------
    PeakList of one frame, brightest first, positions counted from 0

    Raises
    ------
    FileNotFoundError : no such file
    ImageFileError : lines that are not numbers, columns missing or not recognised, positions that are not in pixels
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"no peak list {str(file)!r}; check the path")
    try:
        text = read_text(file)
    except ValueError as error:
        raise ImageFileError(f"{error}; give an image by its own ending, or columns X Y I") from None
    rows = _rows(file, text)
    table = _table(file, rows)
    first, notes = _first_pixel(text, rows.preamble, one_based)
    order = np.argsort(-table[:, 2], kind="stable")
    return PeakList(
        position_px=(table[order, :2] - first)[None].astype(np.float32),
        intensity=table[None, order, 2].astype(np.float32),
        count=np.array([len(table)], dtype=np.int64),
        saturated=np.zeros((1, len(table)), dtype=bool),
        notes=notes,
    )


def _rows(file: Path, text: str) -> _Rows:
    """Take a list apart: what stands above the first line of numbers, and the numbers of every line after it."""
    preamble: list[str] = []
    cells: list[tuple[float, ...]] = []
    separator, decimal = None, "."
    for place, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if not bare:
            continue
        if not cells and (bare.startswith(_COMMENTS) or not _is_numbers(bare)):
            preamble.append(bare)
            continue
        if bare.startswith(_COMMENTS):
            continue
        if not cells:
            separator, decimal = _separator(bare)
        cells.append(_cells(file, place, bare, separator, decimal, len(cells[0]) if cells else None))
    if not cells:
        raise ImageFileError(f"{file.name} holds no peaks; columns X Y I are needed")
    return _Rows(tuple(preamble), tuple(cells), separator)


def _is_numbers(line: str) -> bool:
    words = [word for word in re.split(r"[,;\s]+", line) if word]
    return all(number(word) is not None for word in words)


def _separator(line: str) -> tuple[str | None, str]:
    """Return what separates the entries of a list, None for white space, and what stands before its decimals."""
    if ";" in line:
        return ";", "," if re.search(r"\d,\d", line) else "."
    if "\t" in line:
        return "\t", "," if re.search(r"\d,\d", line) and "." not in line else "."
    words = line.split()
    if len(words) > 1 and "," in line and all(re.fullmatch(r"[-+]?\d+(,\d+)?(e[-+]?\d+)?", w, re.I) for w in words):
        return None, ","
    return ("," if "," in line else None), "."


def _cells(
    file: Path, place: int, line: str, separator: str | None, decimal: str, wanted: int | None
) -> tuple[float, ...]:
    """Return the numbers of one line, as many as the first line has."""
    words = line.split(separator) if separator else line.split()
    if separator == "\t":
        words = [word for word in words if word.strip()]
    elif separator and len(words) > 1 and not words[-1].strip():
        words = words[:-1]
    values = [number(word, decimal) for word in words]
    if any(value is None for value in values):
        raise ImageFileError(f"{file.name}, line {place}: not numbers: {line[:60]!r}")
    if wanted is not None and len(values) != wanted:
        raise ImageFileError(
            f"{file.name}, line {place}: {len(values)} columns where the first line has {wanted}: {line[:60]!r}"
        )
    return tuple(float(value) for value in values if value is not None)


def _table(file: Path, rows: _Rows) -> Float64Array:
    """Return the (p, 3) columns X, Y, I."""
    cells = np.array(rows.cells, dtype=np.float64)
    columns = _columns(file, rows)
    if columns is None:
        if cells.shape[1] != 3:
            few = cells.shape[1] < 3
            raise ImageFileError(
                f"{file.name}: {cells.shape[1]} columns; X Y I are needed"
                + ("" if few else ": which they are must be said by a first line that names the columns")
            )
        if len(cells) > 1 and (np.diff(cells[:, 0]) == 1).all() and cells[0, 0] in (0, 1):
            raise ImageFileError(f"{file.name}: the first column only counts; name the columns X Y I in a first line")
        columns = (0, 1, 2)
    table = cells[:, columns]
    if not np.isfinite(table).all():
        raise ImageFileError(f"{file.name} holds values that are not finite; remove those lines")
    if (np.abs(table[:, :2]) > 1e6).any():
        raise ImageFileError(f"{file.name} holds positions beyond a million pixels; X and Y are wanted in pixels")
    return table


def _columns(file: Path, rows: _Rows) -> tuple[int, int, int] | None:
    """Return where X, Y and I stand by the line that names them; None where no line above the numbers may be one."""
    width = len(rows.cells[0])
    for line in reversed(rows.preamble):
        names, units = _names(line, rows.separator)
        places = [_place(file, names, choices) for choices in _NAMES]
        if min(places[:2]) >= 0 and (places[2] >= 0 or len(names) == width):
            return _checked_columns(file, line, names, units, places, width)
    for line in rows.preamble:
        names, _ = _names(line, rows.separator)
        if not line.startswith(_COMMENTS) or (len(names) == width and not any(":" in name for name in names)):
            raise ImageFileError(f"{file.name}: columns not recognised in {line[:60]!r}; name three of them X Y I")
    return None


def _checked_columns(
    file: Path, line: str, names: Sequence[str], units: Sequence[str], places: Sequence[int], width: int
) -> tuple[int, int, int]:
    if min(places) < 0:
        raise ImageFileError(f"{file.name}: no intensity in {line[:60]!r}; name its column I")
    if len(names) != width:
        raise ImageFileError(
            f"{file.name}: {len(names)} columns are named in {line[:60]!r}, the lines below hold {width}; "
            "decimal commas go with ';' or tabs between the columns"
        )
    for place in places[:2]:
        if units[place] not in _PIXEL_UNITS:
            raise ImageFileError(f"{file.name}: {names[place]} is in {units[place]}; positions are wanted in pixels")
    return places[0], places[1], places[2]


def _names(line: str, separator: str | None) -> tuple[list[str], list[str]]:
    """Return the column names of a line, bare of case, spaces and marks, and the units in brackets behind them."""
    text = line
    for mark in _COMMENTS:
        text = text.removeprefix(mark)
    # an aside behind the last name is no unit, as in "X Y I (first pixel = 1)"
    text = re.sub(r"\s+\([^)]*[\s=][^)]*\)\s*$", "", text.strip().strip("#"))
    marked = _BRACKETS.sub(lambda found: "\0" + re.sub(r"\s", "", found[1]), text)
    between = separator if separator and separator in marked else None
    words = marked.split(between)
    words = words[:-1] if len(words) > 1 and not words[-1].strip() else words
    parts = [word.partition("\0") for word in words]
    names = [re.sub(r"[^0-9a-zµ:]", "", name.lower()) for name, _, _ in parts]
    return names, [unit.lower().strip(".") for _, _, unit in parts]


def _place(file: Path, names: Sequence[str], choices: Sequence[str]) -> int:
    """Return the column of the first of these names that is there, -1 where none is."""
    for choice in choices:
        if names.count(choice) > 1:
            raise ImageFileError(f"{file.name}: two columns are named {choice}; name them apart")
        if choice in names:
            return names.index(choice)
    return -1


def _first_pixel(text: str, preamble: Sequence[str], one_based: bool | None) -> tuple[float, tuple[str, ...]]:
    """Return the number of the first pixel, 0 or 1, and what is to be said about it."""
    comments = " ".join([*preamble, *(line for line in text.splitlines() if line.lstrip().startswith(_COMMENTS))])
    names = {name for line in preamble for name in _names(line, None)[0]}
    stated = 1 if _FROM_ONE.search(comments) else 0 if _FROM_ZERO.search(comments) else None
    lauetools = any(known <= names for known in _LAUETOOLS)
    if one_based is not None:
        against = stated is not None and stated != int(one_based)
        return float(one_based), (
            f"the list says that its first pixel is {stated}; {int(one_based)} is used, as asked",
        ) * against
    if stated is not None:
        return float(stated), (f"the first pixel is {stated}, as the list says",)
    if lauetools:
        return 1.0, ("a list of LaueTools: its first pixel is 1",)
    return 0.0, ("the first pixel is taken to be 0; --one-based if it is 1",)
