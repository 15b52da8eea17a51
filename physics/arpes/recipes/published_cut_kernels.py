"""Kernels of the `published` recipe, first half: one dispersion cut in energy, momentum and angle, before detection.

``contract`` lets the compiler fuse a product and a sum, ``reassoc`` sum in lanes, ``nnan`` take a maximum in lanes:
only where a loop runs over finite, positive numbers, whose order does not matter to 1e-5. Divisions follow IEEE 754
(error_model "numpy"): Python's check for zero before every one would keep the loops from being vectorised.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.arpes.detection import BOLTZMANN_EV
from beamgym.physics.counter_rng import normal, uniform

SUMS = {"contract", "reassoc", "nsz", "nnan"}
_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
HBAR2_OVER_2M = 3.80998212  # eV Å²
EDGES = 1.1  # momentum and angle reach this far beyond the window asked for
_COARSE = 48  # points a side at which the smallest matrix element is looked for
_DARK = 1e-9  # Fermi function below which a row is left out


@njit(cache=True, nogil=True, error_model="numpy")
def draw_table(keys, uniforms, normals) -> None:  # type: ignore[no-untyped-def]
    """Fill (n, m) tables with uniform and standard normal numbers, row i from keys[i] only."""
    for i in range(keys.shape[0]):
        for j in range(uniforms.shape[1]):
            uniforms[i, j] = uniform(keys[i], j)
        for j in range(normals.shape[1]):
            normals[i, j] = normal(keys[i], 2048 + j)


@njit(cache=True, nogil=True, error_model="numpy")
def band_energies(lattice, onsite, hopping, ratio, spacing, kx, ky, out) -> Any:  # type: ignore[no-untyped-def]
    """Write the energies (bands, k) of the published tight-binding lattices along a cut; returns the number of bands.

    ``lattice`` 0 rectangle, 1 square, 2 hexagonal, 3 honeycomb (two bands a site energy); ``ratio`` scales its second
    hopping: the second harmonic of rectangle and square, the next neighbour of the other two.
    """
    a, b = spacing
    root = math.sqrt(3.0)
    for j in range(kx.shape[0]):
        for m in range(onsite.shape[0]):
            t, r = hopping[m, 0], ratio[m, 0]
            if lattice < 2:
                second_t, second_r = (hopping[m, 1], ratio[m, 1]) if lattice == 0 else (t, r)
                x, y = math.cos(kx[j] * a), math.cos(ky * b)
                energy = 2.0 * t * x + 2.0 * second_t * y
                out[m, j] = onsite[m] + energy + r * t * (2 * x * x - 1) + second_r * second_t * (2 * y * y - 1)
            elif lattice == 2:
                x, y = math.cos(0.5 * a * kx[j]), math.cos(0.5 * root * a * ky)
                near = 2.0 * x * y + 2.0 * x * x - 1.0
                far = 2.0 * y * (4.0 * x * x - 3.0) * x + 2.0 * y * y - 1.0
                out[m, j] = onsite[m] + 2.0 * t * (near + r * far)
            else:
                x, y = math.cos(0.5 * root * a * kx[j]), math.cos(1.5 * a * ky)
                far = 2.0 * x * y + 2.0 * x * x - 1.0
                split = t * math.sqrt(max(3.0 + 2.0 * far, 0.0))
                out[2 * m, j] = onsite[m] + split + 2.0 * r * t * far
                out[2 * m + 1, j] = onsite[m] - split + 2.0 * r * t * far
    return onsite.shape[0] * (2 if lattice == 3 else 1)


@njit(cache=True, error_model="numpy")
def _element(x, y, order, coefficients, fold) -> Any:  # type: ignore[no-untyped-def]
    """Matrix element: a polynomial in both momenta times cos(fold · φ)."""
    value = 0.0
    for p in range(order, -1, -1):
        inner = 0.0
        for q in range(order, -1, -1):
            inner = inner * y + coefficients[p * (order + 1) + q]
        value = value * x + inner
    c = abs(x) / math.sqrt(x * x + y * y + 1e-30)  # φ = atan(ky/kx) lies within ±90°
    if fold == 1:
        return value * c
    if fold == 2:
        return value * (2.0 * c * c - 1.0)
    if fold == 3:
        return value * (4.0 * c * c - 3.0) * c
    return value * (8.0 * c * c * (c * c - 1.0) + 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def matrix_elements(kx, ky, low, high, order, coefficients, fold, out) -> None:  # type: ignore[no-untyped-def]
    """Write the matrix element along the cut, above its smallest value in the whole momentum window (low to high)."""
    smallest = np.inf
    for p in range(_COARSE):
        x = low[0] + (high[0] - low[0]) * p / (_COARSE - 1)
        for q in range(_COARSE):
            y = low[1] + (high[1] - low[1]) * q / (_COARSE - 1)
            smallest = min(smallest, _element(x, y, order, coefficients, fold))
    for j in range(kx.shape[0]):
        out[j] = max(_element(kx[j], ky, order, coefficients, fold) - smallest, 0.0)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=SUMS)
def spectral_rows(omega, temperature, bands, energies, amplitude, slope, floor, weight, out) -> Any:  # type: ignore[no-untyped-def]
    """Write f(ω) Σ M γ / ((ω − ε)² + γ²), γ = slope ω² + floor, (e, k); returns the number of rows that hold light."""
    lit = 0
    columns = weight.shape[0]
    for i in range(omega.shape[0]):
        w = omega[i]
        fermi = 1.0 / (1.0 + math.exp(min(w / (BOLTZMANN_EV * temperature), 700.0)))
        row = out[i]
        row[:] = np.float32(0.0)
        if fermi < _DARK:
            continue
        lit = i + 1
        for m in range(bands):
            gamma = slope[m] * w * w + floor
            scale, square, here = np.float32(fermi * amplitude[m] * gamma), np.float32(gamma * gamma), np.float32(w)
            energy = energies[m]
            for j in range(columns):
                d = here - energy[j]
                row[j] += scale * weight[j] / (d * d + square)
    return lit


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


@njit(cache=True, nogil=True, error_model="numpy", fastmath=SUMS)
def blur_rows(image, lit, taps, length, padded) -> None:  # type: ignore[no-untyped-def]
    """Convolve every row along the slit in place; what lies outside the window is dark, as published."""
    columns, before = image.shape[1], (length - 1) // 2
    after = length - 1 - before
    padded[: columns + length] = np.float32(0.0)
    for i in range(lit):
        row = image[i]
        padded[after : after + columns] = row
        row[:] = np.float32(0.0)
        for t in range(length):
            w = taps[t]
            source = padded[length - 1 - t : length - 1 - t + columns]
            for j in range(columns):
                row[j] += w * source[j]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=SUMS)
def blur_columns(image, lit, taps, length, out) -> None:  # type: ignore[no-untyped-def]
    """Convolve along the energy; four source rows at a time, for a quarter of the stores."""
    rows, columns = image.shape
    before = (length - 1) // 2
    for i in range(rows):
        target = out[i]
        target[:] = np.float32(0.0)
        first, last = max(0, i + before - length + 1), min(lit, i + before + 1)
        r = first
        while r + 3 < last:
            t = i - r + before
            a, b, c, d = taps[t], taps[t - 1], taps[t - 2], taps[t - 3]
            p, q, s, u = image[r], image[r + 1], image[r + 2], image[r + 3]
            for j in range(columns):
                target[j] += a * p[j] + b * q[j] + c * s[j] + d * u[j]
            r += 4
        while r < last:
            a, p = taps[i - r + before], image[r]
            for j in range(columns):
                target[j] += a * p[j]
            r += 1


@njit(cache=True, nogil=True, error_model="numpy")
def to_angles(image, kinetic, sines, k0, dk, ky, out) -> Any:  # type: ignore[no-untyped-def]
    """Read the cut (e, k) at the angles of the slit (e, a), dark outside the momentum window; returns min and max.

    kx = sin(θ + θ0) sqrt(2mE/ħ² − ky²): the published rotations, solved for kx.
    """
    rows, columns = image.shape
    low, high = np.inf, -np.inf
    for i in range(rows):
        reach = math.sqrt(max(kinetic[i] / HBAR2_OVER_2M - ky * ky, 0.0)) / dk
        row, target = image[i], out[i]
        shift = k0 / dk
        for j in range(out.shape[1]):
            place = sines[j] * reach - shift
            value = np.float32(0.0)
            if place >= 0.0 and place <= columns - 1:
                left = min(int(place), columns - 2)
                share = np.float32(place - left)
                value = row[left] + share * (row[left + 1] - row[left])
            target[j] = value
            low, high = min(low, float(value)), max(high, float(value))
    return low, high
