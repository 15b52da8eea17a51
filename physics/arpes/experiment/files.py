"""Spectra as files and as labelled arrays: HDF5 with every parameter and label, and xarray where it is installed.

Dimensions carry erlab's names: ``eV`` (E − E_F), ``alpha`` (angle along the slit) and ``beta`` (deflection), degrees.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from beamgym.physics.arpes.experiment.parts import Spectrum, Value
from beamgym.physics.files import replacing

if TYPE_CHECKING:
    import xarray

PARTS = ("counts", "arpes", "background")
AXIS_UNITS = {"eV": "eV", "alpha": "deg", "beta": "deg"}


def to_xarray(spectrum: Spectrum) -> xarray.Dataset:
    """Return a data set with the variables counts, arpes and background over eV, alpha and beta.

    Parameters and labels are its attributes; those of two and more dimensions, which netCDF takes as no attribute, are
    further variables.

    Raises
    ------
    ImportError : xarray is not installed
    """
    try:
        import xarray
    except ImportError:
        raise ImportError("to_xarray needs xarray: pip install xarray") from None
    dims = tuple(spectrum.axes)
    data = {name: (dims, getattr(spectrum, name)) for name in PARTS}
    tables = {name: value for name, value in spectrum.attributes.items() if np.ndim(value) > 1}
    data.update({name: (tuple(f"{name}.{i}" for i in range(np.ndim(t))), np.asarray(t)) for name, t in tables.items()})
    labels = {name: value for name, value in spectrum.attributes.items() if name not in tables}
    coords = {name: (name, axis, {"units": AXIS_UNITS[name]}) for name, axis in spectrum.axes.items()}
    return xarray.Dataset(data, coords=coords, attrs=labels)


def write_hdf5(spectrum: Spectrum, path: str | PathLike[str]) -> Path:
    """Write a spectrum as HDF5 (NeXus NXdata inside an NXentry), whole or not at all; returns the path."""
    import h5py

    with replacing(path) as draft, h5py.File(draft, "w") as store:
        entry = store.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": list(spectrum.axes)})
        for name in PARTS:
            data.create_dataset(name, data=getattr(spectrum, name), compression="gzip", shuffle=True)
        for name, axis in spectrum.axes.items():
            data.create_dataset(name, data=axis).attrs["units"] = AXIS_UNITS[name]
        labels = entry.create_group("parameters")
        for name, value in spectrum.attributes.items():
            if isinstance(value, np.ndarray):  # attributes hold 64 kB at most
                labels.create_dataset(name, data=value)
            else:
                labels.attrs[name] = value
    return Path(path)


def read_hdf5(path: str | PathLike[str]) -> Spectrum:
    """Read what ``write_hdf5`` wrote.

    Raises
    ------
    FileNotFoundError : no such file
    ValueError : a file that is truncated or something else
    """
    import h5py

    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"there is no spectrum at {file}")
    try:
        with h5py.File(file, "r") as store:
            data = store["entry/data"]
            named = [_text(name) for name in np.atleast_1d(data.attrs["axes"])]
            axes = {name: np.asarray(data[name], dtype=np.float64) for name in named}
            parts = {name: np.asarray(data[name], dtype=np.float32) for name in PARTS}
            labels = store["entry/parameters"]
            attributes = {name: _plain(value) for name, value in labels.attrs.items()}
            attributes.update({name: np.asarray(labels[name]) for name in labels})
    except (OSError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is truncated or no spectrum of this program ({error}); write it again") from None
    sizes = tuple(axis.size for axis in axes.values())
    if any(part.shape != sizes for part in parts.values()):
        told = ", ".join(f"{name} {axis.size}" for name, axis in axes.items())
        raise ValueError(f"{file} names the axes {told} for counts of shape {parts['counts'].shape}; write it again")
    return Spectrum(parts["counts"], axes, parts["arpes"], parts["background"], attributes)


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _plain(value: Any) -> Value:
    plain: Value = value.item() if isinstance(value, np.generic) else value
    return plain
