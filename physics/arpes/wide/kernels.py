"""Numba kernels of clean spectra: bands of any shape, and what the scores need of a spectrum's parts."""

from typing import Any

import numpy as np
from numba import njit

COLUMNS = 64
"""Columns over which ``v2`` measures features."""


@njit(cache=True, nogil=True, error_model="numpy")
def draw_bands(energy, curve, strength, floor, slope, out) -> None:  # type: ignore[no-untyped-def]
    """Write Lorentzians about curves.

    ``energy`` (m, e) eV; ``curve``, ``strength`` (m, b, a) eV and intensity; ``floor`` (m, b) half width in eV at the
    Fermi level, ``slope`` (m, b) its growth per eV away from it; ``out`` (m, e, a).
    """
    for i in range(out.shape[0]):
        for r in range(out.shape[1]):
            row, here = out[i, r], energy[i, r]
            row[:] = np.float32(0.0)
            for b in range(curve.shape[1]):
                width = floor[i, b] + slope[i, b] * abs(here)
                square = width * width
                line, bright = curve[i, b], strength[i, b]
                for j in range(row.shape[0]):
                    away = here - line[j]
                    row[j] += bright[j] * width / (away * away + square)


@njit(cache=True, nogil=True, error_model="numpy")
def fill_blur(sigma, out) -> None:  # type: ignore[no-untyped-def]
    """Add to ``out`` (m, size, size), all 0, Gaussian weights of ``sigma`` (m,) pixels; what lies beyond the ends
    counts to them."""
    size = out.shape[1]
    weight = np.empty(2 * size + 1)
    for i in range(out.shape[0]):
        reach = min(int(np.ceil(4.0 * max(sigma[i], 0.05))), size)
        total = 0.0
        for k in range(-reach, reach + 1):
            weight[k + reach] = np.exp(-0.5 * (k / max(sigma[i], 1e-3)) ** 2)
            total += weight[k + reach]
        for r in range(size):
            row = out[i, r]
            for k in range(-reach, reach + 1):
                row[min(max(r + k, 0), size - 1)] += np.float32(weight[k + reach] / total)


@njit(cache=True, nogil=True, error_model="numpy")
def measure(bands, ground, gain, out) -> None:  # type: ignore[no-untyped-def]
    """Write F of ``v2``, B of ``paper`` and B of ``v2``, (m, 3), of parts (m, e, a); a is a multiple of 64.

    Rows that nothing is seen of have the sensitivity 0 throughout and do not count.
    """
    rows, columns = bands.shape[1:]
    step = columns // COLUMNS
    for i in range(out.shape[0]):
        change, whole = 0.0, 0.0
        signal, share = 0.0, 0.0
        highest: Any = np.float32(0.0)
        ground_highest: Any = np.float32(0.0)
        for r in range(rows):
            s, b, g = bands[i, r], ground[i, r], gain[i, r]
            seen: Any = np.float32(0.0)
            row_signal: Any = np.float32(0.0)
            row_share: Any = np.float32(0.0)
            for j in range(columns):
                seen = max(seen, g[j])
                total = s[j] + b[j]
                highest = max(highest, total * g[j])
                ground_highest = max(ground_highest, b[j] * g[j])
                row_signal += s[j] * g[j]
                row_share += s[j] * s[j] * g[j] / (total + np.float32(1e-20))
            if seen <= np.float32(0.0):
                continue
            signal += row_signal
            share += row_share
            before: Any = np.float32(0.0)
            for c in range(COLUMNS):
                cell: Any = np.float32(0.0)
                for j in range(c * step, (c + 1) * step):
                    cell += s[j]
                whole += cell
                if c > 0:
                    change += abs(cell - before)
                before = cell
        out[i, 0] = change * COLUMNS / whole if whole > 0.0 else 0.0
        out[i, 1] = 1.0 - ground_highest / highest if highest > 0.0 else 0.0
        out[i, 2] = share / signal if signal > 0.0 else 0.0


def measures(bands: Any, ground: Any, gain: Any) -> Any:
    """Return what ``measure`` writes, as a new array (m, 3)."""
    out = np.empty((len(bands), 3))
    measure(*(np.ascontiguousarray(part, dtype=np.float32) for part in (bands, ground, gain)), out)
    return out
