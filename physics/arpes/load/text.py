"""Text files: SPECS' .xy, Scienta's SES text, tables of columns, and plain matrices; and NumPy's .npz and .npy."""

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.load.igor import notes_in
from beamgym.physics.arpes.load.labelled import LabelledArray, LabelledAxis, LoadError, key_of, role_of, unnamed_axes

_ORDINATE = re.compile(r"^#\s*NonEnergyOrdinate:\s*(\S+)", re.MULTILINE)
_HEADER = re.compile(r"^#\s*([A-Za-z][\w ./()-]*?):\s+(\S.*)$", re.MULTILINE)


def read_specs(path: Path) -> list[LabelledArray]:
    """Return the spectra of a SPECS Prodigy .xy export: one for each region and cycle.

    Raises
    ------
    LoadError : no curves, curves of different length, as while a scan is still being written
    """
    found = []
    for region in re.split(r"(?m)^(?=# Region:)", path.read_text(encoding="utf-8", errors="replace")):
        about = {
            key.strip().lower(): _number(value.strip()) for key, value in _HEADER.findall(region.split("Cycle:")[0])
        }
        for cycle in re.split(r"(?m)^(?=# Cycle: \d+\s*$)", region):
            found += _specs_cycle(cycle, about, path)
    if not found:
        raise LoadError(
            f"{path} holds no curves of SpecsLab Prodigy; export it with the comment prefix # and meta data"
        )
    return found


def _specs_cycle(text: str, about: dict[str, Any], path: Path) -> list[LabelledArray]:
    blocks = re.split(r"(?m)^(?=# Cycle: \d+, Curve: \d+)", text)[1:]
    if not blocks:
        return []
    tables = [_columns(block, path) for block in blocks]
    if len({len(table) for table in tables}) > 1 or not len(tables[0]):
        raise LoadError(
            f"{path}: curves of {sorted({len(t) for t in tables})} values; it is still being written, or cut"
        )
    curves = np.stack([table[:, 1] for table in tables])
    energy, told = tables[0][:, 0], str(about.get("energy axis", "")) or str(about.get("scan variable", ""))
    kind = next((word for word in ("kinetic", "binding") if word in told.lower()), "kinetic")
    angles = [_ORDINATE.search(block) for block in blocks]
    named = all(angles) and len(angles) > 1
    places = np.array([float(match.group(1)) for match in angles if match]) if named else None
    name = str(about.get("region", path.stem))
    unit = "counts/s" if "counts/s" in text else "counts"
    if len(curves) == 1:
        return [LabelledArray(name, curves[0], (LabelledAxis("energy", energy, "eV", kind),), about, unit)]
    axes = (LabelledAxis("NonEnergyOrdinate", places, "deg"), LabelledAxis("energy", energy, "eV", kind))
    return [LabelledArray(name, curves, axes, about, unit)]


def _columns(block: str, path: Path) -> NDArray[np.float64]:
    rows = [line.split() for line in block.splitlines() if line and not line.startswith("#")]
    try:
        return np.array([[float(row[0]), float(row[1])] for row in rows if row], dtype=np.float64).reshape(-1, 2)
    except (ValueError, IndexError):
        raise LoadError(f"{path} holds a line that is no pair of numbers; is it still being written?") from None


def read_text(path: Path) -> list[LabelledArray]:
    """Return the spectra of a text file.

    Parameters
    ----------
    path : an Scienta SES export ([Info], [Region 1], [Data 1]), columns with a header that names energy, angle and
        counts, or a matrix; of a matrix no axis is known

    Raises
    ------
    LoadError : text that is none of these
    """
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if "[Data" in text and "Dimension 1 scale" in text:
        return _ses(text, path)
    if text.lstrip().startswith("# Created by:") and "SpecsLab" in text[:200]:
        return read_specs(path)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbers = [row for line in lines if (row := _row(line)) is not None]
    heads = [line.lstrip("#% ") for line in lines if _row(line) is None]
    if not numbers or len({len(row) for row in numbers}) != 1:
        widths = sorted({len(row) for row in numbers})
        raise LoadError(f"{path}: lines of {widths or 'no'} numbers; give a matrix, or columns energy, angle, counts")
    table = np.array(numbers, dtype=np.float64)
    names = re.split(r"[,;\t]+|\s{2,}|\s+", heads[-1]) if heads else []
    if len(names) == table.shape[1] and table.shape[1] in (3, 4, 5):
        return [_from_columns(names, table, path)]
    if table.shape[1] == 3:
        raise LoadError(
            f"{path} has three columns without names; write a first line such as: # energy_eV angle_deg counts"
        )
    return [LabelledArray(path.stem, table, unnamed_axes(2))]


