"""Reflection tables on disk, found by the content they were made from."""

import contextlib
import hashlib
import os
import zipfile
import zlib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from beamgym.physics.crystal.atoms import Atoms
from beamgym.physics.crystal.reflections import (
    ABSENT,
    ENERGY_STEP_KEV,
    ReflectionTable,
    check_max_energy,
    reflection_table,
)
from beamgym.physics.files import replacing

_FORMAT = "1"
_MOST_REMEMBERED = 8  # tables, of a few MB each
_REMEMBERED: dict[str, ReflectionTable] = {}  # the one used last is last
_ARRAYS = ("hkl", "q_inv_a", "first", "order", "f0", "partial", "energy_kev", "f_prime", "f_second")
_DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


def cache_folder() -> Path:
    """Folder of the cache: the environment variable BEAMGYM_CACHE, else the user's cache folder."""
    chosen = os.environ.get("BEAMGYM_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("beamgym", appauthor=False))


def cached_reflection_table(
    b_matrix: NDArray[np.float64], atoms: Atoms, max_energy_kev: float, radiation: str
) -> ReflectionTable:
    """``reflection_table``, kept on disk.

    Parameters
    ----------
    b_matrix, atoms, max_energy_kev, radiation : as for ``reflection_table``

    Returns
    -------
    the table; a file that is damaged is made anew, a folder that cannot be written is done without

    Raises
    ------
    ValueError : as ``reflection_table`` does
    """
    energy = check_max_energy(max_energy_kev)
    path = cache_folder() / "reflections" / f"{content_key(b_matrix, atoms, energy, radiation)}.npz"
    with contextlib.suppress(*_DAMAGED):
        return load_table(path)
    table = reflection_table(b_matrix, atoms, energy, radiation)
    with contextlib.suppress(OSError):
        save_table(path, table)
    return table


def remembered_reflection_table(
    b_matrix: NDArray[np.float64], atoms: Atoms, max_energy_kev: float, radiation: str
) -> ReflectionTable:
    """``reflection_table``, with the last few kept in memory and nothing on disk; arguments as there."""
    energy = check_max_energy(max_energy_kev)
    key = content_key(b_matrix, atoms, energy, radiation)
    table = _REMEMBERED.pop(key, None) or reflection_table(b_matrix, atoms, energy, radiation)
    _REMEMBERED[key] = table
    while len(_REMEMBERED) > _MOST_REMEMBERED:
        _REMEMBERED.pop(next(iter(_REMEMBERED)))
    return table


def content_key(b_matrix: NDArray[np.float64], atoms: Atoms, max_energy_kev: float, radiation: str) -> str:
    """SHA-256 (hexadecimal) of everything a table depends on, the versions of the scattering tables included."""
    made_with = (
        _FORMAT,
        radiation,
        max_energy_kev,
        ABSENT,
        ENERGY_STEP_KEV,
        version("xraydb"),
        version("periodictable"),
    )
    digest = hashlib.sha256(repr((made_with, atoms.label)).encode())
    for array in (b_matrix, atoms.fractional, atoms.occupancy, atoms.b_iso):
        digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()


def save_table(path: Path, table: ReflectionTable) -> None:
    """Write a table as .npz, under another name first: a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: getattr(table, name) for name in _ARRAYS}
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez(file, elements=np.array(table.elements), radiation=np.array(table.radiation), **arrays)


def load_table(path: Path) -> ReflectionTable:
    """Read a table written by ``save_table``; raises OSError, ValueError, KeyError or BadZipFile where it cannot."""
    # opened here: numpy leaves a damaged archive's file open
    with open(path, "rb") as handle, np.load(handle, allow_pickle=False) as file:
        arrays = {name: file[name] for name in _ARRAYS}
        elements = tuple(str(element) for element in file["elements"])
        table = ReflectionTable(elements=elements, radiation=str(file["radiation"]), **arrays)
    if table.partial.shape != (table.order.size, len(elements)) or table.first.size != table.hkl.shape[0] + 1:
        raise ValueError(f"{path} holds arrays that do not belong together; delete it")
    return table
