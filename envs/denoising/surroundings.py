"""What surrounds a place in a counted frame: counts in cells whose size goes with the peak's, none of its own among
them.

The cells within ``HIDDEN_SIGMAS`` of the peak are left out, so that what is concluded about the ground under it knows
nothing of its counts.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array

HIDDEN_SIGMAS: Final = 2.5
"""Half edges of the box that is hidden, in the peak's standard deviations; it holds 97.5 % of a Gaussian peak."""

SIGMAS_PX: Final = (1.2, 9.0)
"""Standard deviations of peaks that networks are trained for, pixels."""

LEVELS: Final = (0.03, 60.0)
"""Counts a pixel beside the peak that networks are trained for."""

_OUT = np.array([1.0, 2.0, 3.0, 4.5, 6.5])  # edges of cells beyond the hidden box, standard deviations
_INSIDE, _RINGS = 4, len(_OUT)
_QUARTERS = np.linspace(0.0, 1.0, _INSIDE + 1)
_CELLS = _INSIDE + 2 * _RINGS
_HIDDEN = np.zeros((_CELLS, _CELLS), np.bool_)
_HIDDEN[_RINGS : _RINGS + _INSIDE, _RINGS : _RINGS + _INSIDE] = True
_NEXT = np.zeros_like(_HIDDEN)
_NEXT[_RINGS - 1 : _RINGS + _INSIDE + 1, _RINGS - 1 : _RINGS + _INSIDE + 1] = True
_NEXT &= ~_HIDDEN
_LEAST_LEVEL = 1e-3

FEATURES: Final = 2 * int((~_HIDDEN).sum()) + 3
"""Numbers that tell the surroundings."""


@dataclass(frozen=True, eq=False)
class CountedFrame:
    """Counts (slow, fast) and what of them is hidden: masked, or another peak's."""

    counts: Float64Array
    hidden: BoolArray

    @cached_property
    def sums(self) -> Float64Array:
        """Counts and seen pixels before every row and column, (2, slow + 1, fast + 1)."""
        seen = (~self.hidden).astype(np.float64)
        out = np.zeros((2, seen.shape[0] + 1, seen.shape[1] + 1))
        out[:, 1:, 1:] = np.stack([self.counts * seen, seen]).cumsum(1).cumsum(2)
        return out


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The numbers (FEATURES,) that a network is given, and the counts a pixel of the cells next to the box."""

    told: Float32Array
    level: float


def hidden_box(place: Float64Array, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Return the pixels (rows, columns) about a place (4,): column, row, standard deviations along columns and rows."""
    column, row, across, along = place
    found = []
    for middle, sigma, length in ((row, along, shape[0]), (column, across, shape[1])):
        reach = HIDDEN_SIGMAS * sigma
        found.append(slice(min(length, max(0, round(middle - reach))), max(0, min(length, round(middle + reach) + 1))))
    return found[0], found[1]


def profile(place: Float64Array, box: tuple[slice, slice]) -> Float64Array:
    """Return the share of a Gaussian peak's counts in every pixel of a box."""
    rows, columns = (np.arange(part.start, part.stop, dtype=np.float64) for part in box)
    column, row, across, along = place
    down = np.exp(-0.5 * ((rows - row) / along) ** 2) / (along * np.sqrt(2.0 * np.pi))
    over = np.exp(-0.5 * ((columns - column) / across) ** 2) / (across * np.sqrt(2.0 * np.pi))
    return np.asarray(np.outer(down, over))


def surroundings(frame: CountedFrame, place: Float64Array) -> Surroundings:
    """Return what surrounds a place, (4,) column, row, standard deviations along columns and rows in pixels."""
    counts, pixels = cells(frame, place)
    level = max(float((counts[_NEXT].sum() + 0.5) / max(pixels[_NEXT].sum(), 1.0)), _LEAST_LEVEL)
    return Surroundings(told_cells(counts, pixels, level, place), level)


def cells(frame: CountedFrame, place: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return counts and seen pixels of every cell, the hidden ones among them, (14, 14) each."""
    box = hidden_box(place, (frame.counts.shape[0], frame.counts.shape[1]))
    rows, columns = (_edges(part, sigma) for part, sigma in zip(box, (place[3], place[2]), strict=True))
    sums = _looked_up(frame.sums, rows, columns)
    counts, pixels = sums[:, 1:, 1:] - sums[:, :-1, 1:] - sums[:, 1:, :-1] + sums[:, :-1, :-1]
    return counts, pixels


def told_cells(counts: Float64Array, pixels: Float64Array, level: float, place: Float64Array) -> Float32Array:
    """Return the numbers (FEATURES,) of cells: how far each lies from the level, how well it is known, and sizes."""
    seen = ~_HIDDEN
    expected = pixels[seen] * level
    rises = np.where(pixels[seen] > 1e-6, np.log((counts[seen] + 0.5) / (expected + 0.5)), 0.0)
    sizes = [0.5 * np.log(level), np.log(place[2]), np.log(0.5 * place[3])]
    return np.concatenate([rises, 0.25 * np.log1p(expected), sizes]).astype(np.float32)


def _edges(part: slice, sigma: float) -> Float64Array:
    return np.concatenate(
        [part.start - _OUT[::-1] * sigma, part.start + (part.stop - part.start) * _QUARTERS, part.stop + _OUT * sigma]
    )


def _looked_up(sums: Float64Array, rows: Float64Array, columns: Float64Array) -> Float64Array:
    """Return sums (2, slow + 1, fast + 1) before fractions of pixels, linear between whole ones."""
    last_row, last_column = sums.shape[1] - 1, sums.shape[2] - 1
    r, c = np.clip(rows, 0, last_row), np.clip(columns, 0, last_column)
    i, j = np.minimum(r.astype(np.int64), last_row - 1), np.minimum(c.astype(np.int64), last_column - 1)
    down, over = (r - i)[:, None], c - j
    lines = sums[:, i] + down * (sums[:, i + 1] - sums[:, i])
    return np.asarray(lines[:, :, j] + over * (lines[:, :, j + 1] - lines[:, :, j]))
