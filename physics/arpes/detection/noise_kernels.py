"""Numba kernels of counting: exact numbers of discrete events from an intensity, by counter-based random numbers."""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.counter_rng import bits, uniform
from beamgym.physics.noise_kernels import poisson_large

INVERSE = (1.0 / np.arange(1.0, 65.0)).astype(np.float32)
INVERTED_MEAN = 10.0  # above it Hörmann's transformed rejection takes over
WIDE_MEAN = 40.0  # the same where bright pixels are many: up to there inversion is the faster of the two
_STRIP = 256  # pixels worked on together: few enough to stay in the innermost cache
_GROUP = 32  # pixels that are asked together whether any needs more steps
_SQUARINGS_MEAN = 16.0  # the largest that exp_minus is good for
_TO_UNIT = np.float32(2.0**-23)
_TOP_UP = np.uint64(0xA5A50F0F3C3C5A5A)  # draws beyond the pixels' own use another key
_LOG2_E, _LN_2_HIGH, _LN_2_LOW = (np.float32(value) for value in (1.44269504, 0.693359375, -2.12194440e-4))
_SEARCHED = 64  # fewer draws than this are not worth a table of where to begin to look


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


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def exp_minus_wide(mean, out) -> None:  # type: ignore[no-untyped-def]
    """Write exp(−m) for 0 ≤ m ≤ 80 in single precision throughout: a power of two times a polynomial."""
    powers = out.view(np.int32)
    for c in range(out.shape[0]):
        whole = np.float32(math.floor(mean[c] * _LOG2_E + np.float32(0.5)))
        x = (whole * _LN_2_HIGH - mean[c]) + whole * _LN_2_LOW
        value = np.float32(1 / 720) + x * np.float32(1 / 5040)
        for term in (np.float32(1 / 120), np.float32(1 / 24), np.float32(1 / 6), np.float32(0.5)):
            value = value * x + term
        out[c] = (value * x + np.float32(1.0)) * x + np.float32(1.0)
        powers[c] -= np.int32(whole) << np.int32(23)


@njit(cache=True, nogil=True)
def _of_bits(word) -> Any:  # type: ignore[no-untyped-def]
    """Return the single-precision number of 32 bits."""
    return np.int32(word).view(np.float32)


@njit(cache=True, nogil=True, error_model="numpy")
def largest(values) -> Any:  # type: ignore[no-untyped-def]
    """Return the largest of single-precision numbers ≥ 0, or 0.

    Such numbers are ordered as the whole numbers of the same bits, of which many are compared at a time.
    """
    words = values.view(np.int32)
    peak = np.int32(0)
    for c in range(words.shape[0]):
        peak = max(peak, words[c])
    return _of_bits(peak)


@njit(cache=True, nogil=True, error_model="numpy")
def count_strip(mean, u, inverse, limit, term, below, out) -> None:  # type: ignore[no-untyped-def]
    """Write Poisson numbers of the means of one strip by inverting ``u``; means above ``limit`` come out wrong.

    All pixels take the same number of steps, which the processor does eight or sixteen at a time; the few that need
    more go on alone. Probabilities are resolved to 1e-7.
    """
    peak = min(largest(mean), limit)
    steps = min(int(2.0 + peak + 2.5 * math.sqrt(peak)), inverse.shape[0])
    if limit > _SQUARINGS_MEAN:
        exp_minus_wide(mean, term)
    else:
        exp_minus(mean, term)
    for c in range(mean.shape[0]):
        below[c] = term[c]
        out[c] = np.float32(0.0)
    steps += steps % 2
    fours = steps - steps % 4
    for k in range(0, fours, 4):  # several steps at a time: less traffic with memory
        f, g, h, i = inverse[k], inverse[k + 1], inverse[k + 2], inverse[k + 3]
        for c in range(mean.shape[0]):
            first = term[c] * (mean[c] * f)
            second = first * (mean[c] * g)
            third = second * (mean[c] * h)
            fourth = third * (mean[c] * i)
            x = below[c] + first
            y = x + second
            z = y + third
            two = np.float32(u[c] >= below[c]) + np.float32(u[c] >= x)
            out[c] += two + (np.float32(u[c] >= y) + np.float32(u[c] >= z))
            term[c], below[c] = fourth, z + fourth
    for k in range(fours, steps, 2):
        f, g = inverse[k], inverse[k + 1]
        for c in range(mean.shape[0]):
            first = term[c] * (mean[c] * f)
            second = first * (mean[c] * g)
            x = below[c] + first
            out[c] += np.float32(u[c] >= below[c]) + np.float32(u[c] >= x)
            term[c], below[c] = second, x + second
    for start in range(0, mean.shape[0], _GROUP):
        end = min(start + _GROUP, mean.shape[0])
        if unfinished_pixels(u[start:end], below[start:end], mean[start:end], limit) > 0:
            for c in range(start, end):
                if u[c] >= below[c] and mean[c] <= limit:
                    out[c] += further_steps(mean[c], u[c], steps, float(term[c]), float(below[c]))


