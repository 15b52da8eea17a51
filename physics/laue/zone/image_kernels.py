"""Kernels that put the zone task's spots on images: equal disks as published, or counts with all their noise."""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.counter_rng import poisson, uniform

_INVERSION_BELOW = 30.0  # mean above which rejection is faster than inversion
_TRIES = 16  # a rejection step fails in under 15 % of the cases: never sixteen times running
_FULL = 65535


@njit(cache=True, nogil=True)
def draw_disks(position, count, radius_px, hole_px, images) -> None:  # type: ignore[no-untyped-def]
    """Draw equal disks, edges softened over one pixel, around a black camera hole.

    Parameters
    ----------
    position, count : (n, s, 2) fast and slow, and (n,)
    radius_px, hole_px : radii of a disk and of the hole in the image's centre, pixels
    images : (n, size, size) uint8, overwritten
    """
    size = images.shape[1]
    centre = 0.5 * (size - 1)
    for i in range(images.shape[0]):
        images[i] = 0
        for j in range(count[i]):
            x, y = position[i, j, 0], position[i, j, 1]
            for row in range(max(0, int(y - radius_px)), min(size, int(y + radius_px) + 2)):
                for column in range(max(0, int(x - radius_px)), min(size, int(x + radius_px) + 2)):
                    if math.sqrt((row - centre) ** 2 + (column - centre) ** 2) < hole_px:
                        continue
                    inside = radius_px + 0.5 - math.sqrt((row - y) ** 2 + (column - x) ** 2)
                    grey = int(255.0 * min(1.0, max(0.0, inside)) + 0.5)
                    if grey > images[i, row, column]:
                        images[i, row, column] = grey


@njit(cache=True, nogil=True)
def poisson_any(key, counter, mean) -> Any:  # type: ignore[no-untyped-def]
    """Draw one exact Poisson number; uses the counters from ``counter`` to ``counter`` + 31.

    Inversion for small means, else transformed rejection (Hörmann, Insurance: Math. Econ. 12 (1993) 39, PTRS).
    """
    if mean < _INVERSION_BELOW:
        return poisson(key, counter, mean)
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    edge = 0.9277 - 3.6224 / (b - 2.0)
    for t in range(_TRIES):
        u = uniform(key, counter + 2 * t) - 0.5
        v = uniform(key, counter + 2 * t + 1)
        us = 0.5 - abs(u)
        k = math.floor((2.0 * a / us + b) * u + mean + 0.43)
        if us >= 0.07 and v <= edge:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        if math.log(v * inverse_alpha / (a / (us * us) + b)) <= k * math.log(mean) - mean - math.lgamma(k + 1.0):
            return k
    return math.floor(mean + 0.5)


@njit(cache=True, nogil=True)
def poisson_tables(means, most) -> tuple[Any, Any]:  # type: ignore[no-untyped-def]
    """Return cumulative probabilities (m, ``most``) of Poisson numbers, and where a search for u = column / 256 starts.

    ``most`` must be so large that the rest is below 2**-53; the start (m, 256) makes a draw one or two comparisons.
    """
    cumulative = np.ones((means.shape[0], most))
    start = np.zeros((means.shape[0], 256), dtype=np.int16)
    for i in range(means.shape[0]):
        term, total = math.exp(-means[i]), 0.0
        for k in range(most):
            total += term
            cumulative[i, k] = total
            term *= means[i] / (k + 1)
        cumulative[i, most - 1] = 1.0
        k = 0
        for column in range(256):
            while cumulative[i, k] <= column / 256.0:
                k += 1
            start[i, column] = k
    return cumulative, start


@njit(cache=True)
def _add_spot(expected, x, y, counts, sigma_px, share) -> None:  # type: ignore[no-untyped-def]
    """Add a Gaussian spot, integrated over every pixel within three standard deviations; ``share`` is scratch."""
    size = expected.shape[0]
    reach = 3.0 * sigma_px
    scale = 1.0 / (math.sqrt(2.0) * sigma_px)
    first, last = max(0, math.floor(x - reach + 0.5)), min(size - 1, math.floor(x + reach + 0.5))
    left = math.erf((first - 0.5 - x) * scale)
    for column in range(first, last + 1):
        right = math.erf((column + 0.5 - x) * scale)
        share[column - first] = right - left
        left = right
    for row in range(max(0, math.floor(y - reach + 0.5)), min(size - 1, math.floor(y + reach + 0.5)) + 1):
        along = 0.5 * counts * (math.erf((row + 0.5 - y) * scale) - math.erf((row - 0.5 - y) * scale))
        for column in range(first, last + 1):
            expected[row, column] += 0.5 * along * share[column - first]


@njit(cache=True, nogil=True)
def expose_images(position, counts, count, keys, level, means, tables, sigma_px, images) -> None:  # type: ignore[no-untyped-def]
    """Expose: Gaussian spots on a background, every pixel an exact Poisson number.

    Parameters
    ----------
    position, counts, count : (n, s, 2), (n, s), (n,) the spots, counts integrated
    keys : (n,) random keys
    level : (size, size) which of ``means`` is the background of a pixel; -1 in the image's hole
    means, tables : (m,) expected background counts, and their ``poisson_tables``
    sigma_px : a spot's standard deviation, pixels
    images : (n, size, size) uint16, overwritten
    """
    cumulative, start = tables
    size = level.shape[0]
    expected, share, u = np.empty((size, size)), np.empty(size + 1), np.empty(size)
    for i in range(images.shape[0]):
        expected[:] = 0.0
        for j in range(count[i]):
            _add_spot(expected, position[i, j, 0], position[i, j, 1], counts[i, j], sigma_px, share)
        for row in range(size):
            for column in range(size):
                u[column] = uniform(keys[i], 32 * (row * size + column))
            for column in range(size):
                here = level[row, column]
                if here < 0:
                    images[i, row, column] = 0
                elif expected[row, column] > 0.0:
                    drawn = poisson_any(keys[i], 32 * (row * size + column), means[here] + expected[row, column])
                    images[i, row, column] = min(drawn, _FULL)
                else:
                    images[i, row, column] = _tabled(cumulative[here], start[here], u[column])


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _tabled(cumulative, start, u) -> Any:  # type: ignore[no-untyped-def]
    """Draw a Poisson number by its tables; two steps are taken without a branch, which would be mispredicted."""
    k = np.int64(start[int(256.0 * u)])
    k += cumulative[k] <= u
    k += cumulative[k] <= u
    while cumulative[k] <= u:
        k += 1
    return k


@njit(cache=True, nogil=True)
def grey_of_counts(images, out) -> None:  # type: ignore[no-untyped-def]
    """Compress counts (n, size, size) uint16 to uint8: 32 + 4 (√counts − the median of √counts), cut at 0 and 255."""
    size = images.shape[1]
    histogram = np.empty(_FULL + 1, dtype=np.int64)
    half = size * size // 2
    for i in range(images.shape[0]):
        histogram[:] = 0
        for row in range(size):
            for column in range(size):
                histogram[images[i, row, column]] += 1
        below, lower, upper = 0, -1, -1
        for value in range(_FULL + 1):
            below += histogram[value]
            if lower < 0 and below >= half + size % 2:
                lower = value
            if below >= half + 1:
                upper = value
                break
        median = 0.5 * (math.sqrt(lower) + math.sqrt(upper))
        for row in range(size):
            for column in range(size):
                grey = 32.0 + 4.0 * (math.sqrt(images[i, row, column]) - median)
                out[i, row, column] = int(min(255.0, max(0.0, grey)))
