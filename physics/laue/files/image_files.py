"""Reading what cameras write: TIFF, mccd, CBF, EDF and others by fabio, HDF5 by h5py, and lists of peaks as text."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fabio
import h5py
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.instrument import Peaks
from beamgym.physics.messages import one_line

HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".cxi")
PICTURE_SUFFIXES = (".png", ".bmp", ".jpg", ".jpeg")
PEAK_SUFFIXES = (".txt", ".dat", ".csv", ".cor")
_DAMAGE = re.compile(r"incomplete|mismatch|truncated", re.IGNORECASE)
_COLUMNS = (("x", "peak_x", "xexp"), ("y", "peak_y", "yexp"), ("i", "peak_isub", "peak_itot", "intensity"))


class ImageFileError(ValueError):
    """A file that does not yield an image or a list of peaks; the message is one line."""


@dataclass(frozen=True)
class ImageFile:
    """One image out of a file.

    Parameters
    ----------
    image : (slow, fast) counts in the file's own type
    ignored : (slow, fast) bool, pixels the file marks as dead or between modules
    path : where it came from
    frames : how many images the file holds
    """

    image: NDArray[Any]
    ignored: BoolArray
    path: Path
    frames: int = 1


def read_image(path: str | os.PathLike[str], frame: int = 0, dataset: str | None = None) -> ImageFile:
    """Read one image.

    Parameters
    ----------
    path : TIFF, mccd, CBF, EDF, HDF5, PNG or any other format fabio knows
    frame : which image, from 0, of a file that holds several
    dataset : HDF5 path of the data; by default what NeXus' ``default`` and ``signal`` point to, else the largest image

    Returns
    -------
    ImageFile

    Raises
    ------
    FileNotFoundError : no such file
    ImageFileError : truncated, unreadable, not a grey image, or without that frame or dataset

    Notes
    -----
    Pixel detectors mark gaps by negative counts or by the largest 32-bit number: those pixels come back as ignored.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"no image file {str(file)!r}; check the path")
    if file.stat().st_size == 0:
        raise ImageFileError(f"{file.name} is empty: the camera has not finished writing it, or the copy failed")
    if file.suffix.lower() in HDF5_SUFFIXES:
        data, frames = _read_hdf5(file, frame, dataset)
    elif file.suffix.lower() in PICTURE_SUFFIXES:
        data, frames = _read_picture(file, frame)
    else:
        data, frames = _read_fabio(file, frame)
    return ImageFile(data, _marked(data), file, frames)


def read_peaks(path: str | os.PathLike[str], one_based: bool = False) -> Peaks:
    """Read a list of peaks, one a line: position along fast, along slow, intensity.

    Parameters
    ----------
    path : text with columns X Y I, or with a header line that names them (LaueTools .dat and .cor do)
    one_based : True where the first pixel's centre is 1, as in LaueTools

    Returns
    -------
    Peaks of one frame, brightest first

    Raises
    ------
    FileNotFoundError : no such file
    ImageFileError : lines that are not numbers, or columns missing
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"no peak list {str(file)!r}; check the path")
    rows = _numbers(file)
    order = np.argsort(-rows[:, 2], kind="stable")
    position = rows[order, :2] - (1.0 if one_based else 0.0)
    return Peaks(
        position_px=position[None].astype(np.float32),
        intensity=rows[None, order, 2].astype(np.float32),
        count=np.array([len(rows)], dtype=np.int64),
        saturated=np.zeros((1, len(rows)), dtype=bool),
    )


def _numbers(file: Path) -> Float64Array:
    """Return the (p, 3) columns X, Y, I of a text file."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ImageFileError(f"{file.name} is not text; give an image by its own ending, or columns X Y I") from None
    columns = (0, 1, 2)
    rows: list[list[float]] = []
    for number, line in enumerate(lines, start=1):
        words = re.split(r"[,;\s]+", line.strip().strip("#").strip())
        if words == [""] or (line.lstrip().startswith("#") and rows):
            continue
        try:
            rows.append([float(words[column]) for column in columns])
        except ValueError:
            if rows:
                raise ImageFileError(f"{file.name}, line {number}: not numbers: {line.strip()[:60]!r}") from None
            columns = _header(words) or columns
        except IndexError:
            raise ImageFileError(f"{file.name}, line {number}: {len(words)} columns; X Y I are needed") from None
    table = np.array(rows, dtype=np.float64)
    if not len(rows):
        raise ImageFileError(f"{file.name} holds no peaks; columns X Y I are needed")
    if not np.isfinite(table).all():
        raise ImageFileError(f"{file.name} holds values that are not finite; remove those lines")
    return table


