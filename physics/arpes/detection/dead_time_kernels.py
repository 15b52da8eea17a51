"""Numba kernels of dead time: counts of a pixel that is blind for a while after each electron."""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.counter_rng import normal, uniform

_WALKED = 400.0  # up to so many expected counts are drawn one by one, more from the normal limit
_DRAWS = 1024  # random numbers set aside for a pixel: 400 counts and 30 standard deviations
_STREAM = np.uint64(0x1BD11BDAA9FC1A22)  # other numbers than counting without dead time uses


@njit(cache=True, nogil=True, error_model="numpy")
def count_slowly(mean, scale, dead_time, key, out) -> None:  # type: ignore[no-untyped-def]
    """Write the counts of a non-paralysable detector for Poisson arrivals, at most ⌈1/dead_time⌉ a pixel.

    Parameters
    ----------
    mean : (p,) intensities; mean·scale electrons arrive on average
    scale : electrons per intensity
    dead_time : how long a pixel is blind after each count, as a share of the exposure, above 0
    key : random key
    out : (p,) result

    Notes
    -----
    A pixel is watched long after it was switched on, so that exactly m/(1 + m τ) are counted on average; their variance
    tends to m/(1 + m τ)³ (Müller, Nucl. Instrum. Methods 112 (1973) 47).
    """
    own = key ^ _STREAM
    most = math.ceil(1.0 / dead_time)
    for p in range(out.shape[0]):
        arriving = float(mean[p]) * scale
        alive = 1.0 / (1.0 + arriving * dead_time)
        if arriving <= 0.0:
            out[p] = np.float32(0.0)
        elif arriving * alive <= _WALKED:
            out[p] = np.float32(min(walk(arriving, dead_time, alive, own, p * _DRAWS), most))
        else:
            number = arriving * alive + math.sqrt(arriving * alive) * alive * normal(own, p * _DRAWS)
            out[p] = np.float32(min(max(math.floor(number + 0.5), 0.0), most))


@njit(cache=True, nogil=True, error_model="numpy")
def walk(arriving, dead_time, alive, key, first) -> Any:  # type: ignore[no-untyped-def]
    """Return how many are counted in an exposure of 1, waiting for one after another."""
    start = uniform(key, first)
    # with probability 1 − alive the pixel is still blind from a count before the exposure, for a random rest of it
    time = dead_time * (start - alive) / (1.0 - alive) if start > alive else 0.0
    count = 0
    while count < _DRAWS - 2:
        time -= math.log(1.0 - uniform(key, first + 1 + count)) / arriving
        if time >= 1.0:
            break
        count += 1
        time += dead_time
    return count
