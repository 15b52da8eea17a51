"""Kernels of the `published` recipe, first half: one dispersion cut in energy, momentum and angle, before detection.

``contract`` lets the compiler fuse a product and a sum, ``reassoc`` order the factors of one term. Divisions follow
IEEE 754 (error_model "numpy"): Python's check for zero before every one would keep the loops from being vectorised.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.arpes.detection import BOLTZMANN_EV, lower, raise_to
from beamgym.physics.counter_rng import normal, uniform

_SUMS = {"contract", "reassoc", "nsz", "nnan"}
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


@njit(cache=True, nogil=True, error_model="numpy")
def _terms(ys, order, coefficients, out) -> None:  # type: ignore[no-untyped-def]
    """Write what stands before kx⁰, kx¹, … in a polynomial of both momenta, (order + 1, p), at every ky of ``ys``."""
    for p in range(order + 1):
        line = out[p]
        line[:] = 0.0
        for q in range(order, -1, -1):
            factor = coefficients[p * (order + 1) + q]
            for j in range(ys.shape[0]):
                line[j] = line[j] * ys[j] + factor


@njit(cache=True, nogil=True, error_model="numpy")
def _element(xs, ys, order, terms, fold, out) -> None:  # type: ignore[no-untyped-def]
    """Write the matrix element at kx, ky: the polynomial of these ``terms``, times cos(fold · φ)."""
    out[:] = terms[order]
    for p in range(order - 1, -1, -1):
        line = terms[p]
        for j in range(out.shape[0]):
            out[j] = out[j] * xs[j] + line[j]
    for j in range(out.shape[0]):
        c = abs(xs[j]) / math.sqrt(xs[j] * xs[j] + ys[j] * ys[j] + 1e-30)  # φ = atan(ky/kx) lies within ±90°
        if fold == 1:
            out[j] = out[j] * c
        elif fold == 2:
            out[j] = out[j] * (2.0 * c * c - 1.0)
        elif fold == 3:
            out[j] = out[j] * (4.0 * c * c - 3.0) * c
        else:
            out[j] = out[j] * (8.0 * c * c * (c * c - 1.0) + 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def matrix_elements(kx, ky, low, high, order, coefficients, fold, out) -> None:  # type: ignore[no-untyped-def]
    """Write the matrix element along the cut, above its smallest value in the whole momentum window (low to high)."""
    size = max(_COARSE, kx.shape[0])
    xs, ys, values, terms = np.empty(size), np.empty(size), np.empty(size), np.empty((order + 1, size))
    coarse_x, coarse_y, coarse, table = xs[:_COARSE], ys[:_COARSE], values[:_COARSE], terms[:, :_COARSE]
    for q in range(_COARSE):
        coarse_y[q] = low[1] + (high[1] - low[1]) * q / (_COARSE - 1)
    _terms(coarse_y, order, coefficients, table)
    least = np.full(_COARSE, np.inf)
    for p in range(_COARSE):
        coarse_x[:] = low[0] + (high[0] - low[0]) * p / (_COARSE - 1)
        _element(coarse_x, coarse_y, order, table, fold, coarse)
        lower(coarse, least)
    smallest = np.min(least)
    cut = kx.shape[0]
    ys[:] = ky
    _terms(ys[:cut], order, coefficients, terms[:, :cut])
    _element(kx, ys[:cut], order, terms[:, :cut], fold, values[:cut])
    for j in range(cut):
        out[j] = max(values[j] - smallest, 0.0)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
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
def to_angles(image, kinetic, sines, k0, dk, ky, out) -> Any:  # type: ignore[no-untyped-def]
    """Read the cut (e, k) at the angles of the slit (e, a), dark outside the momentum window; returns min and max.

    kx = sin(θ + θ0) sqrt(2mE/ħ² − ky²): the published rotations, solved for kx.
    """
    rows, columns = image.shape
    low, high = np.full(out.shape[1], np.float32(np.inf)), np.full(out.shape[1], np.float32(-np.inf))
    left, share = np.empty(out.shape[1], dtype=np.uint32), np.empty(out.shape[1], dtype=np.float32)
    inside = np.empty(out.shape[1], dtype=np.uint32)
    shift, end = k0 / dk, float(columns - 1)
    for i in range(rows):
        reach = math.sqrt(max(kinetic[i] / HBAR2_OVER_2M - ky * ky, 0.0)) / dk
        row, target = image[i], out[i]
        for j in range(out.shape[1]):
            place = sines[j] * reach - shift
            held = min(max(place, 0.0), end)
            whole = min(np.int32(held), np.int32(columns - 2))
            inside[j] = held == place
            left[j], share[j] = whole, held - whole
        for j in range(out.shape[1]):
            here, following = row[left[j]], row[left[j] + np.uint32(1)]
            value = here + share[j] * (following - here)
            target[j] = value if inside[j] else np.float32(0.0)
        lower(target, low)
        raise_to(target, high)
    return np.float64(np.min(low)), np.float64(np.max(high))
