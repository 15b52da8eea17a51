"""Numba kernel of the scores that are read off a measured spectrum."""

import math

import numpy as np
from numba import njit

BLOCK_ROWS, BLOCK_COLUMNS = 16, 8
"""Blocks along energy and slit in which contrast is measured: few enough that each holds many electrons."""

LANES = 64  # rows that are summed side by side
_FEW = 30.0  # electrons in an energy's row of blocks below which nothing is said of it
_NARROWEST_DEG, _WIDEST_DEG = 0.3, 8.0
_EV_PER_DEG = 0.03  # a typical band's velocity times the momentum of one degree
_FWHM = 2.3548


@njit(cache=True, nogil=True, error_model="numpy")
def contrast_of(counts, blocks) -> float:  # type: ignore[no-untyped-def]
    """Return Σ s·s/(s + g) / Σ s over blocks, s what stands out by more than its noise, g the two faintest's mean."""
    high, wide = counts.shape[0] // BLOCK_ROWS, counts.shape[1] // BLOCK_COLUMNS
    shared = out = 0.0
    for i in range(BLOCK_ROWS):
        for j in range(BLOCK_COLUMNS):
            total = np.float32(0.0)
            for r in range(i * high, (i + 1) * high):
                for c in range(j * wide, (j + 1) * wide):
                    total += counts[r, c]
            blocks[j] = total
        first = second = np.inf
        row = 0.0
        for j in range(BLOCK_COLUMNS):
            value = blocks[j]
            row += value
            if value < first:
                first, second = value, first
            elif value < second:
                second = value
        ground = 0.5 * (first + second)
        if row < _FEW:
            continue
        for j in range(BLOCK_COLUMNS):
            stands = blocks[j] - ground - math.sqrt(blocks[j])
            if stands > 0.0:
                out += stands
                shared += stands * stands / (stands + ground)
    return shared / out if out > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def width_of(counts, turned, sums) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Return the standard deviation, in columns, of features along the slit (−1 if none are seen), and the electrons.

    Gaussian features have the autocorrelation exp(−l²/4σ²); lags 1 and 3 give σ² = 2/ln(R1/R3), free of shot noise.
    64 rows are summed side by side; ``turned`` (a, 64) and ``sums`` (192,) are scratch.
    """
    near = far = total = 0.0
    rows = counts.shape[0]
    for first in range(0, rows, LANES):
        strip = counts[first : min(first + LANES, rows)]
        lanes = strip.shape[0]
        correlate_rows(strip, turned, sums)
        for r in range(lanes):
            total, near, far = total + sums[r], near + sums[LANES + r], far + sums[2 * LANES + r]
    if near <= 0.0 or far >= near:
        return -1.0, total
    if far <= 0.0:
        return 0.5, total
    return math.sqrt(2.0 / math.log(near / far)), total


@njit(cache=True, nogil=True, error_model="numpy")
def correlate_rows(strip, turned, sums) -> None:  # type: ignore[no-untyped-def]
    """Write the sum of each of up to 64 rows, and Σ d_c d_(c+1) and Σ d_c d_(c+3) of its deviations d from its mean."""
    lanes, columns = strip.shape
    sums[:] = np.float32(0.0)
    for c in range(columns):
        line = turned[c]
        for r in range(lanes):
            line[r] = strip[r, c]
        for r in range(lanes):
            sums[r] += line[r]
    for c in range(columns):
        line = turned[c]
        for r in range(lanes):
            line[r] -= sums[r] / np.float32(columns)
    for c in range(columns - 3):
        here, following, third = turned[c], turned[c + 1], turned[c + 3]
        for r in range(lanes):
            sums[LANES + r] += here[r] * following[r]
            sums[2 * LANES + r] += here[r] * third[r]


@njit(cache=True, nogil=True, error_model="numpy")
def estimate(counts, slit_step_deg, out) -> None:  # type: ignore[no-untyped-def]
    """Write sharpness, contrast and electrons (n, 3) of the spectra (n, e, a)."""
    blocks = np.empty(BLOCK_COLUMNS)
    turned = np.empty((counts.shape[2], LANES), dtype=np.float32)
    sums = np.empty(3 * LANES, dtype=np.float32)
    for i in range(counts.shape[0]):
        width, total = width_of(counts[i], turned, sums)
        width *= slit_step_deg
        if width < 0.0:
            width = _WIDEST_DEG
        width = min(max(width, _NARROWEST_DEG), _WIDEST_DEG)
        out[i, 0] = 1.0 - _FWHM * _EV_PER_DEG * width
        out[i, 1] = contrast_of(counts[i], blocks)
        out[i, 2] = total
