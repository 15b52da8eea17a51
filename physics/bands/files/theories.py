"""Calculated bands: HDF5, CSV, pymatgen's band structures and tight binding, brought onto the momenta of the data."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from beamgym.physics.arpes.bands_models import Bands, TightBinding, coefficients
from beamgym.physics.arrays import Float64Array
from beamgym.physics.bands.cube import BandCube
from beamgym.physics.bands.structure import BandStructure
from beamgym.physics.messages import one_line

_TERMS = ("onsite", "nearest", "diagonal", "second")
_HDF5 = (".h5", ".hdf5", ".nxs", ".nx")


def read_theory(path: Path, cube: BandCube, k_scale: float = 1.0, dataset: str | None = None) -> BandStructure:
    """Read bands and bring them onto a cube's momenta.

    Parameters
    ----------
    path : ``.h5`` with bands (b, x, y), kx, ky, or a line (b, n); ``.csv`` with columns kx, ky, bands …, or k, bands …;
        ``.json`` of pymatgen's band structure along lines, or {"tight_binding": {"lattice", "a", "terms"}}
    cube : the data
    k_scale : the theory's momenta are multiplied by it: its cell may have another size
    dataset : of an HDF5 file, where it holds several

    Raises
    ------
    FileNotFoundError : no such file
    ValueError : another kind of file, nothing in it that are bands, momenta that do not cover the data's
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no theory at {path}")
    if not (np.isfinite(k_scale) and k_scale > 0.0):
        raise ValueError(f"--k-scale must be a number above 0, not {k_scale:g}")
    suffix = path.suffix.lower()
    if suffix in _HDF5:
        kx, ky, bands = _from_hdf5(path, dataset)
    elif suffix == ".csv":
        kx, ky, bands = _from_csv(path)
    elif suffix == ".json":
        content = _json(path)
        if "tight_binding" in content:
            return from_bands(_tight_binding(content["tight_binding"], path), cube, path.stem)
        return from_pymatgen(_pymatgen(content, path), cube, path.stem, k_scale)
    else:
        raise ValueError(f"{path.name}: bands are read from .h5, .csv and .json; save them as one of these")
    if kx is None:
        return _along(bands, cube, path.stem)
    found = BandStructure.of(kx * k_scale, ky * k_scale, bands, name=path.stem)
    return found.on(cube.kx, cube.ky)


def from_bands(bands: Bands, cube: BandCube, name: str = "tight binding") -> BandStructure:
    """Return anything with ``energies(momentum)`` on a cube's momenta."""
    k = np.stack(np.meshgrid(cube.kx, cube.ky, indexing="ij"), axis=-1)
    energy = np.moveaxis(np.asarray(bands.energies(k), dtype=np.float64), -1, 0)
    return BandStructure.of(cube.kx, cube.ky, energy, name=name)


def from_pymatgen(found: Any, cube: BandCube, name: str = "pymatgen", k_scale: float = 1.0) -> BandStructure:
    """Return pymatgen's ``BandStructureSymmLine`` along a line of data: the bands that reach below the Fermi level.

    Parameters
    ----------
    found : with ``bands`` {spin: (b, n)}, ``efermi`` and ``distance``
    cube : a line whose path is the same
    k_scale : as for ``read_theory``

    Raises
    ------
    ValueError : a cube that is no line, no band below the Fermi level
    """
    if not cube.is_line:
        raise ValueError(
            f"{name} is calculated along lines, the data lie on a plane; cut the cube along its path first"
        )
    energy = np.concatenate([np.asarray(one, dtype=np.float64) for one in found.bands.values()]) - float(found.efermi)
    below = energy.min(axis=1) < 0.0
    if not below.any():
        raise ValueError(f"{name}: no band reaches below its Fermi level, {float(found.efermi):g} eV")
    way = np.asarray(found.distance, dtype=np.float64) * k_scale
    way, first = np.unique(way, return_index=True)
    ratio = (way[-1] - way[0]) / (cube.kx[-1] - cube.kx[0])
    if not 0.9 < ratio < 1.1:
        raise ValueError(
            f"{name} is {way[-1] - way[0]:.3g} 1/Å long, the data {cube.kx[-1] - cube.kx[0]:.3g}: another path or "
            "another cell; say --length, or scale it by --k-scale"
        )
    stretched = (way - way[0]) / ratio + cube.kx[0]
    lines = np.stack([np.interp(cube.kx, stretched, band[first]) for band in energy[below]])
    return BandStructure.of(cube.kx, cube.ky, lines[:, :, None], name=name)


