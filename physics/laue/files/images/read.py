"""Reading what cameras write: TIFF, HDF5, CBF, pictures and arrays by this room's readers, EDF and others by fabio."""

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arrays import BoolArray
from beamgym.physics.laue.files.images import cbf, hdf5, pictures, tiff
from beamgym.physics.laue.files.images.greys import inverted, shows_dark_spots, to_grey
from beamgym.physics.laue.files.images.marks import load_mask, marked_pixels
from beamgym.physics.laue.files.images.pixels import ImageFileError, Pixels, check_frame, check_size, damaged
from beamgym.physics.messages import one_line

HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".cxi")
_DAMAGE = re.compile(r"incomplete|mismatch|truncated|unable to read|not enough|short", re.IGNORECASE)
_EDGE = re.compile(
    rb"(?:Dim_\d|Fastest-Dimension:|Second-Dimension:|SIZE\d|NROWS|NCOLS)\s*[:=]?\s*(\d+)", re.IGNORECASE
)
_HEADER_BYTES = 16384


@dataclass(frozen=True)
class ImageFile:
    """One image out of a file.

    Parameters
    ----------
    image : (slow, fast) counts in the file's own type, in this machine's byte order; half floats come as float32
    ignored : (slow, fast) bool, pixels the file marks as dead or between modules
    path : where it came from
    frames : how many images the file holds
    notes : what was assumed or left out, one line each
    """

    image: NDArray[Any]
    ignored: BoolArray
    path: Path
    frames: int = 1
    notes: tuple[str, ...] = ()


def read_image(
    path: str | os.PathLike[str],
    frame: int = 0,
    dataset: str | None = None,
    *,
    invert: bool | None = None,
    grey: bool = False,
) -> ImageFile:
    """Read one image.

    Parameters
    ----------
    path : TIFF, mccd, CBF, EDF, HDF5, PNG, JPEG, GIF, WebP, JPEG 2000, .npy or any other format fabio knows
    frame : which image, from 0, of a file that holds several
    dataset : HDF5 path of the data; by default what the file points to (NeXus' ``default`` and ``signal``, Eiger's
        ``data_000001``), or its only image; where there are several, one has to be named
    invert : True turns dark spots on a light ground, as on a film, into bright ones; None does so where the picture
        clearly is one, and says so; False takes the numbers as they are
    grey : take the mean of a colour picture's channels; without it they must agree

    Returns
    -------
    ImageFile

    Raises
    ------
    FileNotFoundError : no such file
    ImageFileError : truncated, unreadable, a colour picture, or without that frame or dataset

    Notes
    -----
    Pixels that a detector marks (``marks.marked_pixels`` says how) and those of the file's pixel_mask come back as
    ignored.
    """
    file = _existing(Path(path))
    pixels = _read(file, frame, dataset)
    values, notes = to_grey(file, pixels.values, grey)
    notes = (*pixels.notes, *notes)
    if pixels.frames > 1:
        notes = (f"{file.name} holds {pixels.frames} images: number {frame} is read", *notes)
    values = _native(values)
    ignored, marks = marked_pixels(values)
    if pixels.ignored is not None and (pixels.ignored & ~ignored).any():
        new = int((pixels.ignored & ~ignored).sum())
        ignored, marks = ignored | pixels.ignored, (*marks, f"{new} pixels are ignored by the file's own mask")
    if ignored.all():
        raise ImageFileError(f"{file.name}: every pixel is marked as bad; nothing is left of the image")
    values, turned = _bright_spots(values, ignored, invert)
    return ImageFile(values, ignored, file, pixels.frames, (*notes, *marks, *turned))


def read_mask(items: Sequence[str | os.PathLike[str]], shape: tuple[int, int]) -> tuple[BoolArray, tuple[str, ...]]:
    """Return the pixels that are to be ignored, (slow, fast) bool, and a note for every item.

    Parameters
    ----------
    items : rectangles "first column,first row,last column,last row", counted from 0, and image files of which all
        but 0 is ignored
    shape : (slow, fast) of the image

    Raises
    ------
    FileNotFoundError, ImageFileError, ValueError : what cannot be read, or does not fit the image
    """

    def read(path: Path) -> NDArray[Any]:
        values = _read(_existing(path), 0, None).values
        return values if values.ndim == 2 else values.max(axis=2)

    return load_mask([str(item) for item in items], shape, read)


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise FileNotFoundError(f"no image file {str(file)!r}; check the path")
    if file.stat().st_size == 0:
        raise ImageFileError(f"{file.name} is empty: the camera has not finished writing it, or the copy failed")
    return file


