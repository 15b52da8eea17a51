"""Numba kernels of counting: exact numbers of discrete events from an intensity, by counter-based random numbers."""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.counter_rng import bits, normal, uniform
from beamgym.physics.laue.image_kernels import poisson_large

INVERSE = (1.0 / np.arange(1.0, 65.0)).astype(np.float32)
_STRIP = 256  # pixels worked on together: few enough to stay in the innermost cache
_LARGE_MEAN = np.float32(10.0)  # above it Hörmann's transformed rejection takes over
_TO_UNIT = np.float32(2.0**-23)
_TOP_UP = np.uint64(0xA5A50F0F3C3C5A5A)  # draws beyond the pixels' own use another key


@njit(cache=True, error_model="numpy", forceinline=True)
def fill_uniform(key, start, out) -> None:  # type: ignore[no-untyped-def]
    """Write the uniform numbers of pixels start, start + 1, …: pixels 2i and 2i + 1 share hash i of ``key``."""
    for i in range(out.shape[0] // 2):
        word = bits(key, start // 2 + i)
        out[2 * i] = (np.float32(word >> np.uint64(41)) + np.float32(0.5)) * _TO_UNIT
        low = np.float32((word >> np.uint64(9)) & np.uint64(0x7FFFFF))
        out[2 * i + 1] = (low + np.float32(0.5)) * _TO_UNIT
    if out.shape[0] % 2:
        word = bits(key, (start + out.shape[0] - 1) // 2)
        out[-1] = (np.float32(word >> np.uint64(41)) + np.float32(0.5)) * _TO_UNIT


@njit(cache=True, error_model="numpy", forceinline=True)
def exp_minus(mean, out) -> None:  # type: ignore[no-untyped-def]
    """Write exp(−m) for 0 ≤ m ≤ 16 as the 16th power of a polynomial: to single precision, and vectorised."""
    for c in range(out.shape[0]):
        x = -0.0625 * float(mean[c])
        value = 1.0 + x * (1.0 + x * (0.5 + x * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x * (1 / 720 + x * (
            1 / 5040 + x * (1 / 40320 + x * (1 / 362880 + x / 3628800)))))))))  # fmt: skip
        value *= value
        value *= value
        value *= value
        out[c] = np.float32(value * value)


@njit(cache=True, error_model="numpy")
def count_strip(mean, u, inverse, term, below, out) -> None:  # type: ignore[no-untyped-def]
    """Write Poisson numbers of the means of one strip (≤ 16; larger ones come out wrong) by inverting ``u``.

    All pixels take the same number of steps, which the processor does eight or sixteen at a time; the few that need
    more go on alone. Probabilities are resolved to 1e-7.
    """
    largest = np.float32(0.0)
    for c in range(mean.shape[0]):
        largest = max(largest, min(mean[c], _LARGE_MEAN))
    steps = min(int(2.0 + largest + 2.5 * math.sqrt(largest)), inverse.shape[0])
    exp_minus(mean, term)
    for c in range(mean.shape[0]):
        below[c] = term[c]
        out[c] = np.float32(0.0)
    steps += steps % 2
    for k in range(0, steps, 2):  # two steps at a time: half the traffic with memory
        factor, following = inverse[k], inverse[k + 1]
        for c in range(mean.shape[0]):
            first = term[c] * (mean[c] * factor)
            second = first * (mean[c] * following)
            middle = below[c] + first
            out[c] += np.float32(u[c] >= below[c]) + np.float32(u[c] >= middle)
            term[c], below[c] = second, middle + second
    for c in range(mean.shape[0]):
        if u[c] >= below[c] and mean[c] <= _LARGE_MEAN:
            k, last, total = steps, float(term[c]), float(below[c])
            while u[c] >= total and last > 1e-9:
                out[c] += np.float32(1.0)
                k += 1
                last *= mean[c] / k
                total += last


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "nsz"})
def plain_sum(values) -> Any:  # type: ignore[no-untyped-def]
    """Sum single-precision numbers in any order: in double precision that is exact for counts."""
    total = 0.0
    for c in range(values.shape[0]):
        total += values[c]
    return total


