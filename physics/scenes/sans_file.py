"""Two-dimensional small-angle frames as text: one pixel a line, Qx, Qy, counts and more, as NIST's and ORNL's programs
write them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.files import write_text

_BEAM_STOP = 6  # column of NIST's "fSubS": 0 in the beam stop's shadow
_LEAST_PIXELS = 64


@dataclass(frozen=True, eq=False)
class SansFile:
    """A frame out of a file.

    Parameters
    ----------
    counts : (rows, columns) what the third column holds
    mask : (rows, columns) True in the beam stop's shadow, where the file says so
    q_inv_a : (rows, columns) length of the scattering vector, 1/Å
    path : the file
    header : its lines before the numbers
    table : (rows · columns, k) its numbers
    """

    counts: Float64Array
    mask: BoolArray
    q_inv_a: Float64Array
    path: Path
    header: tuple[str, ...]
    table: Float64Array

    def write(self, path: Path, counts: Float64Array) -> None:
        """Write the same lines with other numbers in the third column; NaN stays "nan"."""
        table = self.table.copy()
        table[:, 2] = counts.ravel()
        lines = ["\t".join(f"{value:.7g}" for value in row) for row in table]
        write_text(path, "\n".join([*self.header, *lines]) + "\n")


def is_sans_text(path: Path) -> bool:
    """Return whether a file's beginning says that it holds Qx, Qy and intensities."""
    try:
        with path.open("rb") as file:
            head = file.read(2000).decode("latin-1").lower()
    except OSError:
        return False
    return "qx" in head and "qy" in head


def read_sans(path: str | Path) -> SansFile:
    """Read a frame.

    Raises
    ------
    FileNotFoundError : no such file
    ValueError : a file without such a table, or one whose pixels fill no rectangle
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    lines = file.read_text(encoding="latin-1").splitlines()
    words = [i for i, line in enumerate(lines) if line.strip() and _numbers(line) is None]
    first = words[-1] + 1 if words else 0  # the header has lines of numbers too
    rows = [_numbers(line) for line in lines[first:] if line.strip()]
    if len(rows) < _LEAST_PIXELS or any(row is None or len(row) != len(rows[0] or ()) for row in rows):
        raise ValueError(f"{file.name} holds no table of Qx, Qy and counts, one pixel a line")
    table = np.array(rows, dtype=np.float64)
    # Qy jumps where a row ends: along a row only Qx runs from one end to the other
    ends = np.nonzero(np.diff(table[:, 0]) * np.sign(table[1, 0] - table[0, 0]) < 0.0)[0]
    width = int(ends[0]) + 1 if len(ends) else len(table)
    if len(table) % width or width < 2 or len(table) == width:
        raise ValueError(f"{file.name} has {len(table)} pixels in rows of {width}; they fill no rectangle")
    shape = (len(table) // width, width)
    shadow = table[:, _BEAM_STOP] == 0.0 if table.shape[1] > _BEAM_STOP else np.zeros(len(table), np.bool_)
    q = np.sqrt((table[:, :2] ** 2).sum(1) + (table[:, 3] ** 2 if table.shape[1] > 3 else 0.0))
    return SansFile(
        table[:, 2].reshape(shape), shadow.reshape(shape), q.reshape(shape), file, tuple(lines[:first]), table
    )


def _numbers(line: str) -> list[float] | None:
    parts = line.replace(",", " ").split()
    if len(parts) < 3:
        return None
    try:
        return [float(part) for part in parts]
    except ValueError:
        return None
