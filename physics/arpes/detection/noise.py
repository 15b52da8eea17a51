"""Counting: exact numbers of discrete events, or Poisson numbers, from any intensity."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arpes.checks import at_least_zero
from beamgym.physics.arpes.detection.clouds_kernels import charge_clouds
from beamgym.physics.arpes.detection.dead_time_kernels import count_slowly
from beamgym.physics.arpes.detection.noise_kernels import INVERSE, count_events, count_poisson
from beamgym.physics.arpes.detection.response import Response
from beamgym.physics.arrays import Float32Array

_ADC_STREAM = np.uint64(0x5DEECE66D)


def count(
    intensity: ArrayLike,
    events: ArrayLike,
    keys: NDArray[np.uint64],
    exact: bool = True,
    dead_time: ArrayLike = 0.0,
) -> Float32Array:
    """Count electrons.

    Parameters
    ----------
    intensity : (n, ...) expected intensities ≥ 0, any scale
    events : (n,) electrons on the whole of each
    keys : (n,) random keys
    exact : exactly ``events`` are counted (a multinomial draw); else a Poisson number with that mean
    dead_time : (n,) or one for all; above 0, ``events`` arrive on average and m/(1 + m·dead_time) of m are counted

    Returns
    -------
    (n, ...) counts

    Raises
    ------
    ValueError : negative or non-finite intensities, negative events or dead times, keys that do not fit
    """
    mean = np.ascontiguousarray(intensity, dtype=np.float32)
    n = mean.shape[0]
    number = at_least_zero("events", events, n)
    if not (np.all(np.isfinite(mean)) and np.all(mean >= 0)):
        raise ValueError("an intensity to count must be finite and ≥ 0 everywhere")
    if keys.shape != (n,) or keys.dtype != np.uint64:
        raise ValueError(f"keys must be {n} uint64 keys from make_keys; found {keys.dtype} of shape {keys.shape}")
    flat, out = mean.reshape(n, -1), np.zeros((n, mean[0].size), dtype=np.float32)
    blind = at_least_zero("dead_time", dead_time, n)
    _count(flat, np.floor(number) if exact else number, keys, exact, blind, INVERSE, out)
    return out.reshape(mean.shape)


@njit(cache=True, nogil=True, error_model="numpy")
def _count(mean, events, keys, exact, dead_time, inverse, out) -> None:  # type: ignore[no-untyped-def]
    for i in range(mean.shape[0]):
        total = 0.0
        for p in range(mean.shape[1]):
            total += mean[i, p]
        if total <= 0.0 or events[i] <= 0.0:
            continue
        if dead_time[i] > 0.0:
            count_slowly(mean[i], events[i] / total, dead_time[i], keys[i], out[i])
        elif exact:
            count_events(mean[i], total, int(events[i]), keys[i], inverse, out[i])
        else:
            count_poisson(mean[i], events[i] / total, keys[i], inverse, out[i])


def read_adc(counts: ArrayLike, keys: NDArray[np.uint64], response: Response) -> Float32Array:
    """Turn counted events (n, e, a) into the image of an ADC that reads charge clouds; the sum stays the same."""
    out = np.array(counts, dtype=np.float32, order="C")
    scratch = np.empty(out.shape[1:], dtype=np.float32)
    for image, key in zip(out, keys, strict=True):
        charge_clouds(image, response.pulse_spread, response.cloud_px, key ^ _ADC_STREAM, scratch)
    return out
