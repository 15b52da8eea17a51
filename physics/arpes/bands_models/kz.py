"""Broadening along kz: a photoelectron from a depth λ averages its initial band over δkz = 1/λ."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arpes.bands_models.kinematics import perpendicular_momentum
from beamgym.physics.arpes.checks import positive
from beamgym.physics.arrays import Float64Array


@dataclass(frozen=True)
class KzBroadening:
    """A band's interlayer term 2 t_z cos(kz c), averaged over the Lorentzian of kz that a short escape depth gives.

    Parameters
    ----------
    hopping_ev : t_z, eV
    c_angstrom : layer distance, Å
    inner_potential_ev : V0, eV
    escape_depth_a : λ of the photoelectron, Å
    points : number of kz values that stand for the distribution

    Raises
    ------
    ValueError : distances that are not positive, a negative inner potential, points that are no whole number from 1 on

    Notes
    -----
    Strocov, J. Electron Spectrosc. Relat. Phenom. 130 (2003) 65: kz is Lorentzian with full width 1/λ. Since the band
    is periodic in kz, the distribution that counts is the Lorentzian wrapped around the zone (a wrapped Cauchy), whose
    quantiles have a closed form. What the band disperses within a quantile's cell is its further full width, halved
    because neighbours overlap.

    The average of a line of half width Γ has a closed form, to which the tests hold this sum. With 61 points, 2 t_z of
    0.2 eV, λ = 5 Å and c = 12 Å it differs by up to 5 % of the peak at Γ = 5 meV and by 3 % at 20 meV.
    """

    hopping_ev: float
    c_angstrom: float
    inner_potential_ev: float = 10.0
    escape_depth_a: float = 5.0
    points: int = 61

    def __post_init__(self) -> None:
        positive("c_angstrom", self.c_angstrom)
        positive("escape_depth_a", self.escape_depth_a)
        if not (math.isfinite(self.inner_potential_ev) and self.inner_potential_ev >= 0):
            raise ValueError(f"inner_potential_ev must be an energy ≥ 0 in eV, not {self.inner_potential_ev!r}")
        if not math.isfinite(self.hopping_ev):
            raise ValueError(f"hopping_ev must be a finite energy, not {self.hopping_ev!r}")
        if not (isinstance(self.points, int | np.integer) and self.points >= 1):
            raise ValueError(f"points must be a whole number of kz values, at least 1; found {self.points!r}")

    def shifts(self, momentum: ArrayLike, kinetic_ev: ArrayLike) -> tuple[Float64Array, Float64Array]:
        """Return (energy shift, half width), each (points, ...) eV, at momenta (..., 2) in 1/Å and kinetic energies."""
        kz = perpendicular_momentum(momentum, kinetic_ev, self.inner_potential_ev)
        offset, spacing = wrapped_lorentzian(self.c_angstrom / (2.0 * self.escape_depth_a), self.points)
        shape = (self.points, *(1,) * kz.ndim)
        phase = kz * self.c_angstrom + offset.reshape(shape)
        slope = 2.0 * np.abs(self.hopping_ev * np.sin(phase))
        return 2.0 * self.hopping_ev * np.cos(phase), 0.25 * slope * spacing.reshape(shape)


def wrapped_lorentzian(half_width_rad: float, points: int) -> tuple[Float64Array, Float64Array]:
    """Return quantiles of a Lorentzian wrapped around the circle, and their spacing, each (points,) in radians.

    Quantile p: 2 arctan[tanh(γ/2) tan π(p − 1/2)] with γ the half width (Fisher, Statistical Analysis of Circular Data,
    1993, section 3.3.4).
    """
    ratio = math.tanh(0.5 * half_width_rad)
    tangent = np.tan(np.pi * ((np.arange(points) + 0.5) / points - 0.5))
    spacing = 2.0 * math.pi * ratio * (1.0 + tangent**2) / (1.0 + (ratio * tangent) ** 2) / points
    return 2.0 * np.arctan(ratio * tangent), np.minimum(spacing, math.pi)
