"""Coordinate ascent of a Markov random field of one band, with exact pruning and sites that sleep.

All energies are in steps of the energy axis. A site's neighbours enter as a·(l − m)², whatever the form: the sum of
squares about the neighbours, and of the second differences that hold the site, is one parabola.
"""

import math

import numpy as np
from numba import njit

from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array, Int32Array

_NEGLIGIBLE = 9.0
"""Of the logarithm of a probability: what lies so far below the largest is left out of the widths."""


@njit(cache=True)
def _seen(index: Int32Array, ref: Float64Array, mask: BoolArray, p: int, q: int) -> tuple[bool, float]:
    """Whether a neighbour is there, and its value about its own reference."""
    if p < 0 or q < 0 or p >= index.shape[0] or q >= index.shape[1] or not mask[p, q]:
        return False, 0.0
    return True, index[p, q] - ref[p, q]


@njit(cache=True)
def _parabola(
    index: Int32Array, ref: Float64Array, mask: BoolArray, i: int, j: int, near: float, curved: float
) -> tuple[float, float]:
    """Curvature a and centre m of what neighbours say of site (i, j); a = 0 where it has none."""
    a, b = 0.0, 0.0
    for axis in range(2):
        di, dj = 1 - axis, axis
        has_1, next_1 = _seen(index, ref, mask, i + di, j + dj)
        has_0, next_0 = _seen(index, ref, mask, i - di, j - dj)
        if has_1:
            a, b = a + near, b + near * next_1
        if has_0:
            a, b = a + near, b + near * next_0
        if curved == 0.0:
            continue
        if has_0 and has_1:
            a, b = a + 4.0 * curved, b + 2.0 * curved * (next_0 + next_1)
        if has_1:
            far, after = _seen(index, ref, mask, i + 2 * di, j + 2 * dj)
            if far:
                a, b = a + curved, b + curved * (2.0 * next_1 - after)
        if has_0:
            far, after = _seen(index, ref, mask, i - 2 * di, j - 2 * dj)
            if far:
                a, b = a + curved, b + curved * (2.0 * next_0 - after)
    return a, (b / a + ref[i, j] if a > 0.0 else 0.0)


@njit(cache=True)
def _best(log_row: Float32Array, peak: float, a: float, m: float, current: int) -> int:
    """Index of the largest log I − a·(l − m)²; the present one where nothing is larger.

    Going outwards from m, no index can win any more once a·(l − m)² exceeds the row's peak less the best so far.
    """
    n = log_row.shape[0]
    best, where = log_row[current] - a * (current - m) ** 2, current
    start = min(max(math.floor(m), -1), n - 1)
    up, down = start + 1, start
    rising, falling = up < n, down >= 0
    while rising or falling:
        if rising:
            cost = a * (up - m) ** 2
            if up > m and cost > peak - best:
                rising = False
            else:
                value = log_row[up] - cost
                if value > best:
                    best, where = value, up
                up += 1
                rising = up < n
        if falling:
            cost = a * (down - m) ** 2
            if down < m and cost > peak - best:
                falling = False
            else:
                value = log_row[down] - cost
                if value > best:
                    best, where = value, down
                down -= 1
                falling = down >= 0
    return where


@njit(cache=True)
def _wake(awake: BoolArray, mask: BoolArray, i: int, j: int, reach: int) -> None:
    for step in range(1, reach + 1):
        for p, q in ((i - step, j), (i + step, j), (i, j - step), (i, j + step)):
            if 0 <= p < awake.shape[0] and 0 <= q < awake.shape[1] and mask[p, q]:
                awake[p, q] = True


@njit(cache=True)
def ascend(
    log_i: Float32Array,
    peak: Float32Array,
    mask: BoolArray,
    ref: Float64Array,
    index: Int32Array,
    near: float,
    curved: float,
    most: int,
) -> tuple[int, int]:
    """Move a band's sites to the largest posterior, colour by colour, until none moves; returns (sweeps, still moving).

    log_i : (x, y, e) logarithm of the intensity; peak : (x, y) its largest
    ref : (x, y) what the smoothness is about, in steps: 0 for the energy itself, the start for the offset from it
    index : (x, y) int32, in and out
    near, curved : 1/(2 η²) of neighbours and of second differences, in steps
    most : sweeps at most
    """
    colours, reach = (3, 2) if curved > 0.0 else (2, 1)
    nx, ny = index.shape
    awake = mask.copy()
    for sweep in range(most):
        moved = 0
        for colour in range(colours):
            for i in range(nx):
                for j in range(ny):
                    if (i - j) % colours != colour or not awake[i, j]:
                        continue
                    awake[i, j] = False
                    a, m = _parabola(index, ref, mask, i, j, near, curved)
                    found = _best(log_i[i, j], peak[i, j], a, m, index[i, j])
                    if found != index[i, j]:
                        index[i, j] = found
                        moved += 1
                        _wake(awake, mask, i, j, reach)
        if moved == 0:
            return sweep + 1, 0
    return most, moved


@njit(cache=True)
def finish(
    log_i: Float32Array,
    peak: Float32Array,
    mask: BoolArray,
    ref: Float64Array,
    index: Int32Array,
    near: float,
    curved: float,
    place: Float64Array,
    width: Float64Array,
) -> None:
    """Place each site between the steps by a parabola through its three best values, and say how sharp that is.

    place : (x, y) out, in steps; width : (x, y) out, standard deviation of the conditional probability, in steps
    """
    nx, ny = index.shape
    n = log_i.shape[2]
    for i in range(nx):
        for j in range(ny):
            here = index[i, j]
            place[i, j], width[i, j] = here, np.nan
            if not mask[i, j]:
                continue
            a, m = _parabola(index, ref, mask, i, j, near, curved)
            row = log_i[i, j]
            top = row[here] - a * (here - m) ** 2
            if 0 < here < n - 1:
                left = row[here - 1] - a * (here - 1 - m) ** 2
                right = row[here + 1] - a * (here + 1 - m) ** 2
                bend = left - 2.0 * top + right
                if bend < 0.0:
                    place[i, j] = here + min(max(0.5 * (left - right) / bend, -0.5), 0.5)
            total, first, second = 0.0, 0.0, 0.0
            reach = math.sqrt((peak[i, j] - top + _NEGLIGIBLE) / a) if a > 0.0 else float(n)
            for e in range(max(int(m - reach), 0), min(int(m + reach) + 2, n)):
                weight = math.exp(min(row[e] - a * (e - m) ** 2 - top, 0.0))
                total += weight
                first += weight * (e - here)
                second += weight * (e - here) ** 2
            first /= total
            width[i, j] = math.sqrt(max(second / total - first * first, 1.0 / 12.0))
