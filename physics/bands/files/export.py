"""Reconstructed bands as files: HDF5 with the names of NeXus' NXmpes, read again by the same names."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.bands.structure import BandStructure
from beamgym.physics.files import replacing
from beamgym.physics.messages import one_line


def write_bands(path: str | PathLike[str], bands: BandStructure, amplitude: Float64Array | None = None) -> Path:
    """Write a band structure as HDF5, whole or not at all.

    An NXentry of definition NXmpes holds an NXdata of the bands (b, kx, ky), eV, with errors and mask beside them, and
    an NXprocess with the notes. What NXmpes wants of the instrument is not there: it is not known here.

    Parameters
    ----------
    path : of the file
    bands : with errors, NaN where unknown
    amplitude : (b, x, y) of the lines, where the joint model was used
    """
    import h5py

    with replacing(path) as draft, h5py.File(draft, "w") as store:
        store.attrs.update({"NX_class": "NXroot", "default": "entry"})
        entry = store.create_group("entry")
        entry.attrs.update({"NX_class": "NXentry", "default": "data"})
        entry["definition"], entry["title"] = "NXmpes", bands.name
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "bands", "axes": ["band", "kx", "ky"]})
        data["band"] = np.arange(1, len(bands) + 1)
        for name, values, unit in (
            ("kx", bands.kx, "1/angstrom"),
            ("ky", bands.ky, "1/angstrom"),
            ("bands", bands.energy_ev, "eV"),
            ("bands_errors", bands.error_ev, "eV"),
        ):
            data.create_dataset(name, data=values).attrs["units"] = unit
        data["mask"] = bands.mask.astype(np.uint8)
        if amplitude is not None:
            data["amplitude"] = amplitude
        process = entry.create_group("process")
        process.attrs["NX_class"] = "NXprocess"
        process["program"] = "beamgym"
        process["notes"] = "\n".join(bands.notes)
    return Path(path)


def read_bands(path: str | PathLike[str]) -> BandStructure:
    """Read what ``write_bands`` wrote.

    Raises
    ------
    FileNotFoundError : no such file
    ValueError : another file
    """
    import h5py

    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"there are no bands at {file}")
    try:
        with h5py.File(file, "r") as store:
            data = store["entry/data"]
            arrays = [np.asarray(data[name][()]) for name in ("kx", "ky", "bands", "bands_errors", "mask")]
            title, notes = (store[name][()].decode() for name in ("entry/title", "entry/process/notes"))
    except (OSError, KeyError, AttributeError) as error:
        raise ValueError(f"{file.name} holds no bands as this program writes them ({one_line(error)})") from None
    kx, ky, energy, error_ev, mask = arrays
    return BandStructure(kx, ky, energy, error_ev, mask.astype(bool), title, tuple(filter(None, notes.split("\n"))))