def _row(line: str) -> list[float] | None:
    try:
        return [float(word) for word in re.split(r"[\s,;]+", line.rstrip(",;"))]
    except ValueError:
        return None


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _ses(text: str, path: Path) -> list[LabelledArray]:
    found = []
    for region in re.split(r"(?m)^(?=\[Region )", text)[1:]:
        about = notes_in(region.split("[Data")[0])
        body = region.split("[Data", 1)[-1].split("]", 1)[-1]
        rows = [row for line in body.splitlines() if line.strip() and (row := _row(line.strip()))]
        table = np.array(rows, dtype=np.float64) if len({len(row) for row in rows}) == 1 else np.empty((0, 0))
        energy = np.array(str(about.get("dimension 1 scale", "")).split(), dtype=np.float64)
        angle = np.array(str(about.get("dimension 2 scale", "")).split(), dtype=np.float64)
        if table.shape != (energy.size, angle.size + 1):
            raise LoadError(
                f"{path}: a table of {table.shape} for {energy.size} energies and {angle.size} angles; is it cut?"
            )
        kind = str(about.get("energy scale", about.get("energy unit", "kinetic"))).lower()
        axes = (
            LabelledAxis("energy", energy, "eV", kind if kind in ("kinetic", "binding") else ""),
            LabelledAxis("angle", angle, "deg"),
        )
        found.append(LabelledArray(str(about.get("region name", path.stem)), table[:, 1:], axes, about))
    return found


def _from_columns(names: list[str], table: NDArray[np.float64], path: Path) -> LabelledArray:
    """Return columns (coordinates and, last, counts) as an array; every combination must be there once."""
    axes, places = [], []
    for name, column in zip(names[:-1], table.T[:-1], strict=True):
        values, place = np.unique(column, return_inverse=True)
        unit = re.search(r"[\[(](.*)[\])]|_(k?m?ev|deg|rad|mrad|mm|um)$", name, re.IGNORECASE)
        bare = re.sub(r"[\[(].*[\])]|_(k?m?ev|deg|rad|mrad|mm|um)$", "", name, flags=re.IGNORECASE)
        axes.append(LabelledAxis(bare or name, values, next((u for u in unit.groups() if u), "") if unit else ""))
        places.append(place)
    shape = tuple(len(axis.values) for axis in axes if axis.values is not None)
    if np.prod(shape) != len(table) or len(np.unique(np.ravel_multi_index(places, shape))) != len(table):
        raise LoadError(
            f"{path}: {len(table)} rows for a grid of {' x '.join(map(str, shape))}; rows are missing or doubled"
        )
    values = np.empty(shape)
    values[tuple(places)] = table[:, -1]
    return LabelledArray(names[-1], values, tuple(axes))


def read_numpy(path: Path) -> list[LabelledArray]:
    """Return the arrays of an .npy or .npz file; lists of numbers with an axis' name are the axes of those they fit.

    Raises
    ------
    LoadError : a damaged file, objects in place of numbers, an axis that fits no dimension
    """
    try:
        with path.open("rb") as stream:
            content = np.load(stream, allow_pickle=False)
            stored = {path.stem: content} if isinstance(content, np.ndarray) else dict(content.items())
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise LoadError(
            f"{path} does not open as NumPy's ({error}); it is damaged, holds objects, or is being written"
        ) from None
    lists = {name: values for name, values in stored.items() if values.ndim == 1 and values.dtype.kind in "iuf"}
    about = {name.lower(): values.item() for name, values in stored.items() if values.ndim == 0}
    arrays = {name: values for name, values in stored.items() if values.ndim > 1 and values.dtype.kind in "iuf"}
    return [
        LabelledArray(name, values, _fitting(name, values, lists), about, "", {}, lists)
        for name, values in arrays.items()
    ]


def _fitting(name: str, values: NDArray[Any], lists: dict[str, NDArray[Any]]) -> tuple[LabelledAxis, ...]:
    """Return the lists that have an axis' name as the axes of the one dimension that they fit."""
    axes = list(unnamed_axes(values.ndim))
    for key, item in lists.items():
        if not role_of(LabelledAxis(key)) and key_of(key) not in ("hv", "temperature", "delay"):
            continue
        fitting = [number for number, size in enumerate(values.shape) if size == item.size]
        if not fitting:
            sizes = " x ".join(map(str, values.shape))
            raise LoadError(f"axis {key!r} holds {item.size} numbers, but {name} is {sizes}; which does it belong to?")
        if len(fitting) == 1:
            axes[fitting[0]] = LabelledAxis(key, item)
    return tuple(axes)
