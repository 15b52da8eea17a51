"""Numba kernels that hand out spots one at a time, brightest first: most of a pattern's spots are never asked for."""

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def make_heap(intensity, number, value, place) -> None:  # type: ignore[no-untyped-def]
    """Order the first ``number`` intensities as a heap in ``value`` and ``place``; its root is the brightest spot."""
    for i in range(number):
        value[i], place[i] = intensity[i], i
    for root in range(number // 2 - 1, -1, -1):
        _settle(value, place, root, number, value[root], place[root])


@njit(cache=True, nogil=True, error_model="numpy")
def take_brightest(value, place, size) -> Any:  # type: ignore[no-untyped-def]
    """Return the place of the brightest of ``size`` spots, of equally bright ones the first, and take it out."""
    brightest = place[0]
    _settle(value, place, 0, size - 1, value[size - 1], place[size - 1])
    return brightest


@njit(cache=True, nogil=True, error_model="numpy")
def _settle(value, place, root, size, bright, which) -> None:  # type: ignore[no-untyped-def]
    """Put a spot where it belongs below the free ``root`` of a heap of ``size``.

    The free place goes down to the bottom first, and the spot up from there: it seldom has far to go.
    """
    free = root
    child = 2 * free + 1
    while child < size:
        other = min(child + 1, size - 1)
        child += (other - child) * _before(value, place, other, value[child], place[child])
        value[free], place[free] = value[child], place[child]
        free, child = child, 2 * child + 1
    while free > root:
        parent = (free - 1) // 2
        if _before(value, place, parent, bright, which):
            break
        value[free], place[free] = value[parent], place[parent]
        free = parent
    value[free], place[free] = bright, which


@njit(cache=True, error_model="numpy", inline="always")
def _before(value, place, one, bright, which) -> Any:  # type: ignore[no-untyped-def]
    return np.int64((value[one] > bright) | ((value[one] == bright) & (place[one] < which)))