def _read(file: Path, frame: int, dataset: str | None) -> Pixels:
    """Read a picture by what its first bytes say it is, whatever its name ends in."""
    with file.open("rb") as handle:
        head = handle.read(_HEADER_BYTES)
    if head.startswith(hdf5.SIGNATURE) or file.suffix.lower() in HDF5_SUFFIXES:
        return hdf5.read_hdf5(file, frame, dataset)
    if dataset is not None:
        raise ImageFileError(f"{file.name} is no HDF5 file; a dataset can be named in those only")
    if head.startswith(tiff.SIGNATURES):
        return tiff.read_tiff(file, frame)
    if pictures.is_picture(head):
        return pictures.read_picture(file, frame)
    if head.startswith(pictures.PNM_SIGNATURES):
        return pictures.read_pnm(file, frame)
    if head.startswith(pictures.NUMPY_SIGNATURE):
        return pictures.read_numpy(file, frame)
    # fabio would guess by the ending and read on and on
    if head.startswith(cbf.SIGNATURE) or file.suffix.lower() == ".cbf":
        return cbf.read_cbf(file, frame)
    return _read_fabio(file, frame, head)


def _native(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values in types that the peak finder knows: this machine's byte order, floats of 32 or 64 bits."""
    if values.dtype.kind not in "uif":
        raise ImageFileError(f"an image of type {values.dtype} is not read; save real numbers")
    kinds = {2: np.float32, 16: np.float64, 12: np.float64}
    if values.dtype.kind == "f" and values.dtype.itemsize in kinds:
        with np.errstate(over="ignore", invalid="ignore"):  # what does not fit is marked as not finite
            return np.ascontiguousarray(values, dtype=kinds[values.dtype.itemsize])
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))


def _bright_spots(
    values: NDArray[Any], ignored: BoolArray, invert: bool | None
) -> tuple[NDArray[Any], tuple[str, ...]]:
    if invert is None:
        with np.errstate(all="ignore"):  # a damaged file may hold any number
            dark = shows_dark_spots(values, ignored)
        if dark is None:
            return values, ("more dark spots than bright ones are seen: if this is a film, try --invert",)
        if not dark:
            return values, ()
        return inverted(values, ignored), ("dark spots on a light ground: taken for a film and inverted",)
    return (inverted(values, ignored), ("inverted, as asked",)) if invert else (values, ())


def _read_fabio(file: Path, frame: int, head: bytes) -> Pixels:
    _check_edges(file, head)
    complaints: list[str] = []
    try:
        import fabio

        with _listening(complaints), fabio.open(str(file)) as handle:
            frames = int(handle.nframes)
            check_frame(file, frame, frames)
            data = np.array(handle.data if frame == 0 else handle.get_frame(frame).data)
    except ImageFileError:
        raise
    except Exception as error:  # fabio's readers raise anything on a damaged file, AssertionError included
        raise damaged(file, error) from None
    damage = [text for text in complaints if _DAMAGE.search(text)]
    if damage:
        raise ImageFileError(f"{file.name} is damaged or cut short ({one_line(damage[0], 100)}); copy it again")
    if data.ndim not in (2, 3) or data.size == 0:
        raise ImageFileError(f"{file.name} has shape {data.shape}; an image has two dimensions")
    return Pixels(data, frames)


def _check_edges(file: Path, head: bytes) -> None:
    """Refuse what a header of text calls larger than any image, before a reader asks for the memory."""
    edges = sorted(int(found) for found in _EDGE.findall(head)[:16])
    if edges and edges[-1] > 0:
        check_size(file, edges[-1], edges[-2] if len(edges) > 1 and edges[-2] > 0 else 1)


@contextmanager
def _listening(complaints: list[str]) -> Iterator[None]:
    """Collect what fabio logs, because some of its readers pad a truncated file with zeros and only warn."""

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            complaints.append(record.getMessage())

    logger = logging.getLogger("fabio")
    collector = Collector(level=logging.WARNING)
    propagate = logger.propagate
    logger.addHandler(collector)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagate
