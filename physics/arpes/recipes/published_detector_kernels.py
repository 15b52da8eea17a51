"""Kernels of the `published` recipe, second half: normalised bands, background and response, and what scores need.

Sums have an order of their own, which is part of the recipe: one that the compiler chose (``reassoc``) would change
with where a kernel is called from, and the last digits of scores with it.
"""

from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.arpes.detection import LANES, add_to, folded, four_sums, lower, raise_to, row_sum

_FUSED = {"contract"}


@njit(cache=True, nogil=True, error_model="numpy")
def variation_and_sum(row, lanes) -> Any:  # type: ignore[no-untyped-def]
    """Return Σ abs(row[j] − row[j − 1]) and Σ row[j] in single precision; ``lanes`` is scratch (2·``LANES``,).

    Both are summed in 64 lanes, what is left over in eight, and the last few one by one: this order is part of the
    recipe's scores.
    """
    change, whole = lanes[:LANES], lanes[LANES:]
    part, total = np.float32(0.0), row[0]
    j, last = 1, row.shape[0]
    if j + LANES <= last:
        change[:], whole[:] = np.float32(0.0), np.float32(0.0)
        whole[0] = total
        while j + LANES <= last:
            here, before = row[j : j + LANES], row[j - 1 : j - 1 + LANES]
            for k in range(LANES):
                change[k] += abs(here[k] - before[k])
                whole[k] += here[k]
            j += LANES
        for k in range(16):
            change[k] = (change[k] + change[k + 16]) + (change[k + 32] + change[k + 48])
            whole[k] = (whole[k] + whole[k + 16]) + (whole[k + 32] + whole[k + 48])
        for k in range(8):
            change[k] += change[k + 8]
            whole[k] += whole[k + 8]
        part, total = folded(change), folded(whole)
    if j + 8 <= last:
        change[:8], whole[:8] = np.float32(0.0), np.float32(0.0)
        change[0], whole[0] = part, total
        while j + 8 <= last:
            here, before = row[j : j + 8], row[j - 1 : j + 7]
            for k in range(8):
                change[k] += abs(here[k] - before[k])
                whole[k] += here[k]
            j += 8
        part, total = folded(change), folded(whole)
    while j < last:
        part += abs(row[j] - row[j - 1])
        total += row[j]
        j += 1
    return part, total


@njit(cache=True, nogil=True, error_model="numpy")
def scale_between(image, low, high) -> Any:  # type: ignore[no-untyped-def]
    """Scale to 0…1 in place; returns the variation along the slit over the sum (the published feature measure)."""
    scale = np.float32(1.0 / (high - low)) if high > low else np.float32(0.0)
    start = np.float32(low)
    lanes = np.empty(2 * LANES, dtype=np.float32)
    variation, total = 0.0, 0.0
    for i in range(image.shape[0]):
        row = image[i]
        for j in range(row.shape[0]):
            row[j] = (row[j] - start) * scale
        part, whole = variation_and_sum(row, lanes)
        variation += float(part)
        total += float(whole)
    return variation / total if total > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def coarse_variation(image, cells) -> Any:  # type: ignore[no-untyped-def]
    """Return the feature measure of ``v2`` (``quality.v2_feature``) of one image; ``cells`` is scratch (columns,)."""
    columns, count = image.shape[1], cells.shape[0]
    width = columns / count
    left, rest = np.empty(count + 1, dtype=np.uint32), np.empty(count)
    left[0] = 0
    for c in range(count):
        left[c + 1] = min(int((c + 1) * width), columns - 1)
        rest[c] = (c + 1) * width - left[c + 1]
    variation, total = 0.0, 0.0
    for i in range(image.shape[0]):
        row = image[i]
        before = 0.0
        for c in range(count):
            value = -before
            for j in range(left[c], left[c + 1]):
                value += row[j]
            before = rest[c] * row[left[c + 1]]
            cells[c] = value + before
        total += cells[0]
        for c in range(1, count):
            total += cells[c]
            variation += abs(cells[c] - cells[c - 1])
    return variation * count / total if total > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FUSED)
def _polynomial(slit, line, out) -> None:  # type: ignore[no-untyped-def]
    """Write Σ_p line[p] θ^p, (5,) coefficients of which those beyond the order are 0."""
    a, b, c, d, e = line[4], line[3], line[2], line[1], line[0]
    for j in range(slit.shape[0]):
        x = slit[j]
        out[j] = (((a * x + b) * x + c) * x + d) * x + e


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FUSED)
def _along_slit(kinetic, order, coefficients, line) -> None:  # type: ignore[no-untyped-def]
    """Write the polynomial's coefficients along the slit, (5,), at one kinetic energy: Σ_q c_pq E^q."""
    for p in range(order + 1):
        inner = 0.0
        for q in range(order, -1, -1):
            inner = inner * kinetic + coefficients[p * (order + 1) + q]
        line[p] = inner


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FUSED)
def _add_ground(flat, shirley, above, scale, curve, low, out) -> None:  # type: ignore[no-untyped-def]
    """Write one row of the background."""
    for j in range(out.shape[0]):
        out[j] = flat + shirley * above[j] + np.float32(scale * (curve[j] - low))


