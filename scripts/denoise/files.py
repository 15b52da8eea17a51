"""Frames out of files of every kind that is read, and where and how what was made of them is written."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.load import SUFFIXES, choose_array, read_arrays
from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.files import replacing
from beamgym.physics.laue.files.images import ImageFileError, read_image, read_mask
from beamgym.physics.scenes import is_sans_text, read_sans

IMAGES: Final = (".tif", ".tiff", ".cbf", ".edf", ".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".cxi", ".npy", ".mccd")
"""Endings that the readers of images take; those of spectra take the others."""

CBF_SCALE = 1000.0
"""A CBF file holds whole numbers: rates are written in thousandths of a count."""

Write = Callable[[Path, Float64Array], None]

MOST_MARKED = 0.25
"""Share of pixels below 0 above which they are no marks of gaps, which a detector has few of, but differences."""


@dataclass(frozen=True, eq=False)
class Stack:
    """The frames of one file.

    Parameters
    ----------
    path : the file
    frames : (n, slow, fast) as it holds them
    mask : (slow, fast) True where the file or its user says that a pixel is none
    ending : of the files that are written
    write : how (n, slow, fast) numbers are written to a path of that ending
    scale : numbers written for one count
    notes : what was assumed, one line each
    """

    path: Path
    frames: Float64Array
    mask: BoolArray
    ending: str
    write: Write
    scale: float = 1.0
    notes: tuple[str, ...] = ()


def read_stack(path: Path, dataset: str | None = None, masks: tuple[str, ...] = ()) -> Stack:
    """Read all frames of a file.

    Parameters
    ----------
    path : the file
    dataset : which data set of an HDF5 file, or which of several spectra
    masks : rectangles and mask files, as `beamgym index --mask` takes them

    Raises
    ------
    FileNotFoundError, ValueError : what cannot be read, with one line
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; check the path")
    if is_sans_text(path):
        found = _sans(path)
    elif path.suffix.lower() in IMAGES or path.suffix.lower() not in SUFFIXES:
        found = _images(path, dataset)
    else:
        found = _spectra(path, dataset)
    if not masks:
        return found
    extra, notes = read_mask(masks, (found.mask.shape[0], found.mask.shape[1]))
    return Stack(
        found.path,
        found.frames,
        found.mask | extra,
        found.ending,
        found.write,
        found.scale,
        (*found.notes, *notes),
    )


def beside(path: Path, what: str, ending: str, folder: Path | None) -> Path:
    """Return where something is written: beside the original or in a folder, never its own name."""
    return (folder or path.parent) / f"{path.stem}.{what}{ending}"


def _sans(path: Path) -> Stack:
    file = read_sans(path)

    def write(out: Path, frames: Float64Array) -> None:
        file.write(out, frames[0])

    return Stack(path, file.counts[None], file.mask, path.suffix, write)


def _images(path: Path, dataset: str | None) -> Stack:
    first = read_image(path, 0, dataset, invert=False)
    rest = [read_image(path, number, dataset, invert=False) for number in range(1, first.frames)]
    for other in rest:
        if other.image.shape != first.image.shape:
            raise ImageFileError(f"{path.name} holds frames of {first.image.shape} and {other.image.shape} pixels")
    frames = np.stack([one.image.astype(np.float64) for one in (first, *rest)])
    mask = np.any([one.ignored for one in (first, *rest)], axis=0)
    below = (frames < 0.0).any(0)
    if first.image.dtype.kind == "f" or below.mean() > MOST_MARKED:  # no marks, but a difference
        mask = mask & ~below
    top = _saturated(first.image.dtype)
    if top is not None and (full := (frames >= top).any(0) & ~mask).any():
        mask = mask | full
        note: tuple[str, ...] = (f"{int(full.sum())} pixels are full ({top:g}); they stay masked",)
    else:
        note = ()
    writers: dict[str, tuple[str, Write, float]] = {
        ".cbf": (".cbf", _write_cbf, CBF_SCALE),
        ".edf": (".edf", _write_edf, 1.0),
        ".npy": (".npy", _write_npy, 1.0),
        ".tif": (".tif", _write_tiff, 1.0),
        ".tiff": (".tiff", _write_tiff, 1.0),
    }
    ending, write, scale = writers.get(path.suffix.lower(), (".h5", _write_hdf5, 1.0))
    kept = tuple(line for line in first.notes if "is read" not in line)
    return Stack(path, frames, mask, ending, write, scale, (*kept, *note))


def _spectra(path: Path, dataset: str | None) -> Stack:
    array = choose_array(read_arrays(path), dataset, path)
    values = np.asarray(array.values, dtype=np.float64)
    frames = values.reshape(-1, *values.shape[-2:])
    mask = np.asarray(~np.isfinite(frames).all(0), dtype=np.bool_)
    note = f"{path.suffix} is not written; the answer is HDF5, {' × '.join(map(str, values.shape))}"
    return Stack(path, frames, mask, ".h5", _write_hdf5, 1.0, (note,))


def _saturated(dtype: np.dtype[Any]) -> float | None:
    """Return the number that a full pixel has; None for numbers that are no read-out of 8 or 16 bits."""
    return float(np.iinfo(dtype).max) if dtype.kind == "u" and dtype.itemsize <= 2 else None


def _write_tiff(out: Path, frames: Float64Array) -> None:
    from PIL import Image

    pages = [Image.fromarray(frame.astype(np.float32)) for frame in frames]
    with replacing(out) as draft:
        pages[0].save(draft, format="TIFF", save_all=True, append_images=pages[1:])


def _write_npy(out: Path, frames: Float64Array) -> None:
    with replacing(out) as draft, draft.open("wb") as file:
        np.save(file, (frames[0] if len(frames) == 1 else frames).astype(np.float32), allow_pickle=False)


def _write_edf(out: Path, frames: Float64Array) -> None:
    from fabio.edfimage import EdfImage

    _one(out, frames)
    with replacing(out) as draft:
        EdfImage(data=frames[0].astype(np.float32)).write(str(draft))


def _write_cbf(out: Path, frames: Float64Array) -> None:
    from fabio.cbfimage import CbfImage

    _one(out, frames)
    whole: NDArray[np.int32] = np.where(np.isnan(frames[0]), -1, np.rint(frames[0] * CBF_SCALE)).astype(np.int32)
    with replacing(out) as draft:
        CbfImage(data=whole).write(str(draft))


def _one(out: Path, frames: Float64Array) -> None:
    if len(frames) != 1:
        raise ValueError(f"{out.suffix} files of {len(frames)} frames are not written; give them as TIFF or HDF5")


def _write_hdf5(out: Path, frames: Float64Array) -> None:
    with replacing(out) as draft, h5py.File(draft, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"], file.attrs["default"], entry.attrs["default"] = "NXentry", "entry", "data"
        group = entry.create_group("data")
        group.attrs["NX_class"], group.attrs["signal"] = "NXdata", "data"
        group.create_dataset("data", data=frames.astype(np.float32), compression="gzip", compression_opts=1)
