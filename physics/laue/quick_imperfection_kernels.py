"""Kernel: the found peaks of ``imperfection_kernels`` from fewer and cheaper random numbers of the same distributions.

The numbers are others: environments at v0 keep theirs.
"""

import math

import numpy as np
from numba import njit

from beamgym.physics.counter_rng import bits, poisson, uniform
from beamgym.physics.laue.imperfection_kernels import FALSE_DECADES, HOPELESS, insert_spot
from beamgym.physics.ziggurat_kernels import normal_of_word

# ruff: noqa: ANN201, ANN202 - numba kernels carry no annotations

_FALSE = 1000000  # first counter of the false spots' draws, beyond those of any list


@njit(cache=True, error_model="numpy")
def _real_spots(rates, key, numbers, intensity, source):  # type: ignore[no-untyped-def]
    scale, _, missing, _, spread, faintest, _ = numbers
    room, found = intensity.shape[0], 0
    for j in range(rates.shape[0]):
        counts = scale * rates[j]
        if counts < HOPELESS * faintest or uniform(key, 4 * j) < missing:
            continue
        luck = normal_of_word(bits(key, 4 * j + 1))
        if found == room and luck <= 0.0 and counts <= intensity[room - 1]:
            continue
        counts *= math.exp(spread * luck)
        if counts >= faintest:
            found = insert_spot(intensity, source, found, counts, j)
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def disturb_quickly(  # type: ignore[no-untyped-def]
    position_px, intensity, count, keys, numbers, shape, out_position, out_intensity, out_source, out_count
):
    """Do what ``disturb`` does, with the same parameters and from the same distributions.

    Spots are dropped, jittered and rescaled, false ones are added, and the brightest are kept, brightest first. Normal
    numbers come from one word each, by the ziggurat method.
    """
    jitter, false_mean, false_faintest = numbers[1], numbers[3], numbers[6]
    for i in range(keys.shape[0]):
        key, brightest, sources = keys[i], out_intensity[i], out_source[i]
        found = _real_spots(intensity[i, : count[i]], key, numbers, brightest, sources)
        for j in range(poisson(key, _FALSE, false_mean)):
            counts = false_faintest * 10.0 ** (FALSE_DECADES * uniform(key, _FALSE + 3 * j + 3))
            found = insert_spot(brightest, sources, found, counts, -1 - j)
        for place in range(found):
            j = sources[place]
            if j >= 0:
                right, down = normal_of_word(bits(key, 4 * j + 2)), normal_of_word(bits(key, 4 * j + 3))
                out_position[i, place, 0] = position_px[i, j, 0] + jitter * right
                out_position[i, place, 1] = position_px[i, j, 1] + jitter * down
            else:
                out_position[i, place, 0] = uniform(key, _FALSE + 3 * (-1 - j) + 1) * (shape[1] - 1)
                out_position[i, place, 1] = uniform(key, _FALSE + 3 * (-1 - j) + 2) * (shape[0] - 1)
                sources[place] = -1
        out_position[i, found:], brightest[found:], sources[found:] = np.float32(0.0), np.float32(0.0), -1
        out_count[i] = found
