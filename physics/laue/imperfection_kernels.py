"""Kernels: missing, jittered and false peaks between a crystal's spots and the found peaks."""

import math

import numpy as np
from numba import njit

from beamgym.physics.counter_rng import normal, normal_pair, poisson, uniform

# ruff: noqa: ANN201, ANN202 - numba kernels carry no annotations

FALSE_DECADES = 2.0  # false spots are as bright as 1 to 100 times the faintest spot found
HOPELESS = 0.2  # share of the faintest counts below which no luck with the noise makes a spot visible
_LARGEST_NORMAL = 8.58  # sqrt(2 * 53 ln 2): no draw from 53 random bits is further out
_RADII = 64  # steps of the random number that a normal number's radius is made from
_LEFT, _RIGHT = 0.2501, 0.7499  # between these shares of a turn a normal number is negative


@njit(cache=True, nogil=True)
def draw_normals(keys, m):  # type: ignore[no-untyped-def]
    """Draw (n, m) standard normal numbers, row i from keys[i] only."""
    out = np.empty((keys.shape[0], m))
    for i in range(keys.shape[0]):
        for j in range(m):
            out[i, j] = normal(keys[i], j)
    return out


@njit(cache=True)
def insert_spot(intensity, source, count, value, index):  # type: ignore[no-untyped-def]
    """Insert a spot into a list sorted by brightness; the faintest is dropped from a full list."""
    room = intensity.shape[0]
    if count == room and value <= intensity[room - 1]:
        return count
    place = min(count, room - 1)
    while place > 0 and intensity[place - 1] < value:
        intensity[place] = intensity[place - 1]
        source[place] = source[place - 1]
        place -= 1
    intensity[place] = value
    source[place] = index
    return min(count + 1, room)


@njit(cache=True)
def _largest_luck(spread):  # type: ignore[no-untyped-def]
    """Return (_RADII,) factors that exp(spread · normal) does not exceed, by the first random number of the normal."""
    luck = np.empty(_RADII)
    for step in range(_RADII):
        left = 1.0 - (step + 1.0) / _RADII
        radius = math.sqrt(-2.0 * math.log(left)) if left > 0.0 else _LARGEST_NORMAL
        luck[step] = math.exp(spread * radius) * (1.0 + 1e-9)
    return luck


@njit(cache=True)
def _hopeless(key, counter, counts, luck, least):  # type: ignore[no-untyped-def]
    """Whether ``counts`` times exp(spread · normal(key, counter)) surely stays at or below ``least``.

    Two random numbers tell it for most: no logarithm, cosine and exponential is worked out for what a full list drops.
    """
    turn = uniform(key, 2 * counter + 1)
    if _LEFT < turn < _RIGHT:
        return counts * (1.0 + 1e-9) <= least
    return counts * luck[int(uniform(key, 2 * counter) * _RADII)] <= least


@njit(cache=True)
def _real_spots(rates, key, numbers, luck, intensity, source):  # type: ignore[no-untyped-def]
    """List the spots that are found, brightest first; returns their number. Those too faint are skipped early."""
    scale, _, missing, _, spread, faintest, _ = numbers
    room, found = intensity.shape[0], 0
    for j in range(rates.shape[0]):
        counts = scale * rates[j]
        if counts < HOPELESS * faintest or uniform(key, 8 * j + 64) < missing:
            continue
        if found == room and _hopeless(key, 4 * j + 33, counts, luck, intensity[room - 1]):
            continue
        counts *= math.exp(spread * normal(key, 4 * j + 33))
        if counts >= faintest:
            found = insert_spot(intensity, source, found, counts, j)
    return found


@njit(cache=True, nogil=True)
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
    jitter, false_mean, false_faintest = numbers[1], numbers[3], numbers[6]
    luck = _largest_luck(numbers[4])
    for i in range(keys.shape[0]):
        key = keys[i]
        out_position[i] = 0.0
        out_intensity[i] = 0.0
        out_source[i] = -1
        found = _real_spots(intensity[i, : count[i]], key, numbers, luck, out_intensity[i], out_source[i])
        for j in range(poisson(key, 0, false_mean)):
            counts = false_faintest * 10.0 ** (FALSE_DECADES * uniform(key, 1000005 + 4 * j))
            found = insert_spot(out_intensity[i], out_source[i], found, counts, -1 - j)
        for place in range(found):
            j = out_source[i, place]
            if j >= 0:
                right, down = normal_pair(key, 4 * j + 34)
                out_position[i, place, 0] = position_px[i, j, 0] + jitter * right
                out_position[i, place, 1] = position_px[i, j, 1] + jitter * down
            else:
                out_position[i, place, 0] = uniform(key, 1000003 + 4 * (-1 - j)) * (shape[1] - 1)
                out_position[i, place, 1] = uniform(key, 1000004 + 4 * (-1 - j)) * (shape[0] - 1)
                out_source[i, place] = -1
        out_count[i] = found
