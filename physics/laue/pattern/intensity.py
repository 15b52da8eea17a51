"""The weight of a reflection at each energy: what the kernel multiplies |F|² with.

Kinematic, stationary crystal (Zachariasen 1945; Rabinovich & Lourie, Acta Cryst. A43 (1987) 774): one harmonic brings,
per second,

    I = Φ_E(E) · hc λ² · r_e² |F|² / (2 V² sin²θ) · P · A · ε(E),

with Φ_E per second and keV and A the effective diffracting length; per unit wavelength the same is Φ_λ λ⁴. A perfect
crystal (Darwin, Phil. Mag. 27 (1914) 675; Zachariasen, Theory of X-ray Diffraction in Crystals (1945), chapter III)
reflects a range of angles instead:

    I = Φ_E(E) · hc λ · 8 r_e |F| / (3π V) / (2 sin²θ) · P · ε(E).

Each polarisation is reflected by itself. Across the plane of incident and exit ray (σ) the amplitude goes with F, in it
(π) with F cos 2θ. A kinematic crystal's intensity goes with the square, P = w_σ + w_π cos²2θ, a perfect one's with the
magnitude, P = w_σ + w_π |cos 2θ|; w are the shares of the beam's intensity, ½ each for a tube. In between, extinction
takes less from π than from σ (Zachariasen, Acta Cryst. 23 (1967) 558; Becker & Coppens, Acta Cryst. A30 (1974) 129),
which is left out.

For neutrons r_e F becomes the sum of the scattering lengths, and P is 1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.constants import physical_constants

from beamgym.physics.arrays import Float64Array
from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.laue.beam import Beam

if TYPE_CHECKING:
    from beamgym.physics.crystal import Crystal, ReflectionTable

Extinction = Literal["none", "full"]

R_ELECTRON_A = 1e10 * physical_constants["classical electron radius"][0]
FERMI_A = 1e-5
A_PER_MM = 1e7


def amplitude_a(radiation: str) -> float:
    """Return the length in Å that one unit of F stands for: the electron's radius, or one fermi for neutrons."""
    return R_ELECTRON_A if radiation == "xray" else FERMI_A


def energy_weight(beam: Beam, cell_volume_a3: float, extinction: Extinction = "none") -> Float64Array:
    """Return what |F|² (or |F|, for full extinction) is multiplied with at each energy of the beam's grid.

    Parameters
    ----------
    beam : spectrum and detector response
    cell_volume_a3 : volume of the unit cell, Å³
    extinction : "none" for kinematic scattering, "full" for a perfect crystal

    Returns
    -------
    (g,) counts per second; for "none" per mm of effective diffracting length; without P and 1/sin²θ
    """
    wavelength = HC_KEV_A / beam.energy_kev
    counted = beam.spectrum * beam.efficiency * HC_KEV_A
    length = amplitude_a(beam.radiation)
    if extinction == "none":
        kinematic: Float64Array = counted * wavelength**2 * (length / cell_volume_a3) ** 2 / 2.0 * A_PER_MM
        return kinematic
    if extinction == "full":
        perfect: Float64Array = counted * wavelength * 8.0 * length / (3.0 * math.pi * cell_volume_a3) / 2.0
        return perfect
    raise ValueError(f'extinction is "none" (kinematic) or "full" (perfect crystal), not {extinction!r}')


def energy_table(
    crystal: Crystal, table: ReflectionTable, beam: Beam, extinction: Extinction = "none", slab: bool = False
) -> Float64Array:
    """Put everything that depends on the energy alone on the beam's grid.

    Without a slab the crystal counts as thick with its face in every spot's symmetric position, A = 1/(2µ), which is
    folded into the weight; where its size t is known, A = (1 − exp(−2µt))/(2µ). With extinction no absorption is
    applied, because a perfect crystal reflects within µm.

    Returns
    -------
    (g, 2 + 2e): weight, µ in 1/mm, then f′ and f″ of every element
    """
    energy = beam.energy_kev
    weight = energy_weight(beam, 1.0 / abs(float(np.linalg.det(crystal.b_matrix))), extinction)
    mu = np.asarray(crystal.absorption_per_mm(energy), dtype=np.float64)
    if extinction == "none" and not slab:
        weight = weight / (2.0 * np.maximum(mu, 1e-6))
        if crystal.size_mm is not None:
            weight = weight * -np.expm1(-2.0 * np.maximum(mu, 1e-6) * crystal.size_mm)
    columns = [weight, mu]
    for element in range(len(table.elements)):
        columns.append(np.interp(energy, table.energy_kev, table.f_prime[element]))
        columns.append(np.interp(energy, table.energy_kev, table.f_second[element]))
    return np.ascontiguousarray(np.stack(columns, axis=1))
