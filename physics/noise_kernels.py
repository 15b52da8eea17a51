"""Numba kernels of noise that Laue cameras and electron analysers share: exact Poisson numbers and normal quantiles.

``normal_quantile``, ``poisson_small`` and ``poisson_large`` define the numbers, one at a time. ``small_numbers`` and
``large_numbers`` draw the same, to the bit, for many means at once: in loops that a compiler turns into vector
instructions.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.counter_rng import bits

_TINY_MEAN = 2.0  # below it eight steps of the inversion suffice but in rare cases
STEEP = 8  # outermost steps of the quantile table on either side
_TO_UNIT = 2.0**-32
_SMALLEST_LARGE = 10.0  # below it inversion is the exact Poisson method; Hörmann's needs 10
_LANES = 8  # doubles of the widest vector: a shorter list is padded, so that no number is worked out alone
_SURE = 1e-5  # relative; a decision nearer than this to its bound is left to ``poisson_large``
_SERIES_FROM = 4.0  # least count at which Stirling's series to r⁵ is good to 1e-7
_LARGEST_SURE = 1e8  # mean above which rounding in ``log_poisson`` is no longer small against _SURE
_FARTHEST = 20.0  # −ln of the probability over its largest beyond which it counts as this small, or smaller


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def normal_quantile(word, table) -> Any:  # type: ignore[no-untyped-def]
    """Turn 32 random bits into a standard normal number by the inverse distribution function.

    ``table`` holds it at 4097 even steps of probability and is linear between them, to 6e-4 standard deviations. The
    outermost steps, where it is steep, are worked out (Wichura, algorithm AS 241 PPND7, Appl. Statist. 37 (1988) 477).
    """
    cell = word >> np.uint64(20)
    if STEEP <= cell < 4096 - STEEP:
        right = float(word & np.uint64(0xFFFFF)) * 2.0**-20
        return table[cell] + right * (table[cell + 1] - table[cell])
    p = (float(word) + 0.5) * _TO_UNIT
    r = math.sqrt(-math.log(min(p, 1.0 - p)))
    if r <= 5.0:
        r -= 1.6
        upper = ((1.7023821103e-01 * r + 1.3067284816e00) * r + 2.7568153900e00) * r + 1.4234372777e00
        value = upper / ((1.2021132975e-01 * r + 7.3700164250e-01) * r + 1.0)
    else:
        r -= 5.0
        upper = ((1.7337203997e-02 * r + 4.2868294337e-01) * r + 3.0812263860e00) * r + 6.6579051150e00
        value = upper / ((1.2258202635e-02 * r + 2.4197894225e-01) * r + 1.0)
    return -value if p < 0.5 else value


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def log_poisson(k, mean) -> Any:  # type: ignore[no-untyped-def]
    """Logarithm of the Poisson probability of k; by Stirling's series from k = 10, where it errs by 1e-10."""
    if k < 10:
        return k * math.log(mean) - mean - math.lgamma(k + 1.0)
    r = 1.0 / k
    series = r * (1.0 / 12.0 - r * r * (1.0 / 360.0 - r * r / 1260.0))
    return k * math.log(mean * r) + (k - mean) - 0.5 * math.log(2.0 * math.pi * k) - series


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def poisson_large(mean, key, counter, stride) -> Any:  # type: ignore[no-untyped-def]
    """Draw an exact Poisson number of a mean ≥ 10 by transformed rejection (Hörmann, Insur. Math. Econ. 12 (1993) 39).

    Every try takes the two halves of one hash; further tries count on by ``stride``.
    """
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    accept = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        word = bits(key, counter)
        counter += stride
        u = (float(word >> np.uint64(32)) + 0.5) * _TO_UNIT - 0.5
        v = (float(word & np.uint64(0xFFFFFFFF)) + 0.5) * _TO_UNIT
        us = 0.5 - abs(u)
        k = math.floor((2.0 * a / us + b) * u + mean + 0.43)
        if us >= 0.07 and v <= accept:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
        if math.log(v * inverse_alpha / (a / (us * us) + b)) <= log_poisson(k, mean):
            return k


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def poisson_small(mean, nothing, u, inverse) -> Any:  # type: ignore[no-untyped-def]
    """Draw an exact Poisson number by inversion; ``nothing`` is exp(−mean) and ``inverse`` holds 1, 1/2, 1/3, …

    The first steps are taken whether needed or not: a mispredicted branch costs more than they do.
    """
    count = 0
    term = nothing
    below = nothing
    if mean < _TINY_MEAN:
        steps = 8
        for k in range(8):
            count += u >= below
            term *= mean * inverse[k]
            below += term
    else:
        steps = 24
        for k in range(24):
            count += u >= below
            term *= mean * inverse[k]
            below += term
    if count == steps:
        while u >= below and count < 200:
            count += 1
            term *= mean / count
            below += term
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def small_numbers(mean, nothing, u, inverse, scratch, out) -> None:  # type: ignore[no-untyped-def]
    """Write ``poisson_small(mean[j], nothing[j], u[j], inverse)`` into out[j]; ``scratch`` (2, ≥ p) float64.

    All means take a step together, until none needs another; the few that need more than ``poisson_small`` takes
    beforehand are left to it.
    """
    term, below = scratch[0, : mean.shape[0]], scratch[1, : mean.shape[0]]
    term[:] = nothing
    below[:] = nothing
    out[:] = 0.0
    for k in range(24):
        if _step(u, below, out) == 0:
            break
        for j in range(mean.shape[0]):
            term[j] *= mean[j] * inverse[k]
            below[j] += term[j]
    for j in range(mean.shape[0]):
        if out[j] >= 8.0 and (mean[j] < _TINY_MEAN or out[j] == 24.0):
            out[j] = poisson_small(mean[j], nothing[j], u[j], inverse)


