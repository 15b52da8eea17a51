"""Kernels of the `full` recipe: what the scores need to know of noise-free images."""

from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.arpes.published_cut_kernels import SUMS
from beamgym.physics.arpes.published_kernels import coarse_variation


@njit(cache=True, error_model="numpy", fastmath=SUMS)
def row_sums(signal, ground, gain_e, columns, plate) -> Any:  # type: ignore[no-untyped-def]
    """Return variation, sum, sum behind the response, and the bands' share of it, of one row (positive numbers)."""
    variation, total, light, clean = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
    for c in range(1, signal.shape[0]):
        variation += abs(signal[c] - signal[c - 1])
    for c in range(signal.shape[0]):
        seen = signal[c] * gain_e * columns[c] * plate[c]
        total += signal[c]
        light += seen
        clean += seen * signal[c] / (signal[c] + ground[c] + np.float32(1e-20))
    return variation, total, light, clean


@njit(cache=True, error_model="numpy")
def clean_measures(signal, ground, rows, columns, maps, index, parts) -> None:  # type: ignore[no-untyped-def]
    """Write the feature measures of both scores and the ``v2`` signal to background.

    Parameters
    ----------
    signal, ground : (n, e, a) noise-free bands and background
    rows, columns : (n, e), (n, a) separable response
    maps, index : (k, e, a), (n,) further response maps, −1 for none
    parts : (n, 3) result: feature measure ``paper``, feature measure ``v2``, share of the bands
    """
    cells = np.empty(64)
    flat = np.ones(signal.shape[2], dtype=np.float32)
    for i in range(signal.shape[0]):
        variation, total, light, clean = 0.0, 0.0, 0.0, 0.0
        for r in range(signal.shape[1]):
            plate = maps[index[i], r] if index[i] >= 0 else flat
            v, t, s, c = row_sums(signal[i, r], ground[i, r], rows[i, r], columns[i], plate)
            variation += v
            total += t
            light += s
            clean += c
        parts[i, 0] = variation / total if total > 0.0 else 0.0
        parts[i, 1] = coarse_variation(signal[i], cells)
        parts[i, 2] = clean / light if light > 0.0 else 0.0
