"""Numba kernels of noise that Laue cameras and electron analysers share: exact Poisson numbers and normal quantiles."""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.counter_rng import bits

_TINY_MEAN = 2.0  # below it eight steps of the inversion suffice but in rare cases
_STEEP = 8  # outermost steps of the quantile table on either side
_TO_UNIT = 2.0**-32


@njit(cache=True, error_model="numpy", forceinline=True)
def normal_quantile(word, table) -> Any:  # type: ignore[no-untyped-def]
    """Turn 32 random bits into a standard normal number by the inverse distribution function.

    ``table`` holds it at 4097 even steps of probability and is linear between them, to 6e-4 standard deviations. The
    outermost steps, where it is steep, are worked out (Wichura, algorithm AS 241 PPND7, Appl. Statist. 37 (1988) 477).
    """
    cell = word >> np.uint64(20)
    if _STEEP <= cell < 4096 - _STEEP:
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


@njit(cache=True, error_model="numpy", forceinline=True)
def log_poisson(k, mean) -> Any:  # type: ignore[no-untyped-def]
    """Logarithm of the Poisson probability of k; by Stirling's series from k = 10, where it errs by 1e-10."""
    if k < 10:
        return k * math.log(mean) - mean - math.lgamma(k + 1.0)
    r = 1.0 / k
    series = r * (1.0 / 12.0 - r * r * (1.0 / 360.0 - r * r / 1260.0))
    return k * math.log(mean * r) + (k - mean) - 0.5 * math.log(2.0 * math.pi * k) - series


@njit(cache=True, error_model="numpy", forceinline=True)
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


@njit(cache=True, error_model="numpy", forceinline=True)
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
