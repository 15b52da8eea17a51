"""Numba kernels that turn expected counts into what a camera reads out: photons, full pixels, electronics.

Most pixels are drawn and read out in loops that a compiler turns into vector instructions; the few that need more are
listed and done after it, one at a time. The numbers are those of ``poisson_small``, ``poisson_large`` and
``normal_quantile``, to the bit.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.counter_rng import bits
from beamgym.physics.noise_kernels import STEEP, large_numbers, large_scratch, normal_quantile, small_numbers

_SMALL_MEAN = 10.0  # below it inversion is the exact Poisson method; Hörmann's needs 10
_TO_UNIT = 2.0**-32
_PART = 1024  # pixels done together: what is noted of them stays in the fastest cache
_ROOM = _PART + 8


@njit(cache=True, nogil=True, error_model="numpy")
def count_photons(mean, background, empty, key, inverse) -> None:  # type: ignore[no-untyped-def]
    """Replace expected counts (p,) by Poisson numbers; ``empty`` is exp(−background), for pixels that no spot touches.

    Pixel i uses the upper half of hash i of ``key``; a mean above 10 takes hashes p + i, 2p + i, …
    """
    pixels = mean.shape[0]
    place, small = np.empty(_ROOM, dtype=np.int64), np.empty(_ROOM, dtype=np.int64)
    expected, scratch = np.empty(_ROOM, dtype=np.float32), large_scratch(_PART)
    faint, nothing, u = np.empty(_PART, dtype=np.float32), np.empty(_PART), np.empty(_PART)
    steps, count = np.empty((2, _PART)), np.empty(_PART)
    for start in range(0, pixels, _PART):
        end = min(start + _PART, pixels)
        part = mean[start:end]
        large = _split(part, expected, place, small)
        few = part.shape[0] - large
        _look_up(part, background[start:end], empty[start:end], small[:few], faint, nothing)
        for item in range(few):
            u[item] = (float(bits(key, start + small[item]) >> np.uint64(32)) + 0.5) * _TO_UNIT
        small_numbers(faint[:few], nothing[:few], u[:few], inverse, steps, count[:few])
        for item in range(few):
            part[small[item]] = count[item]
        large_numbers(expected, place, large, key, pixels + start, pixels, scratch, part)


@njit(cache=True, nogil=True, error_model="numpy")
def _look_up(mean, background, empty, small, faint, nothing) -> None:  # type: ignore[no-untyped-def]
    """Write the means of some places and exp(−mean), which is at hand where no spot touches the pixel."""
    for item in range(small.shape[0]):
        i = small[item]
        faint[item] = mean[i]
        nothing[item] = empty[i] if mean[i] == background[i] else math.exp(-mean[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _split(mean, expected, place, small) -> Any:  # type: ignore[no-untyped-def]
    """List the places of large means, with the means, and those of small ones; returns how many are large."""
    large = 0
    for i in range(mean.shape[0]):
        large += mean[i] >= _SMALL_MEAN
        expected[i], place[i] = mean[i], i
    if large == mean.shape[0]:
        return large
    large = few = 0
    for i in range(mean.shape[0]):
        expected[large], place[large], small[few] = mean[i], i, i
        is_large = mean[i] >= _SMALL_MEAN
        large += is_large
        few += not is_large
    return large


@njit(cache=True, nogil=True, error_model="numpy")
def read_out(counts, key, camera, out) -> None:  # type: ignore[no-untyped-def]
    """Turn counts (p,) into what the camera writes; pixel i's noise is the lower half of hash i of ``key``."""
    steep, chosen = np.empty(_PART, dtype=np.uint8), np.empty(_PART + 1, dtype=np.int64)
    for start in range(0, counts.shape[0], _PART):
        end = min(start + _PART, counts.shape[0])
        _read_flat(counts[start:end], key, start, camera, out[start:end], steep)
        number = 0
        for i in range(end - start):
            chosen[number] = start + i
            number += steep[i]
        for item in range(number):
            i = chosen[item]
            noise = camera.read_noise * normal_quantile(bits(key, i) & np.uint64(0xFFFFFFFF), camera.quantile)
            out[i] = _written(float(counts[i]), noise, camera)


@njit(cache=True, nogil=True, error_model="numpy")
def _read_flat(counts, key, first, camera, out, steep) -> None:  # type: ignore[no-untyped-def]
    """Read out pixels first, first + 1, …; right but where ``steep``: there the quantile's table is too coarse."""
    table = camera.quantile
    for i in range(counts.shape[0]):
        word = bits(key, first + i) & np.uint64(0xFFFFFFFF)
        cell = word >> np.uint64(20)
        right = float(word & np.uint64(0xFFFFF)) * 2.0**-20
        low, high = table[cell], table[cell + np.uint64(1)]
        out[i] = _written(float(counts[i]), camera.read_noise * (low + right * (high - low)), camera)
        steep[i] = (cell < np.uint64(STEEP)) | (cell >= np.uint64(4096 - STEEP))


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _written(counts, noise, camera) -> Any:  # type: ignore[no-untyped-def]
    held = min(counts, camera.full_well)
    return max(0.0, min(np.floor(held * camera.gain + camera.offset + noise + 0.5), camera.top))


@njit(cache=True, nogil=True, error_model="numpy")
def spill(counts, full_well) -> None:  # type: ignore[no-untyped-def]
    """Let what a full pixel cannot hold run half down and half up its column, until it fits or leaves the panel."""
    rows, columns = counts.shape
    for i in range(columns):
        down, up = 0.0, 0.0
        for j in range(rows):
            excess = counts[j, i] - full_well
            if excess > 0.0:
                counts[j, i] = full_well + 0.5 * excess
                down += 0.5 * excess
            elif down > 0.0:
                taken = min(down, full_well - counts[j, i])
                counts[j, i] += taken
                down -= taken
        for j in range(rows - 1, -1, -1):
            excess = counts[j, i] - full_well
            if excess > 0.0:
                counts[j, i] = full_well
                up += excess
            elif up > 0.0:
                taken = min(up, full_well - counts[j, i])
                counts[j, i] += taken
                up -= taken
