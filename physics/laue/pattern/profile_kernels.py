"""Numba kernels of a round spot's profile: how much of a Gaussian falls into each of the pixels along an axis."""

import math
from typing import Any

import numpy as np
from numba import njit

RESOLVED = 0.7  # a spot narrower than this many pixels is integrated over the pixels instead of sampled
PIXEL_VARIANCE = 1.0 / 12.0
LANES = 8  # pixels that a spot of RESOLVED can touch along an axis, to four standard deviations
_BEFORE = 3  # of them, so many lie before the one that holds its centre
_CELLS = 128  # of the centre's fraction of a pixel
_TERMS = 7  # of a polynomial in it: the next one is below 1e-16 where a spot is wider than _NARROWEST
_NARROWEST = 0.45
_ROUNDING = 1e-15  # more than table, error functions and sums can err together


@njit(cache=True, error_model="numpy", forceinline=True)
def profile(centre, variance, first, weights, number) -> None:  # type: ignore[no-untyped-def]
    """Write how much of a Gaussian of area 1 falls into pixels first, first + 1, …

    Where the pixels resolve it, it is sampled with the pixel's own variance added, by the recurrence
    g(x + 1) = g(x) r(x), r(x + 1) = r(x) exp(−1/σ²); else it is integrated exactly.
    """
    if variance < RESOLVED * RESOLVED:
        scale = 1.0 / math.sqrt(2.0 * max(variance, 1e-12))
        lower = math.erf((first - 0.5 - centre) * scale)
        for k in range(number):
            upper = math.erf((first + k + 0.5 - centre) * scale)
            weights[k] = 0.5 * (upper - lower)
            lower = upper
        return
    inverse = 1.0 / (variance + PIXEL_VARIANCE)
    offset = first - centre
    value = math.sqrt(inverse / (2.0 * math.pi)) * math.exp(-0.5 * offset * offset * inverse)
    ratio, change = math.exp(-(offset + 0.5) * inverse), math.exp(-inverse)
    for k in range(number):
        weights[k] = value
        value *= ratio
        ratio *= change


@njit(cache=True, nogil=True, error_model="numpy")
def profile_table(sigma_px) -> Any:  # type: ignore[no-untyped-def]
    """Return the polynomials from which ``tabled_profile`` takes a spot's weights, (cells, terms, lanes).

    They are Taylor series of the error function, whose derivatives are Hermite polynomials times a Gaussian; empty
    where a spot is so narrow that they do not reach double precision, or wide enough to be sampled.
    """
    if not _NARROWEST <= sigma_px < RESOLVED:
        return np.empty((0, _TERMS, LANES))
    table = np.zeros((_CELLS, _TERMS, LANES))
    scale = 1.0 / math.sqrt(2.0 * sigma_px * sigma_px)
    for cell in range(_CELLS):
        for lane in range(LANES):
            for side in (0.5, -0.5):
                z = (lane - _BEFORE + side - (cell + 0.5) / _CELLS) * scale
                table[cell, 0, lane] += side * math.erf(z)
                factor = -side * 2.0 / math.sqrt(math.pi) * math.exp(-z * z)
                hermite, before = 1.0, 0.0
                for n in range(1, _TERMS):
                    factor *= scale / n
                    table[cell, n, lane] += factor * hermite
                    hermite, before = 2.0 * z * hermite - 2.0 * (n - 1) * before, hermite
    return table


@njit(cache=True, nogil=True, error_model="numpy")
def tabled_profile(centre, table, first, last, weights) -> Any:  # type: ignore[no-untyped-def]
    """Write the weights of ``LANES`` pixels, of which first … last are used; returns the first one, and whether sure.

    They are not sure where a used weight may be rounded to single precision in another way than by ``profile``, which
    is then to be asked. The centre comes in single precision, so that its fraction is exact.
    """
    start = math.floor(centre) - _BEFORE
    fraction = centre - math.floor(centre)
    cell = int(fraction * _CELLS)
    d = np.float64(fraction) - (cell + 0.5) / _CELLS
    d2 = d * d
    c = table[cell]
    low, high, unsure = first - start, last - start, 0
    for lane in range(table.shape[2]):  # not LANES: of a loop of known length no vector instructions are made
        value = (c[4, lane] + d * c[5, lane]) + d2 * c[6, lane]
        value = (c[0, lane] + d * c[1, lane]) + d2 * ((c[2, lane] + d * c[3, lane]) + d2 * value)
        weights[lane] = value
        used = (lane >= low) & (lane <= high)
        unsure += used & (np.float32(value - _ROUNDING) != np.float32(value + _ROUNDING))
    return start, unsure == 0
