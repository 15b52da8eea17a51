"""Numba kernels of the tight-binding bands: momenta in, band energies out.

All lattices share two sets of basis functions. Rectangular ones have their own six; the hexagonal and the honeycomb
lattice are both made of the three shells of the triangular lattice: nearest, next-nearest (√3 a) and 2a.
"""

import math
from typing import Any

import numpy as np
from numba import njit

RECTANGULAR, HEXAGONAL, HONEYCOMB = 0, 1, 2
TERMS = 6
_ROOT3 = math.sqrt(3.0)


@njit(cache=True, error_model="numpy", inline="always")
def triangular_shells(kx, ky, a) -> Any:  # type: ignore[no-untyped-def]
    """Return Σ cos(k·R) over the six sites of the first, second and third shell of a triangular lattice."""
    x, y = math.cos(0.5 * kx * a), math.cos(0.5 * _ROOT3 * ky * a)
    full_x, full_y = 2.0 * x * x - 1.0, 2.0 * y * y - 1.0  # cosines of the doubled arguments
    triple_x = x * (2.0 * full_x - 1.0)
    first = 2.0 * full_x + 4.0 * x * y
    second = 2.0 * full_y + 4.0 * triple_x * y
    third = 2.0 * (2.0 * full_x * full_x - 1.0) + 4.0 * full_x * full_y
    return first, second, third


@njit(cache=True, error_model="numpy", inline="always")
def of_shells(lattice, first, second, third, term) -> Any:  # type: ignore[no-untyped-def]
    """Return one band's energy in eV on a hexagonal or a honeycomb lattice from the sums over its shells."""
    if lattice == HEXAGONAL:
        return term[0] + term[1] * first + term[2] * second + term[3] * third
    near, far = term[1], term[3]
    square = near * near * (3.0 + first) + far * far * (3.0 + third) + near * far * (second + 2.0 * first)
    root = math.sqrt(max(square, 0.0))
    return term[0] + term[2] * first + (root if near >= 0.0 else -root)


@njit(cache=True, error_model="numpy", inline="always")
def band_energy(lattice, a, b, kx, ky, term) -> Any:  # type: ignore[no-untyped-def]
    """Return one band's energy in eV at one momentum; ``term`` (6,) as ``lattices.coefficients`` lays it out."""
    if lattice == RECTANGULAR:
        x, y = math.cos(kx * a), math.cos(ky * b)
        value = term[0] + 2.0 * (term[1] * x + term[2] * y) + 4.0 * term[3] * x * y
        return value + 2.0 * (term[4] * (2.0 * x * x - 1.0) + term[5] * (2.0 * y * y - 1.0))
    first, second, third = triangular_shells(kx, ky, a)
    return of_shells(lattice, first, second, third, term)


@njit(cache=True, nogil=True, error_model="numpy")
def fill_bands(lattice, constant, terms, count, momentum, out) -> None:  # type: ignore[no-untyped-def]
    """Write band energies.

    ``lattice`` (n,), ``constant`` (n, 2) Å, ``terms`` (n, b, 6) eV, ``count`` (n,) bands in use, ``momentum``
    (n, p, 2) 1/Å, ``out`` (n, b, p) eV; unused bands are left alone.
    """
    for i in range(out.shape[0]):
        a, b = constant[i, 0], constant[i, 1]
        for p in range(momentum.shape[1]):
            kx, ky = momentum[i, p, 0], momentum[i, p, 1]
            if lattice[i] == RECTANGULAR:
                x, y = math.cos(kx * a), math.cos(ky * b)
                double_x, double_y = 2.0 * x * x - 1.0, 2.0 * y * y - 1.0
                for m in range(count[i]):
                    term = terms[i, m]
                    value = term[0] + 2.0 * (term[1] * x + term[2] * y) + 4.0 * term[3] * x * y
                    out[i, m, p] = value + 2.0 * (term[4] * double_x + term[5] * double_y)
            else:
                first, second, third = triangular_shells(kx, ky, a)
                for m in range(count[i]):
                    out[i, m, p] = of_shells(lattice[i], first, second, third, terms[i, m])


@njit(cache=True, nogil=True, error_model="numpy")
def fill_momentum(wavenumber, direction, out) -> None:  # type: ignore[no-untyped-def]
    """Write K·n: ``wavenumber`` (n, m) 1/Å, ``direction`` (n, w, 2) in-plane components, ``out`` (n, m, w, 2)."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            k = wavenumber[i, j]
            for c in range(out.shape[2]):
                out[i, j, c, 0] = k * direction[i, c, 0]
                out[i, j, c, 1] = k * direction[i, c, 1]


@njit(cache=True, nogil=True, error_model="numpy")
def fill_directions(slit_rad, deflection_rad, turn, out) -> None:  # type: ignore[no-untyped-def]
    """Write the in-plane components of the emission direction in the sample's frame.

    ``slit_rad`` (w,); ``deflection_rad`` (n,); ``turn`` (n, 2, 3) the first two rows of (manipulator rotation)ᵀ times
    the matrix that lays the slit; ``out`` (n, w, 2).
    """
    for i in range(out.shape[0]):
        for c in range(out.shape[1]):
            along, across = slit_rad[c], deflection_rad[i]
            radius = math.sqrt(along * along + across * across)
            scale = math.sin(radius) / radius if radius > 1e-12 else 1.0
            x, y, z = along * scale, across * scale, math.cos(radius)
            for k in range(2):
                out[i, c, k] = turn[i, k, 0] * x + turn[i, k, 1] * y + turn[i, k, 2] * z


@njit(cache=True, nogil=True, error_model="numpy")
def fill_dirac(surface, bulk, slices, momentum, out) -> None:  # type: ignore[no-untyped-def]
    """Write the two Dirac branches (upper first), then the slices of every bulk continuum: ``out`` (n, 2 + g·s, p) eV.

    ``surface`` (n, 5): Dirac point eV, velocity eV Å, 1/2m* eV Å², warping eV Å³, azimuth of a warping maximum rad;
    ``bulk`` (n, g, 3): edge eV, curvature eV Å², width along kz eV (signed); ``momentum`` (n, p, 2) 1/Å.
    """
    shares = np.empty(slices)
    for q in range(slices):  # kz runs evenly; a cosine band crowds at its edges
        shares[q] = 0.5 * (1.0 - math.cos(math.pi * (q + 0.5) / slices))
    for i in range(out.shape[0]):
        point, velocity, curvature, warping, azimuth = surface[i]
        c3, s3 = math.cos(3.0 * azimuth), math.sin(3.0 * azimuth)
        for p in range(momentum.shape[1]):
            kx, ky = momentum[i, p, 0], momentum[i, p, 1]
            square = kx * kx + ky * ky
            warp = kx * (kx * kx - 3.0 * ky * ky) * c3 + ky * (3.0 * kx * kx - ky * ky) * s3  # k³ cos 3(φ − azimuth)
            root = math.sqrt(velocity * velocity * square + warping * warping * warp * warp)
            out[i, 0, p] = point + curvature * square + root
            out[i, 1, p] = point + curvature * square - root
            for g in range(bulk.shape[1]):
                centre = bulk[i, g, 0] + bulk[i, g, 1] * square
                for q in range(slices):
                    out[i, 2 + g * slices + q, p] = centre + bulk[i, g, 2] * shares[q]
