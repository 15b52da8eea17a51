"""The input of a scorer: the same picture and numbers for every grid of pixels."""

from typing import Any

import numpy as np
from numba import njit

SIDE = 64
BLOCKS = 16
"""Blocks along each axis, over which the brightness's distribution is taken: of 4 x 4 pixels each."""

QUANTILES = 16
FEATURES = 6 + QUANTILES
_MOST_WHOLE = np.float32(1 << 24)  # single precision holds every whole number below
_ROOTS = 1024  # whole numbers of which a table of roots is made
_WHITEST = np.float32(8.0)  # a hot pixel is no brighter than that


@njit(cache=True, nogil=True)
def edges(pixels, first, second, share) -> None:  # type: ignore[no-untyped-def]
    """Write in which of 64 cells each of ``pixels`` lies: ``share`` of it in ``first``, the rest in ``second``."""
    for i in range(pixels):
        low, high = i * SIDE / pixels, (i + 1) * SIDE / pixels
        cell = min(int(low), SIDE - 1)
        end = float(cell + 1)
        first[i] = cell
        second[i] = min(cell + 1, SIDE - 1)
        share[i] = 1.0 if high <= end + 1e-9 else (end - low) / (high - low)


@njit(cache=True, nogil=True)
def rebin(counts, rows, columns, out) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Add up counts (e, a) in 64 x 64 cells, each pixel by the share of it that lies in a cell; returns min and sum.

    ``rows`` and ``columns`` are (first, second, share) of ``edges``.
    """
    out[:] = np.float32(0.0)
    line = np.empty(SIDE, np.float32)
    least, total = np.float32(0.0), 0.0
    for i in range(counts.shape[0]):
        line[:] = np.float32(0.0)
        for j in range(counts.shape[1]):
            value = counts[i, j]
            least = min(least, value)
            part = value * columns[2][j]
            line[columns[0][j]] += part
            line[columns[1][j]] += value - part
        share = rows[2][i]
        one, two = rows[0][i], rows[1][i]
        for j in range(SIDE):
            total += line[j]
            part = line[j] * share
            out[one, j] += part
            out[two, j] += line[j] - part
    return float(least), total


@njit(cache=True, nogil=True, error_model="numpy")
def sum_of_whole(counts) -> Any:  # type: ignore[no-untyped-def]
    """Return the sum of counts (e, a) that are whole numbers from 0 to 2²⁴; −1 where one of them is not."""
    total, others = np.int64(0), np.int32(0)
    for i in range(counts.shape[0]):
        row, part = counts[i], np.int32(0)
        for j in range(row.shape[0]):
            value = row[j]
            fine = (value >= np.float32(0.0)) & (value < _MOST_WHOLE) & (np.floor(value) == value)
            part += np.int32(value if fine else np.float32(0.0))
            others |= np.int32(not fine)
        total += np.int64(part)
    return -1 if others else total


@njit(cache=True, nogil=True)
def whole_sums(counts, out) -> None:  # type: ignore[no-untyped-def]
    """Write ``sum_of_whole`` of every spectrum (m, e, a)."""
    for m in range(counts.shape[0]):
        out[m] = sum_of_whole(counts[m])


@njit(cache=True, nogil=True, error_model="numpy")
def whiten(cells, mean, largest, whole, roots, image) -> None:  # type: ignore[no-untyped-def]
    """Write √(cells / mean), 8 at most; of few different whole numbers each root is taken once, into ``roots``."""
    if whole and largest < roots.shape[0]:
        for k in range(int(largest) + 1):
            roots[k] = min(np.sqrt(np.float32(k) / mean), _WHITEST)
        for i in range(SIDE):
            row, line = cells[i], image[i]
            for j in range(SIDE):
                line[j] = roots[np.uint32(row[j])]
        return
    for i in range(SIDE):
        row, line = cells[i], image[i]
        for j in range(row.shape[0]):
            line[j] = min(np.sqrt(row[j] / mean), _WHITEST)


@njit(cache=True, nogil=True, error_model="numpy")
def write_scorer_input(counts, image, features) -> bool:  # type: ignore[no-untyped-def]
    """Encode spectra (m, e, a) as pictures (m, 64, 64) and features (m, 6 + 16); returns whether all were counts."""
    e, a = counts.shape[1:]
    rows = np.empty(e, np.int64), np.empty(e, np.int64), np.empty(e, np.float32)
    columns = np.empty(a, np.int64), np.empty(a, np.int64), np.empty(a, np.float32)
    edges(e, *rows)
    edges(a, *columns)
    room, blocks = np.empty((SIDE, SIDE), np.float32), np.empty(BLOCKS * BLOCKS, np.float32)
    most, roots, step = np.empty(SIDE, np.float32), np.empty(_ROOTS, np.float32), SIDE // BLOCKS
    for m in range(counts.shape[0]):
        whole = sum_of_whole(counts[m]) if e == SIDE and a == SIDE else -1
        if whole >= 0:  # every pixel is a cell
            cells, total = counts[m], float(whole)
        else:
            least, total = rebin(counts[m], rows, columns, room)
            cells = room
            if not (np.isfinite(total) and least >= 0.0):
                return False
        mean = max(total / (SIDE * SIDE), 1e-9)
        blocks[:], most[:] = np.float32(0.0), np.float32(0.0)
        empty = np.int32(0)
        for i in range(SIDE):
            line, part, dark = cells[i], blocks[(i // step) * BLOCKS : (i // step + 1) * BLOCKS], np.int32(0)
            for j in range(line.shape[0]):
                most[j] = max(most[j], line[j])
            for j in range(line.shape[0]):
                dark += np.int32(line[j] < np.float32(0.5))
            for j in range(BLOCKS):
                for k in range(step):
                    part[j] += line[j * step + k]
            empty += dark
        largest = np.max(most)
        whiten(cells, mean, largest, whole >= 0, roots, image[m])
        blocks.sort()
        row = features[m]
        row[0] = np.log10(1.0 + total) / 6.0
        row[1] = min(total / 1e5, 1.0)
        row[4] = min(np.sqrt(largest / mean) / 8.0, 4.0)
        row[5] = empty / (SIDE * SIDE)
        for q in range(QUANTILES):
            at = (q * (BLOCKS * BLOCKS - 1)) // (QUANTILES - 1)
            row[6 + q] = min(np.sqrt(blocks[at] / (mean * step * step)), 8.0)
    return True
