"""From what a picture shows to counts that grow with the X-rays: colours to grey, dark spots to bright ones."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from beamgym.physics.arrays import BoolArray
from beamgym.physics.laue.files.images.pixels import ImageFileError

_AGREE = 0.012
"""Share of the range by which channels of a grey picture may differ: three of 255, what JPEG rounds."""
_FAR = 6.0
_MORE = 4.0
_LEAST_SPOTS = 5
_SMOOTH_PX, _GROUND_PX = 3, 25
_SOME_PIXELS = 1_000_000
_MIDDLE_PX = 1200
_COARSE_PX = 500
"""Edge to which a picture is reduced to see the wide spots of a film scan."""


def to_grey(file: Path, values: NDArray[Any], asked: bool) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Make one channel of a picture's colours.

    Parameters
    ----------
    values : (slow, fast), or (slow, fast, channels)
    asked : True takes the mean of channels that differ

    Returns
    -------
    (slow, fast) and what is to be said about it

    Raises
    ------
    ImageFileError : channels that differ, without ``asked``
    """
    if values.ndim == 2:
        return values, ()
    if values.ndim != 3 or values.shape[2] not in (2, 3, 4):
        raise ImageFileError(f"{file.name} has shape {values.shape}; an image has two dimensions")
    colours = values[:, :, : 3 if values.shape[2] > 2 else 1]
    span = float(np.iinfo(values.dtype).max) if values.dtype.kind in "ui" and values.itemsize < 4 else None
    span = float(np.nanmax(np.abs(colours), initial=0.0)) if span is None else span
    wide = colours.astype(np.float32 if values.itemsize < 4 else np.float64)
    apart = float((wide.max(axis=2) - wide.min(axis=2)).max(initial=0.0))
    if apart <= 1e-6 * span:
        return np.ascontiguousarray(colours[:, :, 0]), ()
    grey = wide.mean(axis=2).astype(np.float32)
    if apart <= _AGREE * span:
        return grey, (f"a colour picture whose channels agree to {apart:g} of {span:g}: their mean is read",)
    if not asked:
        raise ImageFileError(
            f"{file.name} is a colour image whose channels differ by up to {apart:g} of {span:g}; save it as grey, "
            "16 bit if the camera has them, or take the mean of its channels with --grey"
        )
    return grey, ("a colour picture: the mean of its channels is read, as asked",)


def inverted(values: NDArray[Any], ignored: BoolArray) -> NDArray[Any]:
    """Turn dark spots on a light ground into bright ones on a dark ground: the highest number less each pixel's.

    Parameters
    ----------
    values : (slow, fast); ignored : (slow, fast) bool, pixels that do not count and become 0

    Returns
    -------
    (slow, fast) of the same type
    """
    if values.dtype.kind in "ui" and values.dtype.itemsize <= 2:
        top = values.dtype.type(np.iinfo(values.dtype).max)
    else:
        top = values[~ignored].max() if not ignored.all() else values.dtype.type(0)
    turned: NDArray[Any] = np.where(ignored, values.dtype.type(0), top - values).astype(values.dtype)
    return turned


def shows_dark_spots(values: NDArray[Any], ignored: BoolArray) -> bool | None:
    """Tell whether a picture is a film: small dark spots on a light ground.

    Parameters
    ----------
    values : (slow, fast) counts; ignored : (slow, fast) bool

    Returns
    -------
    True for a film, False for bright spots or none, None where dark spots outnumber bright ones and the ground is not
    light enough to be sure

    Notes
    -----
    Spots are patches of the 3 × 3 median, no wider than 25 pixels, that lie 6 standard deviations off a ground smoothed
    over 25; at least five dark ones are wanted, and bright ones that weigh no more than a quarter of them. The spots of
    a film scan are wide, so that a large picture is looked at with its edge reduced to 500 pixels as well.
    """
    good = values[~ignored]
    if good.size == 0 or min(values.shape) < 2 * _GROUND_PX:
        return False
    some = good[:: 1 + good.size // _SOME_PIXELS]
    low, middle, high = (float(v) for v in np.percentile(some, [0.1, 50.0, 99.9]))
    bright_ground = high - middle < middle - low
    if not bright_ground and high - middle > 2.0 * (middle - low):
        return False
    counts = np.where(ignored, middle, values).astype(np.float32)
    step = min(counts.shape) // _COARSE_PX
    seen = step > 1 and _dark_spots(_reduced(counts, step), high - low)
    if not seen and not _dark_spots(_middle(counts), high - low):
        return False
    return True if bright_ground else None


def _middle(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the picture, or the middle of a large one, which is enough to see what it is."""
    rows, columns = (slice(max(0, (edge - _MIDDLE_PX) // 2), (edge + _MIDDLE_PX + 1) // 2) for edge in counts.shape)
    return counts[rows, columns]


def _dark_spots(counts: NDArray[np.float32], span: float) -> bool:
    residual = ndimage.median_filter(counts, _SMOOTH_PX) - _ground(counts)
    spread = 1.4826 * float(np.median(np.abs(residual - np.median(residual)))) + 1e-3 * span
    dark = _weights(-residual, _FAR * spread)
    bright = _weights(residual, _FAR * spread)
    return len(dark) >= _LEAST_SPOTS and float(dark.sum()) > _MORE * float(bright.sum())


def _weights(residual: NDArray[np.float32], cut: float) -> NDArray[np.float64]:
    """Return the sum of the cubes of every patch above the cut that is no wider than a spot.

    Cubes, so that the many small steps of a JPEG do not outvote the spots.
    """
    patches, _ = ndimage.label(residual > cut)
    cubes = residual.astype(np.float64) ** 3
    return np.array(
        [
            cubes[place][patches[place] == number].sum()
            for number, place in enumerate(ndimage.find_objects(patches), start=1)
            if max(edge.stop - edge.start for edge in place) <= _GROUND_PX
        ]
    )


def _reduced(counts: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Return means of squares of this many pixels along an edge."""
    rows, columns = (edge - edge % step for edge in counts.shape)
    squares = counts[:rows, :columns].reshape(rows // step, step, columns // step, step)
    reduced: NDArray[np.float32] = squares.mean(axis=(1, 3))
    return reduced


def _ground(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the median over some 25 pixels, from every second one for speed."""
    coarse = ndimage.median_filter(counts[::2, ::2], _GROUND_PX // 2)
    ground: NDArray[np.float32] = coarse.repeat(2, axis=0).repeat(2, axis=1)[: counts.shape[0], : counts.shape[1]]
    return ground