@njit(cache=True, nogil=True, error_model="numpy")
def _step(u, below, count) -> Any:  # type: ignore[no-untyped-def]
    """Count one more where u reaches ``below``; returns where."""
    above = 0
    for j in range(u.shape[0]):
        more = u[j] >= below[j]
        count[j] += more
        above += more
    return above


@njit(cache=True, nogil=True, error_model="numpy")
def large_numbers(mean, place, number, key, counter, stride, scratch, out) -> None:  # type: ignore[no-untyped-def]
    """Write what ``poisson_large(mean[j], key, counter + place[j], stride)`` draws into out[place[j]], j < ``number``.

    Parameters
    ----------
    mean : (≥ number + 8,) float32 means ≥ 10; overwritten
    place : (≥ number + 8,) int64; overwritten
    key, counter, stride : as of ``poisson_large``
    scratch : of ``large_scratch``, as long
    out : float32
    """
    drawn, open_ = scratch
    while number > 0:
        padded = number
        while padded % _LANES:
            mean[padded], place[padded] = _SMALLEST_LARGE, place[0]
            padded += 1
        _first_look(mean[:padded], place[:padded], key, counter, drawn, open_)
        left = 0
        for j in range(number):
            out[place[j]] = drawn[j]
            mean[left], place[left], drawn[left] = mean[j], place[j], drawn[j]
            left += open_[j]
        padded = left
        while padded % _LANES:
            mean[padded], place[padded], drawn[padded] = _SMALLEST_LARGE, place[0], _SMALLEST_LARGE
            padded += 1
        _second_look(mean[:padded], place[:padded], key, counter, drawn, open_)
        number = 0
        for j in range(left):
            if open_[j] == 2:
                out[place[j]] = poisson_large(mean[j], key, counter + place[j], stride)
            mean[number], place[number] = mean[j], place[j]
            number += open_[j] == 1
        counter += stride


@njit(cache=True, nogil=True, error_model="numpy")
def large_scratch(number) -> Any:  # type: ignore[no-untyped-def]
    """Return the room that ``large_numbers`` needs for up to ``number`` means."""
    return np.empty(number + _LANES), np.empty(number + _LANES, dtype=np.uint8)


