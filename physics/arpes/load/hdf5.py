"""HDF5 files: NeXus (NXdata, so NXmpes and NXarpes), netCDF-4 as xarray writes it, and plain HDF5.

A netCDF-4 file is an HDF5 file whose axes are dimension scales, so that neither xarray nor netCDF4 is needed. Classic
netCDF is read by SciPy.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.load.labelled import (
    ANGLES,
    ENERGIES,
    MOMENTA,
    POSITIONS,
    LabelledArray,
    LabelledAxis,
    LoadError,
    key_of,
)

_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable"
_UNNAMED = "__xarray_dataarray_variable__"  # what xarray calls an array without a name
_BESIDE = {"photonenergy", "hv", "incidentenergy", "excitationenergy", "workfunction", "temperature", "energyscale"}
_LARGEST = 4 << 30


def read_hdf5(path: Path) -> list[LabelledArray]:
    """Return the spectra of an HDF5 file: what its NXdata groups name, else every array of two dimensions or more.

    Raises
    ------
    LoadError : a file that is damaged or still being written, an array that is too large
    """
    import h5py

    try:
        with h5py.File(path, "r") as store:
            groups = [store, *(item for item in _walk(store) if isinstance(item, h5py.Group))]
            about = _scalars(groups)
            chosen = _default(store)
            named = [item for group in groups if (item := _nxdata(group)) is not None]
            named = [item for item in named if chosen is None or item[0].parent.name == chosen] or named
            unique = {(data.file.filename, data.name): (data, axes) for data, axes in named or _plain_arrays(groups)}
            return [_labelled(data, axes, about) for data, axes in unique.values()]
    except (OSError, KeyError, RuntimeError) as error:
        raise LoadError(f"{path} does not open as HDF5 ({error}); it is damaged or still being written") from None


def read_netcdf3(path: Path) -> list[LabelledArray]:
    """Return the variables of a classic netCDF file that have two dimensions or more, with their coordinates."""
    from scipy.io import netcdf_file

    with netcdf_file(path, "r", mmap=False) as store:
        about = {name: _word(value) for name, value in store._attributes.items()}
        about |= {name: var[()].item() for name, var in store.variables.items() if not var.shape}
        found = []
        for name, var in store.variables.items():
            if len(var.dimensions) < 1 or name in store.dimensions or len(var.dimensions) < 2:
                continue
            axes = tuple(_netcdf3_axis(store, dim) for dim in var.dimensions)
            own = {key: _word(value) for key, value in var._attributes.items()}
            values = _decoded(
                np.array(var[:], dtype=var[:].dtype.newbyteorder("=")), {k.lower(): v for k, v in own.items()}
            )
            found.append(LabelledArray(name, values, axes, about | own, str(own.get("units", ""))))
    return found


def _netcdf3_axis(store: Any, dim: str) -> LabelledAxis:
    if dim not in store.variables:
        return LabelledAxis(dim)
    var = store.variables[dim]
    values = np.array(var[:], dtype=var[:].dtype.newbyteorder("="))
    return LabelledAxis(dim, values, _word(var._attributes.get("units", "")))


def _walk(group: Any) -> Iterator[Any]:
    """Go through everything under a group; what a link points to outside the file and is not there is left out."""
    for name in group:
        item = group.get(name)
        if hasattr(item, "keys"):
            if group.get(name, getlink=True).__class__.__name__ == "HardLink":  # others may lead back
                yield item
                yield from _walk(item)
        elif item is not None:
            yield item


def _default(store: Any) -> str | None:
    """Return the path of the data group that NeXus' ``default`` attributes lead to; None where they lead to none."""
    group = store
    while (name := _word(group.attrs.get("default", ""))) and hasattr(group.get(str(name)), "keys"):
        group = group[str(name)]
    return None if group is store else str(group.name)


def _scalars(groups: list[Any]) -> dict[str, Any]:
    """Return numbers and words: every attribute of the file's groups, and single numbers with telling names."""
    found: dict[str, Any] = {}
    for group in groups:
        found |= {str(key).lower(): _word(value) for key, value in group.attrs.items() if np.size(value) == 1}
        for name in group:
            item = group.get(name)
            if getattr(item, "shape", None) in ((), (1,)) and (key_of(name) in _BESIDE or group.name == "/"):
                found[name.lower()] = _word(item[()])
    return found


