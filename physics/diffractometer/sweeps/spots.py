"""Spots of a stack of frames: found in each frame, joined over frames where they lie upon each other."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from beamgym.physics.arrays import BoolArray, Float64Array, Int64Array

_BLOCK = 32  # pixels along the edge of a square whose median is the background there
_GROWS = 2.5  # standard deviations of 3 × 3 pixels: a spot reaches as far
_LEAST_PIXELS = 2  # that rise above the background by themselves; a hit of one pixel is no reflection
_LEVEL = 3.0
_FEW_COUNTS, _LOWER = 5.0, 0.98  # a median of so few counts is too coarse: then the mean of this share, the lowest
_STUCK, _STUCK_FRAMES = 0.6, 8  # share of all frames, and number of them: what shines so long is a bad pixel


@dataclass(frozen=True, eq=False)
class SweepSpots:
    """Spots of a sweep, the strongest first.

    Parameters
    ----------
    position_px : (n, 2) middle along fast and slow, pixel centres at integers
    frame : (n,) middle in the stack; k + 0.5 is the middle of frame k
    counts : (n,) above background
    frames : (n,) on how many
    significance : (n,) of the best 3 × 3 pixels
    cut : (n,) brightest on the first or the last frame: its middle is not known
    stuck : how many were left out because they shine on most frames
    read : frames that were looked at
    """

    position_px: Float64Array
    frame: Float64Array
    counts: Float64Array
    frames: Int64Array
    significance: Float64Array
    cut: BoolArray
    stuck: int
    read: int

    def __len__(self) -> int:
        return len(self.counts)

    def rows(self, chosen: NDArray[np.generic]) -> "SweepSpots":
        """Return some of them, by index or mask."""
        return SweepSpots(
            self.position_px[chosen],
            self.frame[chosen],
            self.counts[chosen],
            self.frames[chosen],
            self.significance[chosen],
            self.cut[chosen],
            self.stuck,
            self.read,
        )


@dataclass
class _Sums:
    """What is summed of one spot."""

    counts: float = 0.0
    moments: Float64Array = field(default_factory=lambda: np.zeros(3))
    pixels: int = 0
    significance: float = 0.0
    by_frame: dict[int, float] = field(default_factory=dict)

    def add(self, other: "_Sums") -> None:
        self.counts += other.counts
        self.moments = self.moments + other.moments
        self.pixels += other.pixels
        self.significance = max(self.significance, other.significance)
        for frame, counts in other.by_frame.items():
            self.by_frame[frame] = self.by_frame.get(frame, 0.0) + counts


def find_sweep_spots(
    frames: Iterable[NDArray[np.generic]], mask: BoolArray | None = None, threshold: float = 6.0
) -> SweepSpots:
    """Find the spots of a sweep's frames, in their order; one frame is held at a time.

    Parameters
    ----------
    frames : (slow, fast) counts each; negative and not finite pixels are gaps
    mask : (slow, fast) pixels that are none, True there
    threshold : standard deviations of the background in 3 × 3 pixels

    Raises
    ------
    ValueError : no frame, frames of different shapes, or a mask of another shape

    Notes
    -----
    Background: middles of squares of 32 pixels, in between linear. Significance by Anscombe, Biometrika 35 (1948) 246.
    The middle of a spot is that of its counts above the background.
    """
    found: list[_Sums] = []
    parent: list[int] = []
    before: NDArray[np.int64] | None = None
    number = -1
    for number, frame in enumerate(frames):
        image = np.asarray(frame)
        if before is not None and image.shape != before.shape:
            raise ValueError(
                f"frame {number} has the shape {image.shape}, those before it {before.shape}; give one sweep"
            )
        if mask is not None and mask.shape != image.shape:
            raise ValueError(f"the mask has the shape {mask.shape}, the frames {image.shape}; give their own")
        labels, sums = _in_frame(image, mask, number, threshold)
        first = len(found)
        found += sums
        parent += range(first, len(found))
        ids = np.where(labels > 0, labels + first - 1, -1)
        if before is not None:
            both = (ids >= 0) & (before >= 0)
            for one, other in {(int(a), int(b)) for a, b in zip(ids[both], before[both], strict=True)}:
                parent[_root(parent, one)] = _root(parent, other)
        before = ids
    if number < 0:
        raise ValueError("there is no frame; give a sweep with at least one")
    joined: dict[int, _Sums] = {}
    for index, part in enumerate(found):
        joined.setdefault(_root(parent, index), _Sums()).add(part)
    return _made([one for one in joined.values() if one.pixels >= _LEAST_PIXELS and one.counts > 0.0], number + 1)


def _in_frame(
    image: NDArray[np.generic], mask: BoolArray | None, number: int, threshold: float
) -> tuple[NDArray[np.int64], list[_Sums]]:
    """Return labels (slow, fast) of a frame's spots, 0 for none, and their sums in the labels' order."""
    values = image.astype(np.float64)
    good = np.isfinite(values) & (values >= 0.0)
    if mask is not None:
        good &= ~mask
    values = np.where(good, values, 0.0)
    background = _background(values, good)
    above = np.where(good, values - background, 0.0)
    expected, counted = (
        np.maximum(ndimage.uniform_filter(np.where(good, one, 0.0), 3, mode="constant") * 9.0, 0.0)
        for one in (background, values)
    )
    # Anscombe's square roots: few counts rise high above their mean more often than a Gaussian would
    significance = 2.0 * (np.sqrt(counted + 0.375) - np.sqrt(expected + 0.375))
    labels, count = ndimage.label(significance > _GROWS, structure=np.ones((3, 3)))
    if not count:
        return labels.astype(np.int64), []
    index = np.arange(1, count + 1)
    best = ndimage.maximum(significance, labels, index)
    kept = np.flatnonzero(best > threshold) + 1
    renumbered = np.zeros(count + 1, dtype=np.int64)
    renumbered[kept] = np.arange(1, len(kept) + 1)
    labels = renumbered[labels]
    if not len(kept):
        return labels, []
    rows, columns = np.nonzero(labels)
    which, weight = labels[rows, columns] - 1, above[rows, columns]
    risen = weight > _LEVEL * np.sqrt(np.maximum(background[rows, columns], 0.3))
    n = len(kept)
    totals = np.bincount(which, weight, n)
    sums = [np.bincount(which, weight * part, n) for part in (columns, rows)]
    pixels = np.bincount(which, risen, n)
    return labels, [
        _Sums(
            float(totals[i]),
            np.array([sums[0][i], sums[1][i], totals[i] * (number + 0.5)]),
            int(pixels[i]),
            float(best[kept[i] - 1]),
            {number: float(totals[i])},
        )
        for i in range(n)
    ]


def _background(values: Float64Array, good: BoolArray) -> Float64Array:
    """Return the background (slow, fast): middles of squares, in between linear."""
    block = min(_BLOCK, *values.shape)
    # a quarter of the pixels says as much of a square
    few, valid = values[::2, ::2], good[::2, ::2]
    half = max(block // 2, 1)
    cells = tuple(max(size // half, 1) for size in few.shape)
    part = np.s_[: cells[0] * half, : cells[1] * half]
    squares: Float64Array = _squares(few[part], cells, half)
    inside: BoolArray = _squares(valid[part], cells, half)
    whole = inside.all(axis=1)
    coarse = np.full(len(squares), np.nan)
    coarse[whole] = _middles(squares[whole])
    for index in np.flatnonzero(~whole & inside.any(axis=1)):
        coarse[index] = _middles(squares[index][inside[index]][None])[0]
    coarse = np.where(np.isfinite(coarse), coarse, np.nanmedian(coarse) if np.isfinite(coarse).any() else 0.0)
    places = [
        np.interp(np.arange(size), (np.arange(cell) + 0.5) * 2.0 * half - 0.5, np.arange(cell))
        for size, cell in zip(values.shape, cells, strict=True)
    ]
    grid = np.meshgrid(*places, indexing="ij")
    return np.asarray(ndimage.map_coordinates(coarse.reshape(cells), grid, order=1, mode="nearest"), dtype=np.float64)


def _squares(values: Any, cells: tuple[int, ...], half: int) -> Any:
    """Return the squares of an image, a row each."""
    return values.reshape(cells[0], half, cells[1], half).swapaxes(1, 2).reshape(cells[0] * cells[1], -1)


def _middles(squares: Float64Array) -> Float64Array:
    """Return the middle of each row's counts (m, p): the median, and of few counts the mean without the highest."""
    p = squares.shape[1]
    if not len(squares):
        return np.zeros(0)
    half, most = p // 2, max(int(_LOWER * p), p // 2 + 1)
    ordered = np.partition(squares, [half, min(most, p - 1)], axis=1)
    median = ordered[:, half]
    return np.asarray(np.where(median > _FEW_COUNTS, median, ordered[:, :most].mean(axis=1)))


def _root(parent: list[int], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = parent[index]
    return index


def _made(found: list[_Sums], read: int) -> SweepSpots:
    stuck = [len(one.by_frame) >= max(_STUCK * read, _STUCK_FRAMES) for one in found]
    kept = sorted((one for one, bad in zip(found, stuck, strict=True) if not bad), key=lambda one: -one.counts)
    counts = np.array([one.counts for one in kept])
    middle = np.array([one.moments for one in kept]).reshape(-1, 3) / counts.reshape(-1, 1)
    brightest = np.array([max(one.by_frame, key=lambda f: one.by_frame[f]) for one in kept], dtype=np.int64)
    cut = (brightest == 0) | (brightest == read - 1)
    frames = np.array([len(one.by_frame) for one in kept], dtype=np.int64)
    significance = np.array([one.significance for one in kept])
    return SweepSpots(middle[:, :2], middle[:, 2], counts, frames, significance, cut, sum(stuck), read)