@njit(cache=True, nogil=True, error_model="numpy")
def unfinished_pixels(u, below, mean, limit) -> Any:  # type: ignore[no-untyped-def]
    """Return how many pixels need more steps."""
    count = np.int32(0)
    for c in range(u.shape[0]):
        count += np.int32(u[c] >= below[c]) & np.int32(mean[c] <= limit)
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def further_steps(mean, u, k, last, total) -> Any:  # type: ignore[no-untyped-def]
    """Return how many steps on from the k-th one pixel goes."""
    more = np.float32(0.0)
    while u >= total and last > 1e-9:
        more += np.float32(1.0)
        k += 1
        last *= mean / k
        total += last
    return more


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "nsz"})
def plain_sum(values) -> Any:  # type: ignore[no-untyped-def]
    """Sum single-precision numbers in any order: in double precision that is exact for counts."""
    total = 0.0
    for c in range(values.shape[0]):
        total += values[c]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def count_poisson(mean, scale, key, inverse, out, limit=INVERTED_MEAN) -> Any:  # type: ignore[no-untyped-def]
    """Write Poisson numbers of mean·scale (p,) and return their sum; a pixel's number depends on its place and key.

    Means up to ``limit`` (40 at most, ``WIDE_MEAN``) are drawn by inversion, larger ones by rejection.
    """
    pixels = mean.shape[0]
    scaled, u = np.empty(_STRIP, dtype=np.float32), np.empty(_STRIP, dtype=np.float32)
    term, below = np.empty(_STRIP, dtype=np.float32), np.empty(_STRIP, dtype=np.float32)
    single, bound = np.float32(scale), np.float32(limit)
    total = 0.0
    for start in range(0, pixels, _STRIP):
        size = min(_STRIP, pixels - start)
        strip, part, counts = scaled[:size], mean[start : start + size], out[start : start + size]
        for c in range(size):
            strip[c] = part[c] * single
        fill_uniform(key, start, u[:size])
        count_strip(strip, u, inverse, bound, term[:size], below[:size], counts)
        if largest(strip) > bound:
            for c in range(size):
                if strip[c] > bound:
                    counts[c] = np.float32(poisson_large(float(strip[c]), key, pixels + start + c, pixels))
        total += plain_sum(counts)
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def count_events(intensity, total, events, key, inverse, out, limit=INVERTED_MEAN) -> None:  # type: ignore[no-untyped-def]
    """Write how ``events`` electrons fall on the pixels (any shape, contiguous): an exact multinomial draw.

    Poisson numbers of a slightly smaller mean come first: given their sum K they are multinomial with K events. The
    ``events`` − K missing ones are drawn one by one; in the rare case of too many, some are taken away at random.
    """
    fewer = max(events - 3.0 * math.sqrt(events), 0.0)
    flat = out.reshape(-1)
    drawn = int(count_poisson(intensity.reshape(-1), fewer / total, key, inverse, flat, limit))
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


@njit(cache=True, nogil=True, error_model="numpy")
def add_events(intensity, number, key, out) -> None:  # type: ignore[no-untyped-def]
    """Add ``number`` electrons to the pixels (p,), each with probability proportional to the intensity."""
    pixels = intensity.shape[0]
    blocks = (pixels + 31) // 32
    heap = np.empty(blocks)
    running = 0.0
    for j in range(blocks):
        running += plain_sum(intensity[32 * j : min(32 * j + 32, pixels)])
        heap[j] = running
    begin = _beginnings(heap, number)
    step = 0
    while number > 0:
        share = uniform(key, step)
        place = share * running
        step += 1
        j = begin[int(share * begin.shape[0])]
        while j > 0 and heap[j - 1] > place:
            j -= 1
        while j < blocks - 1 and heap[j] <= place:
            j += 1
        left = place - (heap[j - 1] if j > 0 else 0.0)
        i = 32 * j
        while i < min(32 * j + 31, pixels - 1) and left >= intensity[i]:
            left -= intensity[i]
            i += 1
        if intensity[i] > 0.0:
            out[i] += np.float32(1.0)
            number -= 1


@njit(cache=True, nogil=True, error_model="numpy")
def _beginnings(heap, number) -> Any:  # type: ignore[no-untyped-def]
    """Return the first block that may hold each of equal parts of the whole: where to begin to look."""
    parts = heap.shape[0] if number >= _SEARCHED else 1
    begin = np.zeros(parts, dtype=np.int64)
    j = 0
    for p in range(parts):
        edge = heap[-1] * p / parts
        while j < heap.shape[0] - 1 and heap[j] <= edge:
            j += 1
        begin[p] = j
    return begin
