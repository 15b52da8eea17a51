"""Numba kernels of the ADC's reading: pulse heights and charge clouds."""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.arpes.detection.blur_kernels import blur_angle
from beamgym.physics.counter_rng import bits

_LANES = {"contract", "reassoc", "nsz"}
_STRIP = 128  # pairs of normal numbers made together
_SQRT_HALF = np.int32(0x3F3504F3)  # 1/√2 in IEEE 754 single precision
_MANTISSA = np.int32(0x7FFFFF)
_LN_2 = np.float32(math.log(2.0))
_SINES = tuple(np.float32((-1) ** k * math.pi ** (2 * k + 1) / math.factorial(2 * k + 1)) for k in range(6))
_COSINES = tuple(np.float32((-1) ** k * math.pi ** (2 * k) / math.factorial(2 * k)) for k in range(7))


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def natural_logarithm(values) -> None:  # type: ignore[no-untyped-def]
    """Replace positive single-precision numbers by their logarithms, to 1e-7: exponent, and 2 artanh of the rest."""
    words = values.view(np.int32)
    for c in range(values.shape[0]):
        shifted = words[c] - _SQRT_HALF
        power = np.float32(shifted >> np.int32(23))
        words[c] = (shifted & _MANTISSA) + _SQRT_HALF
        s = (values[c] - np.float32(1.0)) / (values[c] + np.float32(1.0))
        z = s * s
        series = np.float32(1 / 5) + z * (np.float32(1 / 7) + z * np.float32(1 / 9))
        series = np.float32(1.0) + z * (np.float32(1 / 3) + z * series)
        values[c] = power * _LN_2 + np.float32(2.0) * s * series


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def fill_normal(key, start, radius, turn, first, second) -> None:  # type: ignore[no-untyped-def]
    """Write pairs start, start + 1, … of standard normal numbers (Box & Muller 1958), a pair from each hash of ``key``.

    ``radius`` and ``turn`` are scratch of the same length.
    """
    for c in range(radius.shape[0]):
        word = bits(key, start + c)
        radius[c] = (np.float32(np.int64(word >> np.uint64(32))) + np.float32(0.5)) * np.float32(2.0**-32)
        turn[c] = (np.float32(np.int64((word >> np.uint64(8)) & np.uint64(0xFFFFFF))) + np.float32(0.5)) * np.float32(
            2.0**-24
        ) - np.float32(0.5)
    natural_logarithm(radius)
    for c in range(radius.shape[0]):
        x, length = turn[c], math.sqrt(max(np.float32(-2.0) * radius[c], np.float32(0.0)))
        z = x * x
        sine, cosine = _SINES[5], _COSINES[6]
        for k in range(5):
            sine = sine * z + _SINES[4 - k]
        for k in range(6):
            cosine = cosine * z + _COSINES[5 - k]
        sine *= x
        first[c] = length * (np.float32(1.0) - np.float32(2.0) * sine * sine)
        second[c] = length * np.float32(2.0) * sine * cosine


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_LANES)
def sum_of(values) -> Any:  # type: ignore[no-untyped-def]
    """Sum a contiguous single-precision array in double precision."""
    total = 0.0
    flat = values.reshape(-1)
    for c in range(flat.shape[0]):
        total += flat[c]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def pulse_heights(counts, spread, key) -> None:  # type: ignore[no-untyped-def]
    """Replace numbers of events (p,) by the sums of their pulse heights, which vary by ``spread`` of their mean.

    The sum of n heights is gamma distributed; its normal limit is used, cut at zero.
    """
    room = np.empty((4, _STRIP), dtype=np.float32)
    single = np.float32(spread)
    for start in range(0, counts.shape[0], 2 * _STRIP):
        pairs = (min(2 * _STRIP, counts.shape[0] - start) + 1) // 2
        fill_normal(key, start // 2, room[0, :pairs], room[1, :pairs], room[2, :pairs], room[3, :pairs])
        for half in range(2):
            begin = start + half * pairs
            part = counts[begin : min(begin + pairs, counts.shape[0])]
            deviate = room[2 + half]
            for c in range(part.shape[0]):
                part[c] = max(part[c] + single * math.sqrt(part[c]) * deviate[c], np.float32(0.0))


@njit(cache=True, nogil=True, error_model="numpy")
def spread_clouds(image, sigma, scratch) -> None:  # type: ignore[no-untyped-def]
    """Blur an image in place by a Gaussian of ``sigma`` pixels both ways; its edge pixels go on beyond it."""
    rows, columns = image.shape
    reach = max(1, math.ceil(3.0 * sigma))
    weights = np.exp(-0.5 * (np.arange(0, reach + 1) / max(sigma, 1e-6)) ** 2).astype(np.float32)
    weights /= 2.0 * np.sum(weights) - weights[0]
    padded = np.empty(columns + 2 * reach, dtype=np.float32)
    for r in range(rows):
        padded[:reach], padded[reach + columns :] = image[r, 0], image[r, columns - 1]
        padded[reach : reach + columns] = image[r]
        blur_angle(padded, reach, weights, reach, scratch[r])
    for r in range(rows):
        row, here = image[r], scratch[r]
        for c in range(columns):
            row[c] = weights[0] * here[c]
        for k in range(1, reach + 1):
            factor, above, under = weights[k], scratch[max(r - k, 0)], scratch[min(r + k, rows - 1)]
            for c in range(columns):
                row[c] += factor * (above[c] + under[c])


@njit(cache=True, nogil=True, error_model="numpy")
def charge_clouds(counts, spread, sigma, key, scratch) -> None:  # type: ignore[no-untyped-def]
    """Turn events into an ADC's reading, in place: pulse heights vary by ``spread``, clouds are ``sigma`` pixels wide.

    The sum of all readings is rescaled to the number of events, so that nothing but the look of the noise changes.
    ``counts`` and ``scratch`` (e, a) are contiguous.
    """
    before = sum_of(counts)
    if spread > 0.0:
        pulse_heights(counts.reshape(-1), spread, key)
    spread_clouds(counts, sigma, scratch)
    after = sum_of(counts)
    if after > 0.0:
        factor = np.float32(before / after)
        for r in range(counts.shape[0]):
            for c in range(counts.shape[1]):
                counts[r, c] *= factor
