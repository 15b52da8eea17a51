"""Kernels: what is lost, moved and added between the spots that a crystal makes and the peaks that are found."""

import math

import numpy as np
from numba import njit

from beamgym.physics.counter_rng import normal, poisson, uniform

_FALSE_DECADES = 2.0  # false spots are as bright as 1 to 100 times the faintest spot found


@njit(cache=True)
def draw_normals(keys, m):  # type: ignore[no-untyped-def]
    """Draw (n, m) standard normal numbers, row i from keys[i] only."""
    out = np.empty((keys.shape[0], m))
    for i in range(keys.shape[0]):
        for j in range(m):
            out[i, j] = normal(keys[i], j)
    return out


@njit(cache=True)
def _insert(position, intensity, source, count, x, y, value, index):  # type: ignore[no-untyped-def]
    """Put a spot where it belongs in a list kept brightest first; the faintest falls off a full list."""
    room = intensity.shape[0]
    if count == room and value <= intensity[room - 1]:
        return count
    place = min(count, room - 1)
    while place > 0 and intensity[place - 1] < value:
        intensity[place] = intensity[place - 1]
        position[place] = position[place - 1]
        source[place] = source[place - 1]
        place -= 1
    intensity[place] = value
    position[place, 0], position[place, 1] = x, y
    source[place] = index
    return min(count + 1, room)


@njit(cache=True)
def disturb(  # type: ignore[no-untyped-def]
    position_px, intensity, count, keys, numbers, shape, out_position, out_intensity, out_source, out_count
):
    """Drop, jitter and rescale spots, add false ones and keep the brightest, brightest first.

    Parameters
    ----------
    position_px, intensity, count : (n, s, 2), (n, s), (n,) what diffracts, intensity in counts per second
    keys : (n,) random keys
    numbers : (7,) exposure in seconds, jitter px, missing fraction, mean of false spots, ln-intensity noise, faintest
        counts kept, faintest counts of a false spot
    shape : (slow, fast) pixels
    out_position, out_intensity, out_source, out_count : (n, p, 2), (n, p), (n, p), (n,) the result; the source is the
        row of the spot it came from, or -1 for a false one
    """
    scale, jitter, missing, false_mean, spread, faintest, false_faintest = numbers
    for i in range(keys.shape[0]):
        key, found = keys[i], 0
        out_position[i] = 0.0
        out_intensity[i] = 0.0
        out_source[i] = -1
        for j in range(count[i]):
            counts = scale * intensity[i, j]
            if counts < 0.2 * faintest or uniform(key, 8 * j + 64) < missing:
                continue
            counts *= math.exp(spread * normal(key, 4 * j + 33))
            if counts < faintest:
                continue
            x = position_px[i, j, 0] + jitter * normal(key, 4 * j + 34)
            y = position_px[i, j, 1] + jitter * normal(key, 4 * j + 35)
            found = _insert(out_position[i], out_intensity[i], out_source[i], found, x, y, counts, j)
        for j in range(poisson(key, 0, false_mean)):
            x = uniform(key, 1000003 + 4 * j) * (shape[1] - 1)
            y = uniform(key, 1000004 + 4 * j) * (shape[0] - 1)
            counts = false_faintest * 10.0 ** (_FALSE_DECADES * uniform(key, 1000005 + 4 * j))
            found = _insert(out_position[i], out_intensity[i], out_source[i], found, x, y, counts, -1)
        out_count[i] = found
