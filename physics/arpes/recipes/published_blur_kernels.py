"""Kernels of the `published` recipe: its resolution, Gaussians with dark surroundings.

Every sum runs over the taps in their order, whatever is worked on together.
"""

import math
from typing import Any

import numpy as np
from numba import njit

_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
_GROUP, _TARGETS, _STRIP = 8, 4, 32  # source rows or taps, target rows and columns worked on together
_FUSED = {"contract"}


@njit(cache=True, nogil=True, error_model="numpy")
def gaussian_taps(fwhm, step, taps) -> Any:  # type: ignore[no-untyped-def]
    """Write the published kernel, cut at two FWHM either side; returns its length. An even one is half a step off."""
    length = max(1, min(math.ceil((4.0 * fwhm + step) / step - 1e-9), taps.shape[0]))
    total = 0.0
    for i in range(length):
        x = (i - 0.5 * (length - 1)) * step * _FWHM / fwhm
        taps[i] = math.exp(-0.5 * x * x)
        total += taps[i]
    for i in range(length):
        taps[i] /= total
    return length


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FUSED)
def blur_rows(image, lit, taps, length, padded) -> None:  # type: ignore[no-untyped-def]
    """Convolve every row along the slit in place; what lies outside the window is dark, as published.

    ``padded`` is scratch as long as a row, the taps and 2·``_GROUP`` besides; taps beyond ``length`` weigh nothing.
    """
    columns, before = image.shape[1], (length - 1) // 2
    begin, end = _GROUP + length - 1 - before, _GROUP + length - 1
    weights = np.zeros(length + _GROUP, dtype=np.float32)
    weights[:length] = taps[:length]
    padded[: columns + length + 2 * _GROUP] = np.float32(0.0)
    for i in range(lit):
        row = image[i]
        padded[begin : begin + columns] = row
        row[:] = np.float32(0.0)
        for t in range(0, length, _GROUP):
            w = weights[t : t + _GROUP]
            source = padded[end - t - _GROUP + 1 : end - t + 1 + columns]
            for j in range(columns):
                value = row[j]
                for m in range(_GROUP):
                    value += w[m] * source[j + (_GROUP - 1) - m]
                row[j] = value


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FUSED)
def blur_columns(image, lit, taps, length, out) -> None:  # type: ignore[no-untyped-def]
    """Convolve along the energy: strips of 32 columns, four target rows and eight source rows at a time.

    A strip and its sums stay in the innermost cache. Taps beyond ``length`` and rows beyond ``lit`` weigh nothing, so
    that no group needs to end early; the sum over the rows keeps its order.
    """
    rows, columns = image.shape
    before, edge = (length - 1) // 2, _GROUP + _TARGETS
    weights = np.zeros(length + 2 * edge, dtype=np.float32)
    weights[edge : edge + length] = taps[:length]
    strip, sums = np.zeros((lit + _GROUP) * _STRIP, dtype=np.float32), np.empty(_TARGETS * _STRIP, dtype=np.float32)
    for left in range(0, columns, _STRIP):
        width = min(_STRIP, columns - left)
        for r in range(lit):
            line, source = strip[r * _STRIP : (r + 1) * _STRIP], image[r]
            for j in range(width):
                line[j] = source[left + j]
        for i in range(0, rows, _TARGETS):
            sums[:] = np.float32(0.0)
            for r in range(max(0, i + before - length + 1), min(lit, i + _TARGETS + before), _GROUP):
                source = strip[r * _STRIP : (r + _GROUP) * _STRIP]
                first = i - r + before + _TARGETS + 1
                w = weights[first : first + _GROUP + _TARGETS]
                for j in range(_STRIP):
                    for k in range(_TARGETS):
                        value = sums[k * _STRIP + j]
                        for m in range(_GROUP):
                            value += w[(_GROUP - 1) + k - m] * source[_STRIP * m + j]
                        sums[k * _STRIP + j] = value
            for k in range(min(_TARGETS, rows - i)):
                target = out[i + k]
                for j in range(width):
                    target[left + j] = sums[k * _STRIP + j]
