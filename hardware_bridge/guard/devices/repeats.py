"""Recognises a frame that a camera has shown before, also turned, mirrored or changed in a few pixels."""

import hashlib
import math
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEPT = 10
"""So many frames are remembered."""

_CELLS = 65536
"""Cells of a fingerprint at most: of a larger image every second, third, … row and column is taken."""

_QUICK = 2048
"""Cells by which an unlike frame is told at once."""

_ENOUGH_BITS = 40.0
"""Evidence below which likeness may be chance: a few equal counts on an empty frame are none."""

_LITTLE_BITS = 20.0
"""A frame of less evidence is the same as another one by chance once in a million, in the same pixels."""

_FEW = 20
"""Telling cells by which a glance is no judgement."""

_FRACTION_BITS = 8.0
"""What a cell says whose value is no whole number."""


@dataclass(frozen=True)
class Repeat:
    """How a frame compares with those before it.

    Parameters
    ----------
    digest : hash of its pixels
    earlier : those of the frames before it, the last one first
    alike_share : largest share of telling cells that it has in common with one of them, 0 to 1
    tells_little : it holds so few counts that the next frame may be the same by chance
    """

    digest: str
    earlier: tuple[str, ...]
    alike_share: float
    tells_little: bool


@dataclass(frozen=True)
class Fingerprint:
    """An image folded upon itself.

    Parameters
    ----------
    cells : (r, c) sums of the pixels that lie upon each other
    middle : their middle value, which the cells have that tell nothing
    """

    cells: NDArray[np.float64]
    middle: float


class SeenFrames:
    """The last frames of a detector, by which a repeated one is known.

    Notes
    -----
    The fingerprint is the image folded upon itself: the sum of a pixel and of those in which it would lie mirrored,
    upside down, turned by half a turn and, where the image is square, transposed. It is the same for all of these, and
    one pixel changes one cell of it. Only cells that tell something count: those that differ from the image's middle
    value. Two frames of one scene have few of these in common, since each has its own noise.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._seen: deque[tuple[str, Fingerprint]] = deque(maxlen=kept)

    def compare(self, raw: NDArray[np.generic], saturation: float) -> Repeat:
        """Compare a raw image (rows, columns) of numbers with the frames before it, and remember it."""
        digest = frame_digest(raw)
        fingerprint = folded(raw, saturation)
        earlier = tuple(seen for seen, _ in reversed(self._seen))
        share = max((alike(fingerprint, other) for _, other in self._seen), default=0.0)
        # Remembered whatever becomes of it: a camera that repeats itself repeats a refused frame, too.
        self._seen.append((digest, fingerprint))
        own = fingerprint.cells[fingerprint.cells != fingerprint.middle]
        return Repeat(digest, earlier, share, _bits(own[:_FEW], fingerprint.middle) < _LITTLE_BITS)


def folded(raw: NDArray[np.generic], saturation: float) -> Fingerprint:
    """Return an image's fingerprint; see ``SeenFrames``.

    Parameters
    ----------
    raw : (rows, columns) numbers
    saturation : value of a full pixel; full, negative and not finite ones mark gaps and dead pixels, not counts
    """
    image = np.atleast_2d(np.asarray(raw))
    image = image.reshape(-1, image.shape[-1])
    stride = max(1, math.ceil(math.sqrt(image.size / 4 / _CELLS)))
    rows, columns = ((size + 1) // 2 for size in image.shape)
    corners = [
        side[:rows:stride, :columns:stride].astype(np.float64)
        for upright in (image, image[::-1])
        for side in (upright, upright[:, ::-1])
    ]
    said = np.logical_and.reduce([(corner >= 0.0) & (corner < saturation) for corner in corners])
    cells: NDArray[np.float64] = (corners[0] + corners[1]) + (corners[2] + corners[3])
    if image.shape[0] == image.shape[1]:
        cells, said = cells + cells.T, said & said.T
    told = cells[said]
    middle = float(np.median(told)) if told.size else 0.0
    return Fingerprint(np.where(said, cells, middle), middle)


def alike(one: Fingerprint, other: Fingerprint) -> float:
    """Return the share of telling cells that two fingerprints have in common, 0 where that may be chance."""
    if one.cells.shape != other.cells.shape:
        return 0.0
    first, second = one.cells.ravel(), other.cells.ravel()
    step = max(1, first.size // _QUICK)
    # Most frames are unlike at a glance, and a glance costs a thirtieth.
    if step > 1:
        same, telling = _common(first[::step], one.middle, second[::step], other.middle)
        if telling >= _FEW and len(same) < 0.5 * telling:
            return len(same) / telling
    same, telling = _common(first, one.middle, second, other.middle)
    return len(same) / telling if telling and _bits(same, one.middle) >= _ENOUGH_BITS else 0.0


def _common(
    first: NDArray[np.float64], first_middle: float, second: NDArray[np.float64], second_middle: float
) -> tuple[NDArray[np.float64], int]:
    """Return the values of the telling cells that are the same, and how many cells tell something."""
    told = first != first_middle
    telling = int(np.count_nonzero(told | (second != second_middle)))
    return first[told & (first == second)], telling


def _bits(values: NDArray[np.float64], middle: float) -> float:
    """Return how unlikely it is that so many counts are equal by chance: of Poisson counts, one in √(4π mean)."""
    whole = values == np.rint(values)
    counts = np.maximum(np.abs(values[whole] - middle), 0.5)
    return float(0.5 * np.log2(4.0 * np.pi * counts).sum()) + _FRACTION_BITS * float(np.count_nonzero(~whole))


def frame_digest(raw: NDArray[Any]) -> str:
    """Return the hash, in hex, of an image (rows, columns) as the device gave it, which the log keeps."""
    return hashlib.blake2b(np.ascontiguousarray(raw).tobytes(), digest_size=16).hexdigest()