def _header(words: list[str]) -> tuple[int, int, int] | None:
    """Return where X, Y and I stand in a line of column names, or None when it is no such line."""
    names = [word.lower() for word in words]
    found = [next((names.index(name) for name in choices if name in names), -1) for choices in _COLUMNS]
    return (found[0], found[1], found[2]) if min(found) >= 0 else None


def _read_fabio(file: Path, frame: int) -> tuple[NDArray[Any], int]:
    complaints: list[str] = []
    try:
        with _listening(complaints), fabio.open(str(file)) as handle:
            frames = int(handle.nframes)
            _check_frame(file, frame, frames)
            data = np.array(handle.data if frame == 0 else handle.get_frame(frame).data)
    except ImageFileError:
        raise
    except (
        Exception
    ) as error:  # fabio's readers raise anything on a damaged file, AssertionError and AttributeError included
        raise ImageFileError(f"{file.name} is damaged, cut short or no image ({one_line(error, 100)})") from None
    damage = [text for text in complaints if _DAMAGE.search(text)]
    if damage:
        raise ImageFileError(f"{file.name} is damaged or cut short ({one_line(damage[0], 100)}); copy it again")
    return _grey(file, data), frames


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


def _read_picture(file: Path, frame: int) -> tuple[NDArray[Any], int]:
    _check_frame(file, frame, 1)
    try:
        with Image.open(file) as handle:
            data = np.array(handle)
    except (OSError, SyntaxError) as error:  # Pillow's PNG reader raises SyntaxError on a damaged header
        raise ImageFileError(f"{file.name} is damaged, cut short or no image ({one_line(error, 100)})") from None
    return _grey(file, data), 1


def _read_hdf5(file: Path, frame: int, dataset: str | None) -> tuple[NDArray[Any], int]:
    try:
        with h5py.File(file, "r") as handle:
            name = dataset or _signal(handle) or _largest(handle)
            if name is None or not isinstance(handle.get(name), h5py.Dataset):
                wanted = f"dataset {dataset!r}" if dataset else "image, that is no dataset of two or three dimensions"
                raise ImageFileError(f"{file.name} holds no {wanted}; name one with --dataset")
            data = handle[name]
            if data.ndim not in (2, 3) or data.dtype.kind not in "uif":
                raise ImageFileError(
                    f"{file.name}: {name} is {data.dtype} of shape {data.shape}, not an image or a stack"
                )
            frames = 1 if data.ndim == 2 else int(data.shape[0])
            _check_frame(file, frame, frames)
            image: NDArray[Any] = np.asarray(data[()] if data.ndim == 2 else data[frame])
            return image, frames
    except (OSError, KeyError) as error:
        raise ImageFileError(f"{file.name} is damaged, cut short or no HDF5 file ({one_line(error, 100)})") from None


def _signal(handle: h5py.File) -> str | None:
    """Follow NeXus' ``default`` attributes to the ``signal`` of the plottable group."""
    group: h5py.Group = handle
    for _ in range(8):
        target = group.attrs.get("default")
        if target is None or not isinstance(group.get(target), h5py.Group):
            break
        group = group[target]
    signal = group.attrs.get("signal")
    return f"{group.name}/{signal}" if signal is not None and signal in group else None


def _largest(handle: h5py.File) -> str | None:
    found: list[tuple[int, str]] = []

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim in (2, 3) and item.dtype.kind in "uif":
            found.append((int(item.size), name))

    handle.visititems(visit)
    return max(found)[1] if found else None


def _check_frame(file: Path, frame: int, frames: int) -> None:
    if not 0 <= frame < frames:
        raise ImageFileError(f"{file.name} holds {frames} image(s), numbered from 0; there is no number {frame}")


def _grey(file: Path, data: NDArray[Any]) -> NDArray[Any]:
    if data.ndim == 3 and data.shape[2] in (3, 4):
        raise ImageFileError(f"{file.name} is a colour image; save it as grey levels, 16 bit if the camera has them")
    if data.ndim != 2:
        raise ImageFileError(f"{file.name} has shape {data.shape}; an image has two dimensions")
    return data


def _marked(data: NDArray[Any]) -> BoolArray:
    marked: BoolArray = np.zeros(data.shape, dtype=np.bool_)
    if data.dtype.kind == "i":
        marked = data < 0
    elif data.dtype.kind == "u" and data.dtype.itemsize >= 4:
        marked = data == np.iinfo(data.dtype).max
    return marked
