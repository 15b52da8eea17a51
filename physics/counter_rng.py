"""Counter-based random numbers: a sample's draws depend on its own key only.

A key is one 64-bit word made from (seed, episode, step, stream); draw number ``counter`` of a key is a hash of both
(splitmix64: Steele, Lea & Flood, OOPSLA 2014). There is no state to carry, so batch size, order and workers change
nothing.
"""

import math
from functools import lru_cache

import numpy as np
from numba import njit, uint64
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arrays import UInt64Array

# ruff: noqa: ANN201 - numba kernels carry no annotations


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_TO_UNIT = 1.0 / 9007199254740992.0  # 2**-53: the spacing of doubles in [0.5, 1)


@njit(cache=True, inline="always")
def mix(word):  # type: ignore[no-untyped-def]
    """Scramble one 64-bit word (splitmix64's finaliser)."""
    word = (word ^ (word >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> uint64(27))) * uint64(0x94D049BB133111EB)
    return word ^ (word >> uint64(31))


@njit(cache=True, inline="always")
def bits(key, counter):  # type: ignore[no-untyped-def]
    """Draw 64 random bits: number ``counter`` of ``key``."""
    return mix(uint64(key) + (uint64(counter) + uint64(1)) * uint64(0x9E3779B97F4A7C15))


@njit(cache=True, inline="always")
def uniform(key, counter):  # type: ignore[no-untyped-def]
    """Draw a double in [0, 1)."""
    return float(bits(key, counter) >> uint64(11)) * _TO_UNIT


@njit(cache=True, inline="always")
def normal(key, counter):  # type: ignore[no-untyped-def]
    """Draw a standard normal number (Box & Muller 1958); uses the counters 2c and 2c + 1."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(key, 2 * counter)))
    return radius * math.cos(2.0 * math.pi * uniform(key, 2 * counter + 1))


@njit(cache=True, inline="always")
def normal_pair(key, counter):  # type: ignore[no-untyped-def]
    """Draw two independent standard normal numbers at the price of one; uses the same counters as ``normal``."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(key, 2 * counter)))
    angle = 2.0 * math.pi * uniform(key, 2 * counter + 1)
    return radius * math.cos(angle), radius * math.sin(angle)


@njit(cache=True)
def poisson(key, counter, mean):  # type: ignore[no-untyped-def]
    """Draw one exact Poisson number of a mean up to about 500, by inversion of one uniform number."""
    left = uniform(key, counter)
    term = math.exp(-mean)
    count = 0
    while left >= term and count < 2000:
        left -= term
        count += 1
        term *= mean / count
    return count


def make_keys(seed: ArrayLike, episode: ArrayLike = 0, step: ArrayLike = 0, stream: ArrayLike = 0) -> UInt64Array:
    """Hash (seed, episode, step, stream) to keys.

    Parameters
    ----------
    seed, episode, step, stream : non-negative integers, any shapes that broadcast together

    Returns
    -------
    uint64 keys of the broadcast shape
    """
    parts = [_words(part) for part in (seed, episode, step, stream)]
    most = max(part.ndim for part in parts)
    if most == 1:
        keys: UInt64Array = _rows_of_keys(*(part if part.ndim else part.reshape(1) for part in parts), _length(parts))
        return keys
    key = np.zeros((), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            key = _mix_array((key ^ part) + _GOLDEN)
    return key


def uniforms(keys: ArrayLike, m: int) -> NDArray[np.float64]:
    """Draw (..., m) doubles in [0, 1): numbers 0 to m - 1 of each key, the same as ``uniform`` draws in kernels."""
    given = np.asarray(keys, dtype=np.uint64)
    if given.ndim == 1:
        rows: NDArray[np.float64] = _rows_of_uniforms(np.ascontiguousarray(given), m)
        return rows
    counters = np.arange(1, m + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        words = _mix_array(given[..., None] + counters * _GOLDEN)
    drawn: NDArray[np.float64] = (words >> np.uint64(11)).astype(np.float64) * _TO_UNIT
    return drawn


def _words(part: ArrayLike) -> UInt64Array:
    """Return whole numbers as 64-bit words; single ones, mostly of a stream, are kept: to make one costs as much."""
    return _word(part) if type(part) is int else np.asarray(part).astype(np.uint64)


@lru_cache(maxsize=256)
def _word(number: int) -> UInt64Array:
    return np.array(number).astype(np.uint64)


def _length(parts: list[UInt64Array]) -> int:
    """Return the length of what one-dimensional parts and numbers broadcast to; raises ValueError where they do not."""
    lengths = {part.shape[0] for part in parts if part.ndim} - {1}
    if len(lengths) > 1:
        raise ValueError(f"parts of {sorted(lengths)} rows do not make keys together; give each as many rows, or one")
    return lengths.pop() if lengths else 1


@njit(cache=True)
def _rows_of_keys(seed, episode, step, stream, n) -> UInt64Array:  # type: ignore[no-untyped-def]
    """Hash n rows of (seed, episode, step, stream), each (n,) or (1,)."""
    keys = np.empty(n, np.uint64)
    for i in range(n):
        key = mix(seed[i if seed.shape[0] > 1 else 0] + uint64(0x9E3779B97F4A7C15))
        key = mix((key ^ episode[i if episode.shape[0] > 1 else 0]) + uint64(0x9E3779B97F4A7C15))
        key = mix((key ^ step[i if step.shape[0] > 1 else 0]) + uint64(0x9E3779B97F4A7C15))
        keys[i] = mix((key ^ stream[i if stream.shape[0] > 1 else 0]) + uint64(0x9E3779B97F4A7C15))
    return keys


@njit(cache=True)
def _rows_of_uniforms(keys, m) -> NDArray[np.float64]:  # type: ignore[no-untyped-def]
    """Draw (n, m) doubles in [0, 1): numbers 0 to m - 1 of each key (n,)."""
    drawn = np.empty((keys.shape[0], m))
    for i in range(keys.shape[0]):
        for j in range(m):
            drawn[i, j] = uniform(keys[i], j)
    return drawn


def _mix_array(word: UInt64Array) -> UInt64Array:
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: UInt64Array = word ^ (word >> np.uint64(31))
    return result