def _along(bands: Float64Array, cube: BandCube, name: str) -> BandStructure:
    """Return bands (b, n) of a line whose momenta have no values: spread over the way of the data."""
    if not cube.is_line:
        raise ValueError(f"{name} is a line of {bands.shape[1]} momenta, the data a plane; give bands over kx and ky")
    own = np.linspace(cube.kx[0], cube.kx[-1], bands.shape[1])
    lines = np.stack([np.interp(cube.kx, own, band) for band in bands])
    note = "its momenta have no values: they were spread evenly over those of the data"
    return BandStructure.of(cube.kx, cube.ky, lines[:, :, None], name=name, notes=(note,))


def _from_hdf5(path: Path, dataset: str | None) -> tuple[Float64Array | None, Float64Array, Float64Array]:
    import h5py

    try:
        with h5py.File(path, "r") as store:
            arrays: dict[str, Float64Array] = {}

            def keep(name: str, item: Any) -> None:
                if isinstance(item, h5py.Dataset) and item.dtype.kind in "fi" and item.size:
                    arrays[name] = np.asarray(item[()], dtype=np.float64)

            store.visititems(keep)
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"{path.name} is no HDF5 file or a damaged one ({one_line(error)}); write it again") from None
    last = {name.rpartition("/")[2]: one for name, one in arrays.items()}
    if dataset is not None and dataset not in last | arrays:
        raise ValueError(f"{path.name} has no data set {dataset!r}; it holds {', '.join(arrays)}")
    chosen = None if dataset is None else (last | arrays)[dataset]
    bands = chosen if chosen is not None else last.get("bands")
    if bands is not None and bands.ndim == 3 and "kx" in last and "ky" in last:
        return last["kx"], last["ky"], bands
    lines = [one for name, one in arrays.items() if one.ndim == 2 and name.startswith(("data/", "bands"))]
    line = chosen if chosen is not None else (lines[0] if len(lines) == 1 else None)
    if line is not None and line.ndim == 2:
        return None, np.zeros(1), line
    raise ValueError(
        f"{path.name} holds no bands that can be told: write data sets bands (b, x, y), kx and ky, or one (b, n) for a "
        f"line; it holds {', '.join(arrays) or 'nothing'}"
    )


def _from_csv(path: Path) -> tuple[Float64Array, Float64Array, Float64Array]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            head, *lines = [line for line in csv.reader(handle) if line]
        rows = np.array([[float(cell) for cell in line] for line in lines])
    except (ValueError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path.name}: not a table of numbers under one line of names ({one_line(error)})") from None
    names = [cell.strip().lower() for cell in head]
    if rows.ndim != 2 or rows.shape[1] != len(names):
        raise ValueError(f"{path.name}: every line needs {len(names)} numbers, as the first line has names")
    if names[:2] == ["kx", "ky"] and len(names) > 2:
        return _gridded(rows, path)
    if names[0] == "k" and len(names) > 1:
        order = np.argsort(rows[:, 0])
        return rows[order, 0], np.zeros(1), rows[order, 1:].T[:, :, None]
    raise ValueError(f"{path.name} must begin with kx,ky or with k, and a name for every band; found {','.join(head)}")


def _gridded(rows: Float64Array, path: Path) -> tuple[Float64Array, Float64Array, Float64Array]:
    kx, ky = np.unique(rows[:, 0].round(9)), np.unique(rows[:, 1].round(9))
    if len(rows) != kx.size * ky.size:
        raise ValueError(
            f"{path.name} holds {len(rows)} momenta for a grid of {kx.size} kx and {ky.size} ky; fill its gaps"
        )
    bands = np.full((rows.shape[1] - 2, kx.size, ky.size), np.nan)
    bands[:, np.searchsorted(kx, rows[:, 0].round(9)), np.searchsorted(ky, rows[:, 1].round(9))] = rows[:, 2:].T
    return kx, ky, bands


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is no JSON ({one_line(error)}); write it again") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} holds no JSON object; give pymatgen's dictionary, or a tight_binding")
    return content


def _pymatgen(content: dict[str, Any], path: Path) -> Any:
    from pymatgen.electronic_structure.bandstructure import BandStructureSymmLine

    try:
        return BandStructureSymmLine.from_dict(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{path.name} is no band structure along lines as pymatgen writes it ({one_line(error)}); save "
            "BandStructureSymmLine.as_dict(), or a tight_binding"
        ) from None


def _tight_binding(words: Any, path: Path) -> TightBinding:
    try:
        energies = (np.array(words["terms"][name], dtype=float) for name in _TERMS)
        return TightBinding(words["lattice"], coefficients(words["lattice"], *energies), float(words["a"]))
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path.name}: tight_binding needs lattice, a (Å) and terms with lists onsite, nearest, diagonal, second "
            f"(eV), one number a band; {one_line(error)} is wrong or missing"
        ) from None
