"""Kernels of a cut along the slit, as a mixture of flakes under the beam gives it: expected electrons a second."""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.arpes.bands_models import band_energy

ENERGY_MARGIN, SLIT_MARGIN = 5, 6
"""Pixels beyond the edges of a cut that its resolutions reach."""
_BOLTZMANN_EV = 8.617333e-5
_RADIAN = math.pi / 180.0


@njit(cache=True, nogil=True, error_model="numpy")
def emission(slit_rad, across_rad, out) -> None:  # type: ignore[no-untyped-def]
    """Write the unit direction (3,) of electrons by their angles along and across a slit."""
    radius = math.sqrt(slit_rad * slit_rad + across_rad * across_rad)
    scale = math.sin(radius) / radius if radius > 1e-12 else 1.0
    out[0], out[1], out[2] = across_rad * scale, slit_rad * scale, math.cos(radius)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def fermi(energy_ev, temperature_k) -> Any:  # type: ignore[no-untyped-def]
    """Return the Fermi–Dirac occupation."""
    return 1.0 / (1.0 + math.exp(min(energy_ev / (_BOLTZMANN_EV * temperature_k), 60.0)))


@njit(cache=True, nogil=True, error_model="numpy")
def add_flake(  # type: ignore[no-untyped-def]
    energy_ev,
    slit_deg,
    across_deg,
    turn,
    wave_low,
    wave_high,
    code,
    constant,
    terms,
    width_ev,
    phases,
    field,
    weight,
    out,
) -> None:
    """Add one flake's bands to ``out`` (e, a), before resolution.

    ``energy_ev`` (e,) and ``slit_deg`` (a,) with their margins, the latter as the electrons left; ``turn`` (3, 3) the
    crystal's frame in the analyser's; ``wave_low``, ``wave_high`` 1/Å at the ends of the energies; ``phases`` (b, 3) of
    the matrix elements; ``field`` (3,) the light's polarisation.
    """
    bottom, span = energy_ev[0], energy_ev[-1] - energy_ev[0]
    way = np.empty(3)
    for column in range(len(slit_deg)):
        emission(slit_deg[column] * _RADIAN, across_deg * _RADIAN, way)
        kx = turn[0, 0] * way[0] + turn[1, 0] * way[1] + turn[2, 0] * way[2]
        ky = turn[0, 1] * way[0] + turn[1, 1] * way[1] + turn[2, 1] * way[2]
        dipole = (field[0] * way[0] + field[1] * way[1] + field[2] * way[2]) ** 2
        for b in range(len(terms)):
            low = band_energy(code, constant, constant, wave_low * kx, wave_low * ky, terms[b])
            high = band_energy(code, constant, constant, wave_high * kx, wave_high * ky, terms[b])
            total = 0.0
            for r in range(3):  # three lattice vectors, 60 degrees apart
                angle = r * math.pi / 3.0
                phase = constant * wave_high * (kx * math.cos(angle) + ky * math.sin(angle))
                total += math.cos(phase + phases[b, r])
            strength = weight * dipole * (1.0 + 0.25 * total)
            for row in range(len(energy_ev)):
                energy = energy_ev[row]
                centre = low + (high - low) * (energy - bottom) / span
                half = width_ev + 0.05 * energy * energy
                out[row, column] += strength * half / math.pi / ((energy - centre) ** 2 + half * half)


@njit(cache=True, nogil=True, error_model="numpy")
def resolved(raw, energy_ev, energy_sigma_px, slit_sigma_px, temperature_k, out) -> None:  # type: ignore[no-untyped-def]
    """Write a cut (e, a) with occupation and resolution from the raw one with margins; sigmas in pixels."""
    rows, columns = out.shape
    kernel = np.exp(-0.5 * (np.arange(-ENERGY_MARGIN, ENERGY_MARGIN + 1) / max(energy_sigma_px, 1e-3)) ** 2)
    kernel /= kernel.sum()
    across = np.exp(-0.5 * (np.arange(-SLIT_MARGIN, SLIT_MARGIN + 1) / max(slit_sigma_px, 1e-3)) ** 2)
    across /= across.sum()
    occupied = np.empty(len(energy_ev))
    for row in range(len(energy_ev)):
        occupied[row] = fermi(energy_ev[row], temperature_k)
    half = np.zeros((rows, raw.shape[1]))
    for row in range(rows):
        for i in range(len(kernel)):
            share = kernel[i] * occupied[row + i]
            for column in range(raw.shape[1]):
                half[row, column] += share * raw[row + i, column]
    out[:] = 0.0
    for row in range(rows):
        for i in range(len(across)):
            for column in range(columns):
                out[row, column] += across[i] * half[row, column + i]


@njit(cache=True, nogil=True, error_model="numpy")
def add_ground(cut, energy_ev, share, dirt, holder, temperature_k) -> None:  # type: ignore[no-untyped-def]
    """Add to a cut (e, a): inelastic electrons in proportion to ``share`` of its sum (Shirley 1972), those of the
    contamination and of the holder, each a number of electrons in all.
    """
    rows, columns = cut.shape
    above, total, smooth_sum, edge_sum = np.zeros(rows), 0.0, 0.0, 0.0
    running = 0.0
    for row in range(rows - 1, -1, -1):
        line = cut[row].sum()
        above[row] = running + 0.5 * line
        running += line
        total += above[row]
        edge = fermi(energy_ev[row], temperature_k)
        smooth_sum += edge * (1.0 - energy_ev[row])
        edge_sum += edge
    for row in range(rows):
        edge = fermi(energy_ev[row], temperature_k)
        added = share * running * above[row] / max(total, 1e-12)
        added += dirt * edge * (1.0 - energy_ev[row]) / smooth_sum + holder * edge / edge_sum
        for column in range(columns):
            cut[row, column] += added / columns
