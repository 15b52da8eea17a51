"""Bands: anything that gives energies at momenta; and bands read from a file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array
from beamgym.physics.messages import one_line


@runtime_checkable
class Bands(Protocol):
    """Band energies as a function of in-plane momentum: TightBinding, DiracSurface, TabulatedBands or your own."""

    def energies(self, momentum: ArrayLike) -> Float64Array:
        """Return (..., b) eV relative to the Fermi level at momenta (..., 2) in 1/Å, in the sample's frame."""
        ...


@dataclass(frozen=True, eq=False)
class TabulatedBands:
    """Bands on a rectangular grid of momenta, interpolated by cubic splines.

    Parameters
    ----------
    kx, ky : (x,) and (y,) rising momenta, at least four each, 1/Å
    values_ev : (x, y, b) eV

    Raises
    ------
    ValueError : axes that do not rise, too few points, values that do not fit or are not finite
    """

    kx: Float64Array
    ky: Float64Array
    values_ev: Float64Array

    def __post_init__(self) -> None:
        values = np.asarray(self.values_ev, dtype=np.float64)
        for name in ("kx", "ky"):
            axis = np.asarray(getattr(self, name), dtype=np.float64)
            if axis.ndim != 1 or axis.size < 4 or not np.all(np.diff(axis) > 0):
                raise ValueError(f"{name} must hold at least 4 rising momenta; found {axis.size}")
            object.__setattr__(self, name, axis)
        if values.ndim != 3 or values.shape[:2] != (self.kx.size, self.ky.size) or values.shape[2] == 0:
            raise ValueError(f"band energies must have shape ({self.kx.size}, {self.ky.size}, b); found {values.shape}")
        if not np.all(np.isfinite(values)):
            raise ValueError("band energies must be finite: fill the gaps or leave that region out")
        object.__setattr__(self, "values_ev", values)

    def energies(self, momentum: ArrayLike) -> Float64Array:
        """Return (..., b) eV at momenta (..., 2) in 1/Å.

        Raises
        ------
        ValueError : momenta outside the table
        """
        from scipy.interpolate import RectBivariateSpline

        k = np.asarray(momentum, dtype=np.float64)
        for axis, name, part in ((self.kx, "kx", k[..., 0]), (self.ky, "ky", k[..., 1])):
            if np.min(part) < axis[0] - 1e-9 or np.max(part) > axis[-1] + 1e-9:
                raise ValueError(
                    f"the window needs {name} from {np.min(part):.3g} to {np.max(part):.3g} 1/Å but the table ends at "
                    f"{axis[0]:.3g} and {axis[-1]:.3g}; tabulate more or look at less"
                )
        bands = [RectBivariateSpline(self.kx, self.ky, self.values_ev[..., b]) for b in range(self.values_ev.shape[2])]
        return np.stack([band.ev(k[..., 0], k[..., 1]) for band in bands], axis=-1)

    @classmethod
    def read(cls, path: str | PathLike[str]) -> TabulatedBands:
        """Read a CSV with the columns kx, ky and one per band, or an HDF5 with data sets kx, ky and bands (x, y, b).

        Raises
        ------
        ValueError : another ending, a file that is not what its ending says, missing columns, cells that are no
            numbers, a grid with gaps
        FileNotFoundError : no such file
        """
        file = Path(path)
        if not file.is_file():
            raise FileNotFoundError(f"there is no file of bands at {file}")
        if file.suffix.lower() == ".csv":
            return cls._from_rows(_read_csv(file), file)
        if file.suffix.lower() in (".h5", ".hdf5", ".nxs"):
            return cls._from_hdf5(file)
        raise ValueError(f"bands are read from .csv or .h5 files, not from {file.name}")

    @classmethod
    def _from_rows(cls, rows: Float64Array, file: Path) -> TabulatedBands:
        kx, ky = np.unique(rows[:, 0].round(9)), np.unique(rows[:, 1].round(9))
        i, j = np.searchsorted(kx, rows[:, 0].round(9)), np.searchsorted(ky, rows[:, 1].round(9))
        seen = np.zeros((kx.size, ky.size), dtype=np.int64)
        np.add.at(seen, (i, j), 1)
        if np.any(seen != 1):
            raise ValueError(
                f"{file.name} holds {rows.shape[0]} momenta, but its {kx.size} kx and {ky.size} ky make a grid of "
                f"{seen.size}: {int(np.sum(seen == 0))} are missing and {int(np.sum(seen > 1))} come twice"
            )
        values = np.empty((kx.size, ky.size, rows.shape[1] - 2))
        values[i, j] = rows[:, 2:]
        return cls(kx, ky, values)

    @classmethod
    def _from_hdf5(cls, file: Path) -> TabulatedBands:
        import h5py

        try:
            with h5py.File(file, "r") as store:
                found = {
                    name: store[name][()] for name in ("kx", "ky", "bands") if isinstance(store.get(name), h5py.Dataset)
                }
        except (OSError, RuntimeError, KeyError) as error:
            raise ValueError(
                f"{file.name} is no HDF5 file or a damaged one ({one_line(error)}); write it again"
            ) from None
        missing = [name for name in ("kx", "ky", "bands") if name not in found]
        if missing:
            raise ValueError(f"{file.name} lacks the data set {missing[0]!r}; it needs kx, ky and bands (x, y, b)")
        return cls(found["kx"], found["ky"], found["bands"])


def _read_csv(file: Path) -> Float64Array:
    try:
        with file.open(newline="", encoding="utf-8-sig") as handle:  # Excel begins a file with a byte-order mark
            lines = [line for line in csv.reader(handle) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{file.name} is no CSV of plain text ({error}); save it as CSV UTF-8") from None
    if not lines or [cell.strip() for cell in lines[0][:2]] != ["kx", "ky"] or len(lines[0]) < 3:
        raise ValueError(f"{file.name} must begin with a line of names: kx, ky and one for every band")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            rows.append([float(cell) for cell in line])
        except ValueError:
            raise ValueError(f"{file.name}, line {number}: {line!r} is not a row of numbers") from None
        if len(line) != len(lines[0]) or not np.all(np.isfinite(rows[-1])):
            raise ValueError(f"{file.name}, line {number}: {len(lines[0])} finite numbers are wanted; found {line!r}")
    if not rows:
        raise ValueError(f"{file.name} has a heading but no rows")
    return np.array(rows)