@njit(cache=True, nogil=True, error_model="numpy")
def _first_look(mean, place, key, counter, drawn, open_) -> None:  # type: ignore[no-untyped-def]
    """Propose a count for every mean, as ``poisson_large`` does; ``open_`` tells which its first test does not accept.

    The operations are those of ``poisson_large`` in their order: a proposal's bits are the same.
    """
    for j in range(mean.shape[0]):
        word = bits(key, counter + place[j])
        b = 0.931 + 2.53 * math.sqrt(mean[j])
        a = -0.059 + 0.02483 * b
        accept = 0.9277 - 3.6224 / (b - 2.0)
        u = (float(word >> np.uint64(32)) + 0.5) * _TO_UNIT - 0.5
        v = (float(word & np.uint64(0xFFFFFFFF)) + 0.5) * _TO_UNIT
        us = 0.5 - abs(u)
        drawn[j] = np.floor((2.0 * a / us + b) * u + mean[j] + 0.43)
        open_[j] = not ((us >= 0.07) & (v <= accept))


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _second_look(mean, place, key, counter, drawn, verdict) -> None:  # type: ignore[no-untyped-def]
    """Decide on the counts that the first test left open: 0 accepts, 1 rejects, 2 is too near to the bound to tell.

    ``poisson_large`` compares two logarithms. Here both sides are exponentiated and squared, with
    h = k ln(k/mean) − k + mean + Stirling's rest, and the logarithm as the series of artanh. The approximations err by
    less than 1e-6, which _SURE covers: rounding cannot turn a decision.
    """
    for j in range(mean.shape[0]):
        expected = np.float64(mean[j])
        word = bits(key, counter + place[j])
        b = 0.931 + 2.53 * math.sqrt(expected)
        a = -0.059 + 0.02483 * b
        u = (float(word >> np.uint64(32)) + 0.5) * _TO_UNIT - 0.5
        v = (float(word & np.uint64(0xFFFFFFFF)) + 0.5) * _TO_UNIT
        us = 0.5 - abs(u)
        never = (drawn[j] < 0.0) | ((us < 0.013) & (v > us))
        k = max(drawn[j], _SERIES_FROM)
        away, both = expected - k, expected + k
        hat = (b - 3.4) * (a + b * us * us)
        inverse = 1.0 / (both * k * hat)
        s, r = away * k * hat * inverse, both * hat * inverse
        w = v * (1.1239 * (b - 3.4) + 1.1328) * us * us * both * k * inverse
        t = s * s
        t2 = t * t
        high = (1 / 11 + t * (1 / 13)) + t2 * (1 / 15 + t * (1 / 17)) + t2 * t2 * (1 / 19)
        rest = t * ((1 / 3 + t * (1 / 5)) + t2 * (1 / 7 + t * (1 / 9)) + t2 * t2 * high)
        h = s * away - 2.0 * k * s * rest + r * (1 / 12 - r * r * (1 / 360 - r * r * (1 / 1260)))
        bound = _exp_64(min(h, _FARTHEST) * (-2.0 / 64.0))
        squared = w * w * (2.0 * math.pi) * k
        known = (drawn[j] >= _SERIES_FROM) & (t <= 0.2) & (expected <= _LARGEST_SURE)
        yes = known & ~never & (squared <= bound * (1.0 - _SURE)) & (h <= _FARTHEST)
        no = never | (known & (squared > bound * (1.0 + _SURE)))
        verdict[j] = np.uint8(1) - np.uint8(yes) + np.uint8(~(yes | no))


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"}, forceinline=True)
def _exp_64(x) -> Any:  # type: ignore[no-untyped-def]
    """Return exp(64 x) for −0.63 ≤ x ≤ 0.01, to 1e-7 of itself: exp(x) as a polynomial, squared six times."""
    x2 = x * x
    high = (1 / 24 + x * (1 / 120)) + x2 * (1 / 720 + x * (1 / 5040)) + x2 * x2 * (1 / 40320)
    e = (1.0 + x) + x2 * (0.5 + x * (1 / 6)) + x2 * x2 * high
    for _ in range(6):
        e *= e
    return e
