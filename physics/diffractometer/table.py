"""Reads a table of observed reflections: angles of a diffractometer's axes, or scattering vectors, and more."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array, Int64Array
from beamgym.physics.diffractometer.observations import SAME_DEG, Observed, observed_angles, observed_vectors, repeated
from beamgym.physics.diffractometer.presets import Diffractometer, diffractometer, diffractometer_names

_ALIASES = {
    "tth": ("tth", "2theta", "two_theta", "twotheta", "ttheta", "2th", "2-theta"),
    "omega": ("omega", "om", "theta", "th"),
    "chi": ("chi",),
    "phi": ("phi",),
    "nu": ("nu", "gamma", "gam"),
    "a3": ("a3", "rotation", "sth"),
    "a4": ("a4", "stt"),
}
_ZERO_IF_MISSING = ("mu", "nu", "lower_arc", "upper_arc")
_VECTOR = ("qx", "qy", "qz")
_INDICES = ("h", "k", "l")
_INTENSITY = ("intensity", "counts", "int")


@dataclass(frozen=True, eq=False)
class ReflectionTable:
    """What a table holds.

    Parameters
    ----------
    observed : the reflections
    hkl : (n, 3) indices, where the table has them
    empty : (m, 3) scattering vectors where one has looked and seen nothing: rows of intensity 0
    lines : (n,) number of each reflection's line in the file, from 1
    notes : what was taken for granted, a line each
    """

    observed: Observed
    hkl: Int64Array | None
    empty: Float64Array
    lines: tuple[int, ...]
    notes: tuple[str, ...] = ()


def read_reflections(
    path: Path, instrument: Diffractometer, wavelength_a: float, error_deg: float = 0.1, omega_relative: bool = False
) -> ReflectionTable:
    """Read a table of observed reflections.

    Parameters
    ----------
    path : CSV, also with semicolons, tabs or blanks between the columns; the first line names them: the axes of the
        instrument in degrees, or qx, qy, qz in 1/Å without 2π; and, if known, intensity (0: looked there, and saw
        nothing), monitor, h, k, l. Lines that begin with # are left out
    instrument : whose axes
    wavelength_a : Å
    error_deg : one standard deviation of the angles
    omega_relative : omega is counted from the bisecting position, as Busing & Levy (1967) do

    Raises
    ------
    ValueError : in one line, for whatever cannot be read
    """
    names, rows, lines = _cells(path)
    columns = {name: index for index, name in enumerate(names)}
    notes: list[str] = []
    if set(_VECTOR) <= set(columns):
        positions, q = None, _numbers(path, rows, lines, [columns[name] for name in _VECTOR], _VECTOR)
    else:
        positions = _positions(path, columns, rows, lines, instrument, notes)
        q = None
        if omega_relative:
            positions[:, instrument.names.index(_halved(instrument))] += 0.5 * positions[:, -1]
    intensity = _intensity(path, columns, rows, lines)
    seen = np.ones(len(rows), dtype=bool) if intensity is None else intensity > 0.0
    if not seen.any():
        raise ValueError(
            f"{path}: every reflection has intensity 0, which means that nothing was seen there; give those that were"
        )
    strengths = None if intensity is None else intensity[seen]

    def made(chosen: BoolArray, counts: Float64Array | None) -> Observed:
        if q is not None:
            return observed_vectors(q[chosen], wavelength_a, error_deg, counts)
        assert positions is not None
        return observed_angles(instrument, positions[chosen], wavelength_a, error_deg, counts)

    observed = made(seen, strengths)
    places = tuple(line for line, one in zip(lines, seen, strict=True) if one)
    _check_repeated(path, observed, places, notes)
    empty = made(~seen, None).q if (~seen).any() else np.empty((0, 3))
    hkl = None
    if set(_INDICES) <= set(columns):
        hkl = np.rint(_numbers(path, rows, lines, [columns[name] for name in _INDICES], _INDICES)[seen]).astype(
            np.int64
        )
    return ReflectionTable(observed, hkl, empty, places, tuple(notes))


def _cells(path: Path) -> tuple[list[str], list[list[str]], list[int]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}; give a table of reflections") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text; save the table as CSV") from error
    kept = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if len(kept) < 2:
        raise ValueError(f"{path} holds no reflection; give a line of column names and one line for each")
    mark = next((mark for mark in (",", ";", "\t") if mark in kept[0][1]), None)
    split = [next(csv.reader([line], delimiter=mark)) if mark else line.split() for _, line in kept]
    names = [re.sub(r"\s*[\[(].*[\])]\s*$", "", name).strip().lower() for name in split[0]]
    if _all_numbers(split[0]):
        raise ValueError(
            f"{path}: the first line holds numbers; name the columns in it, such as tth,omega,chi,phi,intensity"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: column {twice[0]!r} stands twice; rename one")
    for (number, _), row in zip(kept[1:], split[1:], strict=True):
        if len(row) != len(names):
            raise ValueError(
                f"{path}, line {number}: {len(row)} values under {len(names)} column names; mend that line"
            )
    return names, split[1:], [number for number, _ in kept[1:]]


def _all_numbers(words: list[str]) -> bool:
    try:
        [float(word) for word in words]
    except ValueError:
        return False
    return True


def _numbers(
    path: Path, rows: list[list[str]], lines: list[int], columns: list[int], names: tuple[str, ...]
) -> Float64Array:
    out = np.empty((len(rows), len(columns)))
    for i, (row, line) in enumerate(zip(rows, lines, strict=True)):
        for j, (column, name) in enumerate(zip(columns, names, strict=True)):
            try:
                out[i, j] = float(row[column])
            except ValueError:
                shown = row[column].strip() or "nothing"
                raise ValueError(
                    f"{path}, line {line}: {name} is {shown}; give a number, or leave the line out"
                ) from None
            if not np.isfinite(out[i, j]):
                raise ValueError(
                    f"{path}, line {line}: {name} is {row[column].strip()}; give a finite number, or leave the line out"
                )
    return out


def _column_of(axis: str, columns: dict[str, int]) -> int | None:
    return next((columns[name] for name in _ALIASES.get(axis, (axis,)) if name in columns), None)


def _positions(
    path: Path,
    columns: dict[str, int],
    rows: list[list[str]],
    lines: list[int],
    instrument: Diffractometer,
    notes: list[str],
) -> Float64Array:
    found = {axis: _column_of(axis, columns) for axis in instrument.names}
    missing = [axis for axis, column in found.items() if column is None and axis not in _ZERO_IF_MISSING]
    if missing:
        raise ValueError(f"{path}: {_other_preset(columns, instrument, missing)}")
    left_out = [axis for axis, column in found.items() if column is None]
    if left_out:
        notes.append(f"{', '.join(left_out)} not in the table: taken to be 0")
    out = np.zeros((len(rows), len(found)))
    present = [(i, axis, column) for i, (axis, column) in enumerate(found.items()) if column is not None]
    numbers = _numbers(path, rows, lines, [column for _, _, column in present], tuple(axis for _, axis, _ in present))
    out[:, [i for i, _, _ in present]] = numbers
    return out


def _other_preset(columns: dict[str, int], instrument: Diffractometer, missing: list[str]) -> str:
    """Return what is wrong where columns are missing: those of another preset, if they are."""
    others = []
    for name in diffractometer_names():
        other = diffractometer(name)
        needed = [axis for axis in other.names if axis not in _ZERO_IF_MISSING]
        if name != instrument.name and all(_column_of(axis, columns) is not None for axis in needed):
            others.append(name)
    wants = ", ".join(axis for axis in instrument.names if axis not in _ZERO_IF_MISSING)
    if others:
        return (
            f"no column {missing[0]}: these are the axes of another preset; "
            f"use --preset {' or '.join(others)}, or name the columns {wants}"
        )
    return f"no column {', '.join(missing)}; {instrument.name} wants {wants} in degrees, or give qx, qy, qz"


def _halved(instrument: Diffractometer) -> str:
    if not instrument.halved:
        raise ValueError(f"{instrument.name} has no axis that halves the scattering angle; leave --omega-relative out")
    return instrument.halved


def _intensity(path: Path, columns: dict[str, int], rows: list[list[str]], lines: list[int]) -> Float64Array | None:
    name = next((name for name in _INTENSITY if name in columns), None)
    if name is None:
        return None
    counts = _numbers(path, rows, lines, [columns[name]], (name,))[:, 0]
    if (counts < 0.0).any():
        line = lines[int(np.argmax(counts < 0.0))]
        raise ValueError(
            f"{path}, line {line}: {name} is negative; give counts above the background, 0 where nothing was seen"
        )
    if "monitor" not in columns:
        return counts
    monitor = np.array([_monitor(path, row[columns["monitor"]], line) for row, line in zip(rows, lines, strict=True)])
    return np.asarray(counts / monitor)


def _monitor(path: Path, text: str, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (np.isfinite(value) and value > 0.0):
        shown = text.strip() or "nothing"
        raise ValueError(
            f"{path}, line {line}: monitor is {shown}; give its counts in every line, or leave the column out"
        ) from None
    return value


def _check_repeated(path: Path, observed: Observed, lines: tuple[int, ...], notes: list[str]) -> None:
    for i, j in repeated(observed):
        apart = (
            0.0 if observed.positions is None else float(np.abs(observed.positions[i] - observed.positions[j]).max())
        )
        if apart <= 3.0 * SAME_DEG:
            raise ValueError(
                f"{path}: lines {lines[i]} and {lines[j]} are the same reflection; keep one of them, or their mean"
            )
        notes.append(f"lines {lines[i]} and {lines[j]} are one reflection at two settings of the axes")
