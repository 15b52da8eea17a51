"""Numba kernels of what weighs a reflection: structure factor, spectrum, slab, layer and polarisation.

Divisions follow IEEE 754 (error_model "numpy"): Python's check for zero before every one costs a third of the speed.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.laue.pattern.lists.tables import NO_SLAB, THICK_SLAB

_LARGEST_EXPONENT = 700.0  # e to a little more than it is no double any more


@njit(cache=True, nogil=True, error_model="numpy")
def slab_length(mode, thickness_mm, mu, sin_in, sin_out) -> Any:  # type: ignore[no-untyped-def]
    """Effective diffracting path in mm: the slab's depth integral per unit cross-section of a beam wholly on it.

    ``sin_in`` > 0 is the sine of the angle between beam and surface, ``sin_out`` that of the exit ray, negative when it
    leaves through the far face (International Tables C, 6.3.3). Zero when it enters a slab without a far face.
    """
    if sin_out > 0.0:
        rate = mu * (1.0 / sin_in + 1.0 / sin_out)
        depth = 1.0 if mode == THICK_SLAB else -math.expm1(-rate * thickness_mm)
        return depth / (rate * sin_in)
    if mode == THICK_SLAB or sin_out > -1e-9:
        return 0.0
    leave = math.exp(mu * thickness_mm / sin_out)
    rate = mu * (1.0 / sin_in + 1.0 / sin_out)
    if abs(rate) * thickness_mm < 1e-6:
        return leave * thickness_mm / sin_in
    if -rate * thickness_mm > _LARGEST_EXPONENT:  # along the far face: what leaves is what went straight through
        return -math.exp(-mu * thickness_mm / sin_in) / (rate * sin_in)
    return -leave * math.expm1(-rate * thickness_mm) / (rate * sin_in)


@njit(cache=True, error_model="numpy", forceinline=True)
def _scattered(harmonic, grid, k, sign, cell, right, perfect) -> Any:  # type: ignore[no-untyped-def]
    """Return weight(E)·|F|² (or |F| for a perfect crystal) of harmonic k, at ``right`` of the way from grid cell on."""
    following = np.uint32(cell + 1)
    left = 1.0 - right
    real, imaginary = harmonic[k, 1], sign * harmonic[k, 2]
    for element in range(np.uint32(grid.shape[1] // 2 - 1)):
        one, two, three = np.uint32(2 * element + 2), np.uint32(2 * element + 3), np.uint32(2 * element + 4)
        f1 = left * grid[cell, one] + right * grid[following, one]
        f2 = left * grid[cell, two] + right * grid[following, two]
        s_real, s_imaginary = harmonic[k, two], sign * harmonic[k, three]
        real += f1 * s_real - f2 * s_imaginary
        imaginary += f1 * s_imaginary + f2 * s_real
    value = real * real + imaginary * imaginary
    if perfect:
        value = math.sqrt(value)
    return value * (left * grid[cell, 0] + right * grid[following, 0])


@njit(cache=True, error_model="numpy", forceinline=True)
def plain_sum(rays, physics, i, energy1, forward) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Sum weight(E)·|F|² (or |F| for a perfect crystal) over ray i's harmonics in the band, without slab and layer.

    Returns (sum, energy of the strongest harmonic in keV); ``forward`` is False where −hkl diffracts: S is conjugated.
    """
    total, strongest, energy_of = 0.0, 0.0, 0.0
    sign = 1.0 if forward else -1.0
    last_cell = physics.grid.shape[0] - 2
    for k in range(np.uint32(rays.first[i]), np.uint32(rays.first[i + 1])):
        energy = rays.harmonic[k, 0] * energy1
        place = (energy - physics.low_kev) * physics.per_kev
        if place < 0.0 or place > last_cell + 1:
            continue
        cell = np.uint32(min(int(place), last_cell))
        value = _scattered(rays.harmonic, physics.grid, k, sign, cell, place - cell, physics.perfect)
        total += value
        if value > strongest:
            strongest, energy_of = value, energy
    return total, energy_of


@njit(cache=True, nogil=True, error_model="numpy")
def harmonic_sum(rays, physics, i, energy1, forward, sin_in, sin_out, towards) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Return what ``plain_sum`` does, with what slab and layer make of every harmonic.

    ``towards`` is the cosine of the angle between exit ray and panel normal. A function of its own: what it calls would
    cost the plain sum its registers.
    """
    total, strongest, energy_of = 0.0, 0.0, 0.0
    sign = 1.0 if forward else -1.0
    grid = physics.grid
    last_cell = grid.shape[0] - 2
    for k in range(np.uint32(rays.first[i]), np.uint32(rays.first[i + 1])):
        energy = rays.harmonic[k, 0] * energy1
        place = (energy - physics.low_kev) * physics.per_kev
        if place < 0.0 or place > last_cell + 1:
            continue
        cell = np.uint32(min(int(place), last_cell))
        right = place - cell
        left = 1.0 - right
        value = _scattered(rays.harmonic, grid, k, sign, cell, right, physics.perfect)
        if physics.mode != NO_SLAB and not physics.perfect:
            mu = left * grid[cell, 1] + right * grid[cell + 1, 1]
            value *= slab_length(physics.mode, physics.thickness_mm, mu, sin_in, sin_out)
        if physics.layered:
            depth = left * physics.depth[cell] + right * physics.depth[cell + 1]
            value *= math.expm1(-depth / towards) / math.expm1(-depth)
        total += value
        if value > strongest:
            strongest, energy_of = value, energy
    return total, energy_of


@njit(cache=True, error_model="numpy", inline="always")
def polarisation_factor(physics, x, y, z) -> Any:  # type: ignore[no-untyped-def]
    """Polarisation factor of the exit ray (x, y, z), averaged over the beam's two polarisations e.

    With w the share of the intensity whose field lies in the plane of incident and exit ray, a kinematic reflection has
    1 − w + w cos²2θ = 1 − (k·e)² and a perfect one 1 − w + w |cos 2θ|. In k·e the share is w = (k·e)²/sin²2θ; its
    sin²2θ = (1 − |cos 2θ|)(1 + |cos 2θ|) cancels, so that nothing is divided by zero straight back or forward.
    """
    if not physics.polarised:
        return 1.0
    degree = physics.polarisation
    in_plane = 0.5 * ((1.0 + degree) * y * y + (1.0 - degree) * z * z)
    if physics.perfect:
        return 1.0 - in_plane / (1.0 + abs(x))
    return 1.0 - in_plane
