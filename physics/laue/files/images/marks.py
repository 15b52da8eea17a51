"""Pixels that are none: what detectors write into gaps and dead pixels, and masks that a person gives."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arrays import BoolArray
from beamgym.physics.laue.files.images.pixels import ImageFileError

_LOWEST_MARK = -3
"""Pixel detectors mark gaps, dead and noisy pixels by -1, -2 and -3; lower counts are noise about a subtracted dark."""
_FEW_ZEROS = 1e-3
_RECTANGLE = re.compile(r"\s*(-?\d+)\s*,\s*(-?\d+)\s*,\s*(-?\d+)\s*,\s*(-?\d+)\s*")


def marked_pixels(values: NDArray[Any]) -> tuple[BoolArray, tuple[str, ...]]:
    """Find the pixels that a detector marked as gaps or dead, and say by what.

    Parameters
    ----------
    values : (slow, fast) counts as the file holds them

    Returns
    -------
    (slow, fast) bool, and one note for every kind of mark found

    Notes
    -----
    Marks are: values that are not finite; the two highest numbers of 32 and more bits; -1, -2 and -3, and the lowest
    number of a signed type; 2^16-1 or 2^8-1 all along whole rows or columns, as between modules; and 0 there, where
    hardly any other pixel is 0.
    """
    ignored: BoolArray = np.zeros(values.shape, dtype=np.bool_)
    notes = []
    for where, what in (_not_finite(values), _highest(values), _negative(values), _bands(values)):
        new = where & ~ignored
        if new.any():
            ignored |= new
            notes.append(f"{int(new.sum())} pixels hold {what}: they are ignored")
    return ignored, tuple(notes)


def _not_finite(values: NDArray[Any]) -> tuple[BoolArray, str]:
    if values.dtype.kind != "f":
        return np.zeros(values.shape, dtype=np.bool_), ""
    return ~np.isfinite(values), "no finite number"


def _highest(values: NDArray[Any]) -> tuple[BoolArray, str]:
    """The top two of 32 and 64 bits, which counters never reach, also where they were stored as floats."""
    tops = [2**bits - back for bits in (32, 64) for back in (1, 2)]
    if values.dtype.kind == "u" and values.dtype.itemsize >= 4:
        where = values >= np.iinfo(values.dtype).max - 1
        return where | np.isin(values, np.array(tops[:2], dtype=values.dtype)), "the mark of gaps, 2^32-1 or the like"
    if values.dtype.kind == "f":
        return np.isin(values, np.array(tops, dtype=values.dtype)), "the mark of gaps, 2^32-1 or the like"
    if values.dtype.kind == "i" and values.dtype.itemsize == 8:
        return np.isin(values, np.array(tops[:2], dtype=values.dtype)), "the mark of gaps, 2^32-1 or the like"
    return np.zeros(values.shape, dtype=np.bool_), ""


def _negative(values: NDArray[Any]) -> tuple[BoolArray, str]:
    """-1, -2 and -3 where nothing is lower, and the lowest number of a signed type."""
    nothing: BoolArray = np.zeros(values.shape, dtype=np.bool_)
    if values.dtype.kind == "i":
        lowest = values == np.iinfo(values.dtype).min
        below: BoolArray = (values < 0) & ~lowest
    elif values.dtype.kind == "f":
        lowest, below = nothing, np.less(values, 0, where=np.isfinite(values), out=nothing.copy())
    else:
        return nothing, ""
    negative = values[below]
    whole = negative.size and negative.min() >= _LOWEST_MARK and (negative == np.round(negative)).all()
    # dark-subtracted floats hold fractions, or as many -1 as 1
    return (lowest | below if whole else lowest), "a negative mark, -1, -2 or the like"


def _bands(values: NDArray[Any]) -> tuple[BoolArray, str]:
    """Whole rows and columns at the top of 8 or 16 bits, or at 0: gaps between modules."""
    high = np.zeros(values.shape, dtype=np.bool_)
    top = float(values.max()) if values.dtype.kind in "ui" and values.size else 0.0
    if top in (255.0, 254.0, 65535.0, 65534.0):
        high = _along(values == values.max())
    zero = values == 0
    empty = _along(zero)
    stray = int((zero & ~empty).sum())
    if not empty.any() or empty.all() or stray > _FEW_ZEROS * (~empty).sum():
        empty = np.zeros(values.shape, dtype=np.bool_)
    if high.all():
        high = np.zeros(values.shape, dtype=np.bool_)
    what = [f"{top:.0f} along whole rows or columns"] * bool(high.any()) + ["0 along whole ones"] * bool(empty.any())
    return high | empty, " or ".join(what)


def _along(where: BoolArray) -> BoolArray:
    """Keep what fills whole rows or whole columns."""
    return where & (where.all(axis=1, keepdims=True) | where.all(axis=0, keepdims=True))


def load_mask(
    items: Sequence[str | Path], shape: tuple[int, int], read: Callable[[Path], NDArray[Any]]
) -> tuple[BoolArray, tuple[str, ...]]:
    """Put together what a person wants to be ignored.

    Parameters
    ----------
    items : rectangles "first column,first row,last column,last row", counted from 0, the last included, and files of
        images in which everything but 0 is ignored
    shape : (slow, fast) of the image
    read : reads a file's picture

    Returns
    -------
    (slow, fast) bool, True where a pixel is ignored, and a note for every item

    Raises
    ------
    ImageFileError, ValueError : a rectangle beside the image, a file of another shape, or one that leaves nothing
    """
    mask: BoolArray = np.zeros(shape, dtype=np.bool_)
    notes = []
    for item in items:
        rectangle = _RECTANGLE.fullmatch(str(item))
        one = _rectangle([int(n) for n in rectangle.groups()], shape) if rectangle else _file(Path(item), shape, read)
        notes.append(f"the mask {item} leaves out {100 * one.mean():.1f} % of the pixels")
        mask |= one
    return mask, tuple(notes)


def _rectangle(corners: Sequence[int], shape: tuple[int, int]) -> BoolArray:
    left, top, right, bottom = corners
    if not (0 <= left <= right < shape[1] and 0 <= top <= bottom < shape[0]):
        raise ValueError(
            f"the mask {left},{top},{right},{bottom} is no rectangle of an image of {shape[1]} columns and {shape[0]} "
            "rows: first column, first row, last column, last row, counted from 0"
        )
    mask: BoolArray = np.zeros(shape, dtype=np.bool_)
    mask[top : bottom + 1, left : right + 1] = True
    return mask


def _file(path: Path, shape: tuple[int, int], read: Callable[[Path], NDArray[Any]]) -> BoolArray:
    mask: BoolArray = np.asarray(read(path) != 0)
    if mask.shape != shape:
        raise ImageFileError(f"the mask {path.name} has shape {mask.shape}, the image {shape}: rows, columns")
    if mask.mean() > 0.9:
        raise ImageFileError(
            f"the mask {path.name} leaves out {100 * mask.mean():.0f} % of the image: everything but 0 is ignored, "
            "turn the mask around"
        )
    return mask
