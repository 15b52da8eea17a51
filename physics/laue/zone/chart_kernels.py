"""Kernels of the chart: where theta and phi lay the zones of a pattern along the beam, by votes of pairs of spots.

Planes of a zone share its axis, so that the normals of any two of them name it: their cross product. A pair of spots
votes for the place (theta, phi) at which that axis lies along the beam; a zone of k spots has k (k - 1) / 2 votes in
one place, chance has few. It is the Hough transform of zones.
"""

import math
from typing import Any

from numba import njit

HALF_DEG = 90.0
"""The chart reaches so far each way: every line lies along the beam at one place within."""
LEAST_SINE = 0.1
"""Of the angle between two normals; nearer ones name their zone badly."""
_NEAR, _AROUND = 1, 7  # cells each way of a peak, and of what it is compared with
_FLOOR = 0.3  # votes in a cell that count as none


@njit(cache=True, nogil=True)
def add_votes(normals, count, rotation, votes) -> None:  # type: ignore[no-untyped-def]
    """Add the votes of one frame to each chart.

    Parameters
    ----------
    normals : (m, s, 3) unit normals of the found spots' planes, lab
    count : (m,) spots of each frame
    rotation : (m, 3, 3) of the goniometer, as each frame was taken
    votes : (m, g, g) of places theta and phi, changed; a vote is shared among the four cells around its place
    """
    cells = votes.shape[1]
    per_deg = cells / (2.0 * HALF_DEG)
    for i in range(normals.shape[0]):
        turn = rotation[i]
        for j in range(count[i]):
            a, b, c = normals[i, j]
            for k in range(j):
                d, e, f = normals[i, k]
                u, v, w = b * f - c * e, c * d - a * f, a * e - b * d
                if u * u + v * v + w * w < LEAST_SINE * LEAST_SINE:
                    continue
                x = turn[0, 0] * u + turn[1, 0] * v + turn[2, 0] * w
                y = turn[0, 1] * u + turn[1, 1] * v + turn[2, 1] * w
                z = turn[0, 2] * u + turn[1, 2] * v + turn[2, 2] * w
                if x < 0.0:
                    x, y, z = -x, -y, -z
                theta = math.degrees(math.atan2(z, math.hypot(x, y)))
                phi = -math.degrees(math.atan2(y, x))
                _share(votes[i], (theta + HALF_DEG) * per_deg - 0.5, (phi + HALF_DEG) * per_deg - 0.5)


@njit(cache=True, nogil=True)
def _share(votes, row, column) -> None:  # type: ignore[no-untyped-def]
    cells = votes.shape[0]
    first, left = math.floor(row), math.floor(column)
    down, right = row - first, column - left
    for q in range(2):
        for p in range(2):
            y, x = int(first) + q, int(left) + p
            if 0 <= y < cells and 0 <= x < cells:
                votes[y, x] += (down if q else 1.0 - down) * (right if p else 1.0 - right)


@njit(cache=True, nogil=True)
def strongest_places(votes, been, sums, contrast, places) -> None:  # type: ignore[no-untyped-def]
    """Find the places of the strongest zones of each chart, the strongest first.

    Parameters
    ----------
    votes : (m, g, g)
    been : (m, g, g) True where a frame was taken: nothing is looked for there again
    sums, contrast : (g + 1, g + 1) and (g, g), room to work in
    places : (m, k, 3) filled: theta and phi in degrees, and the contrast, votes near the place over those around it; a
        contrast of 0 where there is no place
    """
    cells = votes.shape[1]
    for i in range(votes.shape[0]):
        _summed(votes[i], sums)
        for y in range(cells):
            for x in range(cells):
                peak = 0.0 if been[i, y, x] else _mean(sums, y, x, _NEAR) / (_mean(sums, y, x, _AROUND) + _FLOOR)
                contrast[y, x] = peak
        for k in range(places.shape[1]):
            _take(votes[i], contrast, places[i, k])


@njit(cache=True, nogil=True)
def _summed(votes, sums) -> None:  # type: ignore[no-untyped-def]
    for y in range(votes.shape[0]):
        along = 0.0
        for x in range(votes.shape[1]):
            along += votes[y, x]
            sums[y + 1, x + 1] = sums[y, x + 1] + along


@njit(cache=True, nogil=True)
def _mean(sums, y, x, reach) -> Any:  # type: ignore[no-untyped-def]
    cells = sums.shape[0] - 1
    top, bottom = max(0, y - reach), min(cells, y + reach + 1)
    left, right = max(0, x - reach), min(cells, x + reach + 1)
    total = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return total / ((bottom - top) * (right - left))


@njit(cache=True, nogil=True)
def _take(votes, contrast, place) -> None:  # type: ignore[no-untyped-def]
    """Write the highest peak to ``place`` (3,), by the mean of the votes about it, and level it."""
    cells, best, row, column = votes.shape[0], 0.0, 0, 0
    for y in range(cells):
        for x in range(cells):
            if contrast[y, x] > best:
                best, row, column = contrast[y, x], y, x
    place[:] = 0.0
    if best <= 0.0:
        return
    weight, theta, phi, step = 0.0, 0.0, 0.0, 2.0 * HALF_DEG / cells
    for y in range(max(0, row - _NEAR), min(cells, row + _NEAR + 1)):
        for x in range(max(0, column - _NEAR), min(cells, column + _NEAR + 1)):
            weight += votes[y, x]
            theta += votes[y, x] * y
            phi += votes[y, x] * x
    place[0] = (theta / weight + 0.5) * step - HALF_DEG
    place[1] = (phi / weight + 0.5) * step - HALF_DEG
    place[2] = best
    for y in range(max(0, row - 2 * _NEAR), min(cells, row + 2 * _NEAR + 1)):
        for x in range(max(0, column - 2 * _NEAR), min(cells, column + 2 * _NEAR + 1)):
            contrast[y, x] = 0.0