@njit(cache=True, error_model="numpy")
def count_poisson(mean, scale, key, inverse, out) -> Any:  # type: ignore[no-untyped-def]
    """Write Poisson numbers of mean·scale (p,) and return their sum; a pixel's number depends on its place and key."""
    pixels = mean.shape[0]
    scaled, u = np.empty(_STRIP, dtype=np.float32), np.empty(_STRIP, dtype=np.float32)
    term, below = np.empty(_STRIP, dtype=np.float32), np.empty(_STRIP, dtype=np.float32)
    single = np.float32(scale)
    total = 0.0
    for start in range(0, pixels, _STRIP):
        size = min(_STRIP, pixels - start)
        strip, counts = scaled[:size], out[start : start + size]
        for c in range(size):
            strip[c] = mean[start + c] * single
        fill_uniform(key, start, u[:size])
        count_strip(strip, u, inverse, term[:size], below[:size], counts)
        for c in range(size):
            if strip[c] > _LARGE_MEAN:
                counts[c] = np.float32(poisson_large(float(strip[c]), key, pixels + start + c, pixels))
        total += plain_sum(counts)
    return total


@njit(cache=True, error_model="numpy")
def count_events(intensity, total, events, key, inverse, out) -> None:  # type: ignore[no-untyped-def]
    """Write how ``events`` electrons fall on the pixels (any shape, contiguous): an exact multinomial draw.

    Poisson numbers of a slightly smaller mean come first: given their sum K they are multinomial with K events. The
    ``events`` − K missing ones are drawn one by one; in the rare case of too many, some are taken away at random.
    """
    fewer = max(events - 3.0 * math.sqrt(events), 0.0)
    flat = out.reshape(-1)
    drawn = int(count_poisson(intensity.reshape(-1), fewer / total, key, inverse, flat))
    other = key ^ _TOP_UP
    if drawn < events:
        add_events(intensity.reshape(-1), events - drawn, other, flat)
    while drawn > events:
        place = uniform(other, events + drawn) * drawn
        i = 0
        while place >= flat[i]:
            place -= flat[i]
            i += 1
        flat[i] -= np.float32(1.0)
        drawn -= 1


@njit(cache=True, error_model="numpy")
def add_events(intensity, number, key, out) -> None:  # type: ignore[no-untyped-def]
    """Add ``number`` electrons to the pixels (p,), each with probability proportional to the intensity."""
    pixels = intensity.shape[0]
    blocks = (pixels + 31) // 32
    heap = np.empty(blocks)
    running = 0.0
    for j in range(blocks):
        running += plain_sum(intensity[32 * j : min(32 * j + 32, pixels)])
        heap[j] = running
    step = 0
    while number > 0:
        place = uniform(key, step) * running
        step += 1
        j = min(np.searchsorted(heap, place, side="right"), blocks - 1)
        left = place - (heap[j - 1] if j > 0 else 0.0)
        i = 32 * j
        while i < min(32 * j + 31, pixels - 1) and left >= intensity[i]:
            left -= intensity[i]
            i += 1
        if intensity[i] > 0.0:
            out[i] += np.float32(1.0)
            number -= 1


@njit(cache=True, error_model="numpy")
def charge_clouds(counts, spread, sigma, key, scratch) -> None:  # type: ignore[no-untyped-def]
    """Turn events into an ADC's reading, in place: pulse heights vary by ``spread``, clouds are ``sigma`` pixels wide.

    The pulse height of n events is gamma distributed; its normal limit is used, cut at zero. The sum of all readings is
    rescaled to the number of events, so that nothing but the look of the noise changes.
    """
    rows, columns = counts.shape
    before, after = 0.0, 0.0
    for r in range(rows):
        for c in range(columns):
            n = counts[r, c]
            before += n
            if n > 0 and spread > 0.0:
                height = n + spread * math.sqrt(n) * normal(key, r * columns + c)
                counts[r, c] = max(height, 0.0)
    reach = max(1, math.ceil(3.0 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    weights /= np.sum(weights)
    for r in range(rows):
        for c in range(columns):
            value = 0.0
            for k in range(-reach, reach + 1):
                value += weights[k + reach] * counts[r, min(max(c + k, 0), columns - 1)]
            scratch[r, c] = value
    for r in range(rows):
        for c in range(columns):
            value = 0.0
            for k in range(-reach, reach + 1):
                value += weights[k + reach] * scratch[min(max(r + k, 0), rows - 1), c]
            counts[r, c] = value
            after += value
    if after > 0.0:
        factor = np.float32(before / after)
        for r in range(rows):
            for c in range(columns):
                counts[r, c] *= factor