def _nxdata(group: Any) -> tuple[Any, list[Any]] | None:
    """Return the signal of a NeXus data group and its axes, an array, a name or None each; None for other groups."""
    signal = _word(group.attrs.get("signal", "")) or next(
        (name for name in group if _word(getattr(group.get(name), "attrs", {}).get("signal", "")) in ("1", 1)), ""
    )
    data = group.get(str(signal)) if signal else None
    if data is None or not getattr(data, "shape", ()):
        return None
    names = _names(group.attrs.get("axes", data.attrs.get("axes", ())))
    axes: list[Any] = [group.get(name) if name in group else name for name in names]
    for name in group:  # the elder way: every axis says of itself which dimension it is
        place = getattr(group.get(name), "attrs", {}).get("axis")
        if not names and place is not None and name != signal:
            axes += [None] * (int(place) - len(axes))
            axes[int(place) - 1] = group.get(name)
    return data, [*axes, *[None] * (data.ndim - len(axes))][: data.ndim]


def _names(value: Any) -> list[str]:
    """Return names of axes: one text, a text with colons or commas, or an array of texts."""
    texts = [_word(item) for item in np.atleast_1d(np.asarray(value, dtype=object)).ravel()]
    if len(texts) == 1:
        texts = str(texts[0]).strip("[]").replace(":", ",").split(",")
    return [str(text).strip() for text in texts if str(text).strip()]


def _plain_arrays(groups: list[Any]) -> list[tuple[Any, list[Any]]]:
    """Return every array of two dimensions or more with its dimension scales, or its group's axes of that size."""
    found = []
    for group in groups:
        for name in group:
            item = group.get(name)
            if getattr(item, "ndim", 0) < 2 or getattr(item.dtype, "kind", "") not in "iuf":
                continue
            scales = [dim[0] if len(dim) else None for dim in item.dims]
            found.append((item, scales if any(scale is not None for scale in scales) else _by_size(group, item)))
    return found


def _by_size(group: Any, data: Any) -> list[Any]:
    """Return, for each dimension, the one list of numbers that has an axis' name and that length, or None."""
    lists = [group.get(name) for name in group if getattr(group.get(name), "ndim", 0) == 1]
    lists = [item for item in lists if key_of(_last(item)) in {*ENERGIES, *ANGLES, *MOMENTA, *POSITIONS}]
    axes: list[Any] = []
    for size in data.shape:
        fitting = [item for item in lists if item.shape == (size,)]
        axes.append(fitting[0] if len(fitting) == 1 and data.shape.count(size) == 1 else None)
    return axes


def _labelled(data: Any, axes: list[Any], about: dict[str, Any]) -> LabelledArray:
    if data.size * data.dtype.itemsize > _LARGEST:
        raise LoadError(f"{data.name} holds {data.size * data.dtype.itemsize / 1e9:.0f} GB; save a part of it")
    own = {str(key).lower(): _word(value) for key, value in data.attrs.items() if np.size(value) == 1}
    unit = str(own.get("units", ""))
    beside = [item for item in data.parent.values() if getattr(item, "ndim", 0) == 1 and item.dtype.kind in "iuf"]
    lists = {_last(item): np.asarray(item[()]) for item in beside}
    named = tuple(map(_axis, axes, range(data.ndim)))
    name = data.name.lstrip("/")
    name = Path(data.file.filename).stem if name == _UNNAMED else name
    return LabelledArray(name, _decoded(data[()], own), named, {**about, **own}, unit, {}, lists)


def _decoded(values: NDArray[Any], own: dict[str, Any]) -> NDArray[Any]:
    """Return values as netCDF's conventions mean them: scaled, and NaN where they are the fill value."""
    fill = [own[key] for key in ("_fillvalue", "missing_value") if isinstance(own.get(key), int | float)]
    marked = [values == mark for mark in fill if np.isfinite(mark)]
    scale, offset = own.get("scale_factor", 1), own.get("add_offset", 0)
    if (scale, offset) != (1, 0):
        values = values * scale + offset
    for mask in marked:
        if mask.any():
            values = np.where(mask, np.nan, values)
    return values


def _axis(item: Any, number: int) -> LabelledAxis:
    if item is None or isinstance(item, str):
        return LabelledAxis(f"axis {number}" if item in (None, ".") else item)
    if _word(item.attrs.get("NAME", "")).startswith(_NO_VARIABLE):
        return LabelledAxis(_last(item))
    values: NDArray[Any] = np.asarray(item[()])
    kind = _word(item.attrs.get("type", "")).lower()
    unit = _word(item.attrs.get("units", "")) or _word(item.attrs.get("unit", ""))
    return LabelledAxis(_last(item), values, unit, kind if kind in ("kinetic", "binding") else "")


def _last(item: Any) -> str:
    return str(item.name).rpartition("/")[2]


def _word(value: Any) -> Any:
    """Return a single value as a plain number or text, whatever wrote it: bytes, arrays of one, numpy's own types."""
    single = np.asarray(value, dtype=object).ravel()
    first = single[0] if single.size else ""
    if isinstance(first, bytes):
        return first.decode("utf-8", "replace")
    return first.item() if isinstance(first, np.generic) else first
