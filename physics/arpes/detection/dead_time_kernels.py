"""Numba kernels of dead time: counts of a pixel that is blind for a while after each electron."""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.arpes.detection.clouds_kernels import natural_logarithm
from beamgym.physics.counter_rng import bits, normal, uniform

_WALKED = 400.0  # up to so many expected counts are drawn one by one, more from the normal limit
_DRAWS = 1024  # random numbers set aside for a pixel: 400 counts and 30 standard deviations
_STREAM = np.uint64(0x1BD11BDAA9FC1A22)  # other numbers than counting without dead time uses
_STRIP = 64  # pixels that wait for their electrons together
_WHOLE = np.int64(1 << 53)
_TO_UNIT = np.float32(2.0**-53)
_MARGIN, _MARGIN_RATE = (
    np.float32(1e-4),
    np.float32(1e-6),
)  # ten times what single precision errs by; the second over rate


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
    time, rate = np.empty(_STRIP, dtype=np.float32), np.empty(_STRIP, dtype=np.float32)
    scratch, state = np.empty(_STRIP, dtype=np.float32), np.empty((3, _STRIP), dtype=np.int32)
    for first in range(0, out.shape[0], _STRIP):
        size = min(_STRIP, out.shape[0] - first)
        for c in range(size):
            arriving = float(mean[first + c]) * scale
            alive = 1.0 / (1.0 + arriving * dead_time)
            walked = arriving > 0.0 and arriving * alive <= _WALKED
            time[c], rate[c] = rest_of_blindness(dead_time, alive, own, (first + c) * _DRAWS), arriving
            state[0, c] = walked
        wait_together(own, first * _DRAWS + 1, dead_time, time[:size], rate[:size], scratch[:size], state)
        for c in range(size):
            p = first + c
            arriving = float(mean[p]) * scale
            alive = 1.0 / (1.0 + arriving * dead_time)
            if arriving <= 0.0:
                out[p] = np.float32(0.0)
            elif arriving * alive <= _WALKED:
                number = state[1, c] if state[2, c] == 0 else walk(arriving, dead_time, alive, own, p * _DRAWS)
                out[p] = np.float32(min(number, most))
            else:
                number = arriving * alive + math.sqrt(arriving * alive) * alive * normal(own, p * _DRAWS)
                out[p] = np.float32(min(max(math.floor(number + 0.5), 0.0), most))


@njit(cache=True, nogil=True, error_model="numpy")
def rest_of_blindness(dead_time, alive, key, counter) -> Any:  # type: ignore[no-untyped-def]
    """Return how long a pixel is blind from a count before the exposure: with probability 1 − alive, a random rest."""
    start = uniform(key, counter)
    return dead_time * (start - alive) / (1.0 - alive) if start > alive else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def wait_together(key, first, dead_time, time, rate, scratch, state) -> None:  # type: ignore[no-untyped-def]
    """Count for pixels of one strip what ``walk`` counts, in single precision, and tell where that is in doubt.

    Parameters
    ----------
    key, first : random key, and the number of the first pixel's first draw
    time, rate : (p,) when each pixel sees again, and its electrons per exposure
    scratch : (p,)
    state : (3, p) whether a pixel takes part; result: its count; result: 1 where a time comes so close to the
        exposure's end that single precision cannot tell on which side it lies
    """
    running, counted, doubtful = state[0], state[1], state[2]
    blind = np.float32(dead_time)
    counted[:], doubtful[:] = 0, 0
    going, step = 1, 0
    while going > 0:
        for c in range(time.shape[0]):
            word = bits(key, first + c * _DRAWS + step)
            scratch[c] = np.float32(_WHOLE - np.int64(word >> np.uint64(11))) * _TO_UNIT
        natural_logarithm(scratch)
        going = 0
        for c in range(time.shape[0]):
            arrived = time[c] - scratch[c] / rate[c]
            again = arrived + blind
            margin = _MARGIN + _MARGIN_RATE / rate[c]
            close = np.int32(abs(arrived - np.float32(1.0)) < margin) | np.int32(abs(again - np.float32(1.0)) < margin)
            doubtful[c] |= close & running[c]
            counts = running[c] & np.int32(arrived < np.float32(1.0))
            counted[c] += counts
            running[c] = counts & np.int32(again < np.float32(1.0))
            time[c] = again
            going += running[c]
        step += 1


@njit(cache=True, nogil=True, error_model="numpy")
def walk(arriving, dead_time, alive, key, first) -> Any:  # type: ignore[no-untyped-def]
    """Return how many are counted in an exposure of 1, waiting for one after another."""
    time = rest_of_blindness(dead_time, alive, key, first)
    count = 0
    while count < _DRAWS - 2:
        time -= math.log(1.0 - uniform(key, first + 1 + count)) / arriving
        if time >= 1.0:
            break
        count += 1
        time += dead_time
    return count
