"""Which reader a file needs: by its first bytes, else by its suffix; and which of several spectra is meant."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from beamgym.physics.arpes.load.fits import read_fits
from beamgym.physics.arpes.load.hdf5 import read_hdf5, read_netcdf3
from beamgym.physics.arpes.load.igor import read_binary_wave, read_packed, read_text_waves
from beamgym.physics.arpes.load.labelled import LabelledArray, LoadError, role_of
from beamgym.physics.arpes.load.text import read_numpy, read_specs, read_text

_READERS: Final[dict[str, Callable[[Path], list[LabelledArray]]]] = {
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
    ".nxs": read_hdf5,
    ".nx": read_hdf5,
    ".nc": read_hdf5,
    ".ibw": read_binary_wave,
    ".pxt": read_packed,
    ".pxp": read_packed,
    ".itx": read_text_waves,
    ".xy": read_specs,
    ".fits": read_fits,
    ".fit": read_fits,
    ".npz": read_numpy,
    ".npy": read_numpy,
    ".txt": read_text,
    ".csv": read_text,
    ".dat": read_text,
    ".tsv": read_text,
    ".asc": read_text,
}
SUFFIXES: Final = tuple(_READERS)
"""File names that are read."""

_MAGIC = ((b"\x89HDF", read_hdf5), (b"CDF", read_netcdf3), (b"SIMPLE", read_fits), (b"IGOR", read_text_waves))


def read_arrays(path: Path) -> list[LabelledArray]:
    """Return what a file holds, as it stands there.

    Raises
    ------
    FileNotFoundError : no such file
    LoadError : a kind of file that is not known, or one that is damaged
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb") as stream:
        start = stream.read(8)
    if not start:
        raise LoadError(f"{path} is empty; is it still being written?")
    reader = next((read for magic, read in _MAGIC if start.startswith(magic)), _READERS.get(path.suffix.lower()))
    if reader is None or (reader is read_hdf5 and not start.startswith(b"\x89HDF")):
        known = "it is damaged or still being written" if reader else f"known are {', '.join(SUFFIXES)}"
        raise LoadError(f"{path} is no file of a known kind; {known}")
    return reader(path)


def choose_array(arrays: list[LabelledArray], dataset: str | None, path: Path) -> LabelledArray:
    """Return the spectrum that is meant among those of a file.

    Parameters
    ----------
    arrays : of the file
    dataset : its name, or its number from 1; None where there is but one
    path : of the file, for the message

    Raises
    ------
    LoadError : none, several and no name, a name that is not there
    """
    found = [array for array in arrays if array.values.ndim > 1 or any(role_of(axis) for axis in array.axes)]
    if not found:
        raise LoadError(f"{path} holds no array of numbers with two axes or more; there is nothing to score")
    if dataset is None and len(found) == 1:
        return found[0]
    shown = [f"{number}: {array.name} ({array.shape_words})" for number, array in enumerate(found[:8], start=1)]
    listed = "; ".join([*shown, *(["…"] if len(found) > 8 else [])])
    if dataset is None:
        raise LoadError(f"{path} holds {len(found)} spectra; choose one by --dataset: {listed}")
    if dataset.isdigit() and 1 <= int(dataset) <= len(found):
        return found[int(dataset) - 1]
    chosen = [array for array in found if dataset in (array.name, array.name.rpartition("/")[2])]
    if len(chosen) != 1:
        raise LoadError(f"--dataset {dataset} is not in {path}, which holds {listed}")
    return chosen[0]