@njit(cache=True, nogil=True, error_model="numpy")
def background(image, slit, kinetic, levels, order, coefficients, curve, out) -> None:  # type: ignore[no-untyped-def]
    """Write flat + polynomial + Shirley background (levels: flat, Shirley, polynomial) of an image scaled to 0…1.

    Shirley's is the sum of all that lies above in energy, column by column, without the top row. ``curve`` (a,) is
    scratch; the polynomial is at most of fourth order.
    """
    rows, columns = image.shape
    above, line = np.zeros(columns, dtype=np.float32), np.zeros(5)
    lows, highs = np.full(columns, np.inf), np.full(columns, -np.inf)
    for i in range(rows - 1, -1, -1):
        if i < rows - 1:
            add_to(above, image[i])
        _along_slit(kinetic[i], order, coefficients, line)
        _polynomial(slit, line, curve)
        lower(curve, lows)
        raise_to(curve, highs)
    low, high = np.min(lows), np.max(highs)
    highest = max(np.max(above), np.float32(0.0))
    shirley = np.float32(levels[1] / highest) if highest > 0.0 else np.float32(0.0)
    scale = levels[2] / abs(high) if high != 0.0 else 0.0
    above[:] = np.float32(0.0)
    for i in range(rows - 1, -1, -1):
        if i < rows - 1:
            add_to(above, image[i])
        _along_slit(kinetic[i], order, coefficients, line)
        _polynomial(slit, line, curve)
        _add_ground(np.float32(levels[0]), shirley, above, scale, curve, low, out[i])


@njit(cache=True, nogil=True, error_model="numpy")
def centre_response(count, sensitivity, out) -> None:  # type: ignore[no-untyped-def]
    """Write a parabola from 1 − sensitivity at the ends of an axis to 1 at its centre."""
    for j in range(count):
        x = 2.0 * j / (count - 1) - 1.0
        out[j] = 1.0 - sensitivity * x * x


@njit(cache=True, nogil=True, error_model="numpy")
def _detected_row(bands, below, gain, out, clean) -> None:  # type: ignore[no-untyped-def]
    """Write (bands + background) · gain of one row, and the bands' share of it times the bands."""
    for j in range(out.shape[0]):
        whole = bands[j] + below[j]
        out[j] = whole * gain[j]
        clean[j] = bands[j] * bands[j] * gain[j] / (whole + np.float32(1e-20))


@njit(cache=True, nogil=True, error_model="numpy")
def _raise_to_product(values, factors, most) -> None:  # type: ignore[no-untyped-def]
    """Replace what is smaller than the product of two rows, column by column."""
    for j in range(values.shape[0]):
        most[j] = max(most[j], values[j] * factors[j])


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FUSED)
def _row_product(values, factors) -> Any:  # type: ignore[no-untyped-def]
    """Return Σ values · factors of one row, one after another."""
    a = np.float32(0.0)
    for j in range(values.shape[0]):
        a += values[j] * factors[j]
    return a


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FUSED)
def _four_products(values, factors, out) -> None:  # type: ignore[no-untyped-def]
    """Write ``_row_product`` of four rows, side by side: their additions need not wait for each other."""
    a, b, c, d = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
    p, q, r, s = values[0], values[1], values[2], values[3]
    t, u, v, w = factors[0], factors[1], factors[2], factors[3]
    for j in range(values.shape[1]):
        a += p[j] * t[j]
        b += q[j] * u[j]
        c += r[j] * v[j]
        d += s[j] * w[j]
    out[0], out[1], out[2], out[3] = a, b, c, d


@njit(cache=True, nogil=True, error_model="numpy")
def expected(image, ground, gain_e, gain_a, out) -> Any:  # type: ignore[no-untyped-def]
    """Write (bands + background) × response.

    Returns
    -------
    its largest value, the largest of the background's part, its sum, and the bands' share where their electrons fall
    """
    total, detected, share = 0.0, 0.0, 0.0
    rows, columns = image.shape
    gain, clean = np.empty((4, columns), dtype=np.float32), np.empty((4, columns), dtype=np.float32)
    highest, highest_ground = np.zeros(columns, dtype=np.float32), np.zeros(columns, dtype=np.float32)
    sums = np.empty((3, 4), dtype=np.float32)
    for first in range(0, rows, 4):
        size = min(4, rows - first)
        for r in range(size):
            i, here = first + r, gain[r]
            for j in range(columns):
                here[j] = gain_e[i] * gain_a[j]
            _detected_row(image[i], ground[i], here, out[i], clean[r])
            raise_to(out[i], highest)
            _raise_to_product(ground[i], here, highest_ground)
        if size == 4:
            _four_products(image[first : first + 4], gain, sums[1])
            four_sums(out[first : first + 4], sums[0])
            four_sums(clean, sums[2])
        else:
            for r in range(size):
                sums[0, r], sums[2, r] = row_sum(out[first + r]), row_sum(clean[r])
                sums[1, r] = _row_product(image[first + r], gain[r])
        for r in range(size):
            total += np.float64(sums[0, r])
            detected += np.float64(sums[1, r])
            share += np.float64(sums[2, r])
    return np.max(highest), np.max(highest_ground), total, share / detected if detected > 0.0 else 0.0
