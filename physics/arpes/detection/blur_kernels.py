"""Numba kernels of the resolution: Gaussians along energy and along the slit.

A wide Gaussian along energy is put together from three: one that thins the rows out, one on the thinned rows, and one
that fills the rows in again. Their variances add up to the whole one, and thinned rows are few to sum.
"""

import math
from typing import Any

import numpy as np
from numba import njit

REACH = 4.0  # a resolution function is summed to this many standard deviations: 6e-5 of it is cut off
_THIN = 3.0  # standard deviations of the whole in steps of the thinned rows
_SHARE = 0.85  # standard deviation of the Gaussians that thin out and fill in, in the same steps: ripples are 3e-6
_AROUND = 4  # thinned rows on either side that fill a row in: the reach of _SHARE, rounded up
_FUSED = {"contract"}


@njit(cache=True, nogil=True, error_model="numpy")
def gaussian_weights(sigma, weights) -> Any:  # type: ignore[no-untyped-def]
    """Write a Gaussian integrated over pixels 0, 1, …, whose two sides sum to one; returns its reach in pixels."""
    if sigma < 1e-3:
        weights[0] = 1.0
        return 0
    reach = min(math.ceil(REACH * sigma), weights.shape[0] - 1)
    scale = 1.0 / (math.sqrt(2.0) * sigma)
    lower = math.erf(-0.5 * scale)
    total = 0.0
    for k in range(reach + 1):
        upper = math.erf((k + 0.5) * scale)
        weights[k] = 0.5 * (upper - lower)
        total += (1.0 if k == 0 else 2.0) * weights[k]
        lower = upper
    for k in range(reach + 1):
        weights[k] /= total
    return reach


@njit(cache=True, nogil=True, error_model="numpy")
def blur_energy(source, first, last, row, weights, reach, out) -> None:  # type: ignore[no-untyped-def]
    """Write Σ_s w(|s − row|) source[s] over the rows first…last that the resolution reaches, four at a time."""
    low, high = max(first, row - reach), min(last, row + reach)
    out[:] = np.float32(0.0)
    s = low
    while s + 3 <= high:
        w0, w1 = weights[abs(s - row)], weights[abs(s + 1 - row)]
        w2, w3 = weights[abs(s + 2 - row)], weights[abs(s + 3 - row)]
        for c in range(out.shape[0]):
            out[c] += (w0 * source[s, c] + w1 * source[s + 1, c]) + (w2 * source[s + 2, c] + w3 * source[s + 3, c])
        s += 4
    while s <= high:
        w0 = weights[abs(s - row)]
        for c in range(out.shape[0]):
            out[c] += w0 * source[s, c]
        s += 1


@njit(cache=True, nogil=True, error_model="numpy")
def blur_angle(source, margin, weights, reach, out) -> None:  # type: ignore[no-untyped-def]
    """Write one row blurred along the slit; ``source`` has ``margin`` columns more on either side."""
    width = out.shape[0]
    centre = weights[0]
    for c in range(width):
        out[c] = centre * source[c + margin]
    for k in range(1, reach + 1):
        factor = weights[k]
        left, right = source[margin - k : margin - k + width], source[margin + k : margin + k + width]
        for c in range(width):
            out[c] += factor * (left[c] + right[c])


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FUSED)
def weighted_rows(source, first, taps, out) -> None:  # type: ignore[no-untyped-def]
    """Write Σ_k taps[k] source[first + k], of as many columns as ``out`` has, four rows at a time."""
    out[:] = np.float32(0.0)
    k, count, width = 0, taps.shape[0], out.shape[0]
    while k + 3 < count:
        w0, w1, w2, w3 = taps[k], taps[k + 1], taps[k + 2], taps[k + 3]
        s0, s1 = source[first + k][:width], source[first + k + 1][:width]
        s2, s3 = source[first + k + 2][:width], source[first + k + 3][:width]
        for c in range(width):
            out[c] += (w0 * s0[c] + w1 * s1[c]) + (w2 * s2[c] + w3 * s3[c])
        k += 4
    while k < count:
        w0, s0 = taps[k], source[first + k][:width]
        for c in range(width):
            out[c] += w0 * s0[c]
        k += 1


@njit(cache=True, error_model="numpy")
def _taps(sigma, reach) -> Any:  # type: ignore[no-untyped-def]
    """Return a Gaussian at the places −reach to reach, with a sum of one."""
    taps = np.empty(2 * reach + 1, dtype=np.float32)
    total = 0.0
    for k in range(2 * reach + 1):
        value = math.exp(-0.5 * ((k - reach) / sigma) ** 2)
        taps[k] = value
        total += value
    taps /= np.float32(total)
    return taps


@njit(cache=True, nogil=True, error_model="numpy")
def plan(sigma) -> Any:  # type: ignore[no-untyped-def]
    """Return by how many rows to step for a Gaussian of ``sigma`` rows (1 for not at all), and the filling-in weights.

    The weights (step, 2·4) are those of the thinned rows around each place between two of them; they sum to one.
    """
    step = max(int(math.sqrt(sigma * sigma + 1.0 / 12.0) / _THIN), 1)
    fill = np.empty((step, 2 * _AROUND), dtype=np.float32)
    for q in range(step):
        total = 0.0
        for k in range(2 * _AROUND):
            away = q / step - (k - _AROUND + 1)
            fill[q, k] = math.exp(-0.5 * (away / _SHARE) ** 2)
            total += fill[q, k]
        fill[q] /= np.float32(total)
    return step, fill


@njit(cache=True, nogil=True, error_model="numpy")
def coarse_rows(source, first, last, begin, rows, width, sigma, step) -> Any:  # type: ignore[no-untyped-def]
    """Return thinned rows, blurred but for their filling in, for the rows begin to begin + rows − 1.

    ``source`` is dark but in the rows first to last. Row begin + r is Σ_k fill[r % step, k] of the rows r // step + k
    returned. ``sigma`` rows include a pixel's own width, as the kernel that is integrated over pixels does.
    """
    own = _SHARE * step
    inner = math.sqrt(sigma * sigma + 1.0 / 12.0 - 2.0 * own * own) / step
    near, far = math.ceil(REACH * own), math.ceil(REACH * inner)
    thinning, blurring = _taps(own, near), _taps(inner, far)
    count = (rows - 1) // step + 2 * _AROUND
    origin = begin - (_AROUND - 1 + far) * step
    lowest = max(math.ceil((first - near - origin) / step), 0)
    highest = min(math.floor((last + near - origin) / step), count + 2 * far - 1)
    thin = np.empty((count + 2 * far, width), dtype=np.float32)
    for j in range(lowest, highest + 1):
        row = origin + j * step
        low, high = max(first, row - near), min(last, row + near)
        weighted_rows(source, low, thinning[low - row + near : high - row + near + 1], thin[j])
    out = np.zeros((count, width), dtype=np.float32)
    for j in range(count):
        low, high = max(lowest, j), min(highest, j + 2 * far)
        if low <= high:
            weighted_rows(thin, low, blurring[low - j : high - j + 1], out[j])
    return out
