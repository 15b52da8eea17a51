"""Numba kernels of sums and extremes over the rows of a spectrum.

Sums have an order of their own, which is part of what a seed gives: one that the compiler chose (``reassoc``) would
change with where a kernel is called from. Extremes are taken column by column, which the processor does in lanes.
"""

from typing import Any

import numpy as np
from numba import njit

LANES = 64


@njit(cache=True, nogil=True, error_model="numpy")
def add_to(total, row) -> None:  # type: ignore[no-untyped-def]
    """Add a row to a running total, in place."""
    for j in range(row.shape[0]):
        total[j] += row[j]


@njit(cache=True, nogil=True, error_model="numpy")
def lower(row, least) -> None:  # type: ignore[no-untyped-def]
    """Replace what is larger than in ``row``, column by column."""
    for j in range(row.shape[0]):
        least[j] = min(least[j], row[j])


@njit(cache=True, nogil=True, error_model="numpy")
def raise_to(row, most) -> None:  # type: ignore[no-untyped-def]
    """Replace what is smaller than in ``row``, column by column."""
    for j in range(row.shape[0]):
        most[j] = max(most[j], row[j])


@njit(cache=True, nogil=True, error_model="numpy")
def row_sum(row) -> Any:  # type: ignore[no-untyped-def]
    """Return the sum of one row: the middle two of every four are added first."""
    a, even = np.float32(0.0), row.shape[0] - row.shape[0] % 4
    for j in range(0, even, 4):
        a = a + row[j] + (row[j + 1] + row[j + 2]) + row[j + 3]
    for j in range(even, row.shape[0]):
        a += row[j]
    return a


@njit(cache=True, nogil=True, error_model="numpy")
def four_sums(rows, out) -> None:  # type: ignore[no-untyped-def]
    """Write ``row_sum`` of four rows, side by side: their additions need not wait for each other."""
    a, b, c, d = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
    p, q, r, s = rows[0], rows[1], rows[2], rows[3]
    even = rows.shape[1] - rows.shape[1] % 4
    for j in range(0, even, 4):
        a = a + p[j] + (p[j + 1] + p[j + 2]) + p[j + 3]
        b = b + q[j] + (q[j + 1] + q[j + 2]) + q[j + 3]
        c = c + r[j] + (r[j + 1] + r[j + 2]) + r[j + 3]
        d = d + s[j] + (s[j + 1] + s[j + 2]) + s[j + 3]
    for j in range(even, rows.shape[1]):
        a, b, c, d = a + p[j], b + q[j], c + r[j], d + s[j]
    out[0], out[1], out[2], out[3] = a, b, c, d


@njit(cache=True, nogil=True, error_model="numpy")
def folded(lanes) -> Any:  # type: ignore[no-untyped-def]
    """Return the sum of eight lanes, added up in halves."""
    for k in range(4):
        lanes[k] += lanes[k + 4]
    return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3])


@njit(cache=True, nogil=True, error_model="numpy")
def lane_sum(row, lanes) -> Any:  # type: ignore[no-untyped-def]
    """Return the sum of a row in 64 lanes, what is left over in eight, and the last few one by one.

    ``lanes`` (64,) is scratch.
    """
    total, j, last = np.float32(0.0), 0, row.shape[0]
    if j + LANES <= last:
        lanes[:] = np.float32(0.0)
        while j + LANES <= last:
            part = row[j : j + LANES]
            for k in range(LANES):
                lanes[k] += part[k]
            j += LANES
        for k in range(16):
            lanes[k] = (lanes[k] + lanes[k + 16]) + (lanes[k + 32] + lanes[k + 48])
        for k in range(8):
            lanes[k] += lanes[k + 8]
        total = folded(lanes)
    if j + 8 <= last:
        lanes[:8] = np.float32(0.0)
        lanes[0] = total
        while j + 8 <= last:
            part = row[j : j + 8]
            for k in range(8):
                lanes[k] += part[k]
            j += 8
        total = folded(lanes)
    while j < last:
        total += row[j]
        j += 1
    return total
