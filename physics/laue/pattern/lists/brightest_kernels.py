"""Numba kernels about the brightest spots: which they are, and how bright that of a ray can be at any orientation."""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.constants import HC_KEV_A

BUCKETS = 2048
"""Steps of brightness into which a long list is sorted first, each a 32nd of a factor of two."""

_ROUNDING = 1e-9  # of the sum of an amplitude's parts: far more than its rounding in double precision
_SLACK = 1e-6  # relative; the rounding of everything else is a ten-millionth of it
_STEP_BITS = np.int32(18)  # of a float32's 23 fraction bits: what is left tells 32 steps of every factor of two


@njit(cache=True, nogil=True, error_model="numpy")
def brightest_rows(intensity, ray, number, keep, single, steps, buckets, rank) -> Any:  # type: ignore[no-untyped-def]
    """Write the places of the ``keep`` brightest of ``number`` spots into ``rank``, brightest first; ties by ray.

    Compared in single precision: the last bits of equal spots' doubles are the processor's, and their order was too.

    Spots are counted into narrow steps of brightness; only the steps that hold the brightest are sorted. Unlike with a
    heap nothing depends on comparisons that go either way, which a processor mispredicts.

    Parameters
    ----------
    intensity, ray : (m,) float64 above 0, and int32 rows of the table, −row − 1 for the opposite direction
    single, steps : (m,) room, float32 and the same memory as int32
    buckets : (BUCKETS,) room, int32
    rank : (m,) room for the places, int32
    """
    top = np.int32(0)
    for i in range(number):
        single[i] = intensity[i]
        top = max(top, steps[i] >> _STEP_BITS)
    buckets[:] = 0
    for i in range(number):
        steps[i] = min(top - (steps[i] >> _STEP_BITS), np.int32(BUCKETS - 1))
        buckets[steps[i]] += 1
    dimmest, size = 0, 0
    for step in range(BUCKETS):
        size += buckets[step]
        buckets[step] = size - buckets[step]
        dimmest = step
        if size >= keep:
            break
    for i in range(number):
        if steps[i] <= dimmest:
            rank[buckets[steps[i]]] = i
            buckets[steps[i]] += 1
    for i in range(1, size):
        one, place = rank[i], i
        while place > 0 and _before(intensity, ray, one, rank[place - 1]):
            rank[place] = rank[place - 1]
            place -= 1
        rank[place] = one
    return min(keep, number)


@njit(cache=True, error_model="numpy", inline="always")
def _before(intensity, ray, one, other) -> Any:  # type: ignore[no-untyped-def]
    mine, its = np.float32(intensity[one]), np.float32(intensity[other])
    if mine != its:
        return mine > its
    return max(ray[one], -ray[one] - 1) < max(ray[other], -ray[other] - 1)


@njit(cache=True, nogil=True, error_model="numpy")
def largest_intensities(exact, first, harmonic, strongest, middle, radius, scale, sines, perfect, bound) -> None:  # type: ignore[no-untyped-def]
    """Write an intensity that no spot of each ray exceeds while its sin θ lies between ``sines``.

    The energies are cut into bins. In one of them f′ and f″ stay within ``radius`` of ``middle``, so that

        |F| ≤ |Σ f0 S + Σ (f′ + i f″) S| + Σ radius |S|,

    once for hkl and once for −hkl, whose S is conjugated. The largest product of |F|², weight and 1/sin²θ is taken over
    the bins that a harmonic can reach, and summed over the harmonics; polarisation takes away, and nothing adds.

    Parameters
    ----------
    exact, first, harmonic : the rays, as in ``Rays``
    strongest : (b,) largest weight in each bin
    middle, radius : (b, 2e) and (b, e) of f′ and f″
    scale : lowest energy in keV, bins per keV, bins that the band has (a fraction may be left over)
    sines : (2,)
    perfect : |F| in place of |F|²
    bound : (m,) the result
    """
    low_kev, per_kev, bins = scale
    elements = radius.shape[1]
    for i in range(exact.shape[0]):
        bound[i] = 0.0
        sine_kev = 0.5 * HC_KEV_A * exact[i, 3]
        for k in range(first[i], first[i + 1]):
            own = harmonic[k]
            lowest = (own[0] * sine_kev / sines[1] - low_kev) * per_kev - 1e-3
            highest = bins
            if sines[0] > 0.0:
                highest = min(bins, (own[0] * sine_kev / sines[0] - low_kev) * per_kev + 1e-3)
            if lowest > bins or highest < 0.0:
                continue
            largest = 0.0
            for b in range(max(0, int(lowest)), min(int(highest), strongest.shape[0] - 1) + 1):
                real, imaginary, mate_real, mate_imaginary = own[1], own[2], own[1], own[2]
                spread, parts = 0.0, math.hypot(own[1], own[2])
                for e in range(elements):
                    f1, f2 = middle[b, 2 * e], middle[b, 2 * e + 1]
                    s_real, s_imaginary = own[2 * e + 3], own[2 * e + 4]
                    real += f1 * s_real - f2 * s_imaginary
                    imaginary += f1 * s_imaginary + f2 * s_real
                    mate_real += f1 * s_real + f2 * s_imaginary
                    mate_imaginary += f1 * s_imaginary - f2 * s_real
                    size = math.sqrt(s_real * s_real + s_imaginary * s_imaginary)
                    spread += radius[b, e] * size
                    parts += (abs(f1) + abs(f2) + radius[b, e]) * size
                either = max(
                    real * real + imaginary * imaginary, mate_real * mate_real + mate_imaginary * mate_imaginary
                )
                amplitude = math.sqrt(either) + spread + _ROUNDING * parts
                sine = max(sines[0], own[0] * sine_kev / (low_kev + (b + 1) / per_kev) * (1.0 - _SLACK))
                value = (amplitude if perfect else amplitude * amplitude) * strongest[b] / (sine * sine)
                largest = max(largest, value)
            bound[i] += largest
        bound[i] *= 1.0 + _SLACK
        if np.isnan(bound[i]):
            bound[i] = np.inf
