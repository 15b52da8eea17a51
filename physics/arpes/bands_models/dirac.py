"""The Dirac surface state of a topological insulator with hexagonal warping, and the bulk continuum around it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arpes.bands_models.kernels import fill_dirac
from beamgym.physics.arrays import Float32Array, Float64Array


@dataclass(frozen=True)
class Continuum:
    """Bulk bands projected on the surface: one parabola for every kz.

    Parameters
    ----------
    edge_ev : energy of the band edge at Γ, eV relative to the Fermi level
    curvature_ev_a2 : ħ²/2m* in eV Å², negative for a valence band
    width_ev : how far the band runs along kz, eV, negative downwards
    """

    edge_ev: float
    curvature_ev_a2: float
    width_ev: float


BI2SE3_BULK = (Continuum(-0.12, 15.0, 0.6), Continuum(-0.55, -8.0, -0.8))


@dataclass(frozen=True)
class DiracSurface:
    """E = E_D + k²/2m* ± √(v²k² + λ²k⁶ cos²3φ), and bulk continua.

    Parameters
    ----------
    point_ev : Dirac point, eV relative to the Fermi level
    velocity_ev_a : v, eV Å
    curvature_ev_a2 : ħ²/2m* of the cone's bend, eV Å²
    warping_ev_a3 : λ, eV Å³
    azimuth_deg : direction of largest warping (Γ–K) from the sample's x
    bulk : continua, each drawn as ``slices`` bands
    bulk_weight : intensity of a continuum relative to a branch, shared out among its slices

    Raises
    ------
    ValueError : numbers that are not finite, a velocity ≤ 0, negative weights, fewer than one slice

    Notes
    -----
    Fu, Phys. Rev. Lett. 103 (2009) 266801, Eq. 3. The defaults look like Bi2Se3, with v and λ of the size that
    Kuroda et al., Phys. Rev. Lett. 105 (2010) 076802 report; point and bulk edges move with doping. None is a fit.
    """

    point_ev: float = -0.32
    velocity_ev_a: float = 3.5
    curvature_ev_a2: float = 5.0
    warping_ev_a3: float = 128.0
    azimuth_deg: float = 0.0
    bulk: tuple[Continuum, ...] = BI2SE3_BULK
    bulk_weight: float = 1.0
    slices: int = 8

    def __post_init__(self) -> None:
        numbers = (self.point_ev, self.velocity_ev_a, self.curvature_ev_a2, self.warping_ev_a3, self.azimuth_deg)
        if not (all(math.isfinite(value) for value in numbers) and self.velocity_ev_a > 0):
            raise ValueError(f"a Dirac cone needs finite parameters and a velocity above 0; found {numbers}")
        if not (self.bulk_weight >= 0 and self.slices >= 1):
            raise ValueError(f"bulk_weight must be ≥ 0 and slices ≥ 1; found {self.bulk_weight!r}, {self.slices!r}")

    def energies(self, momentum: ArrayLike) -> Float64Array:
        """Return the bands, (..., 2 + continua·slices) eV, upper branch first, at momenta (..., 2) in 1/Å."""
        k = np.asarray(momentum, dtype=np.float64)
        surface = [self.point_ev, self.velocity_ev_a, self.curvature_ev_a2, self.warping_ev_a3]
        bulk = [[part.edge_ev, part.curvature_ev_a2, part.width_ev] for part in self.bulk]
        energy = dirac_bands(
            np.array([[*surface, math.radians(self.azimuth_deg)]]),
            np.array(bulk, dtype=np.float64).reshape(1, -1, 3),
            self.slices,
            k[None],
        )
        return np.asarray(np.moveaxis(energy[0], 0, -1), dtype=np.float64)

    def weights(self) -> Float64Array:
        """Return each band's share of intensity, (2 + continua·slices,)."""
        return np.concatenate([[1.0, 1.0], np.full(len(self.bulk) * self.slices, self.bulk_weight / self.slices)])


def dirac_bands(surface: Float64Array, bulk: Float64Array, slices: int, momentum: Float64Array) -> Float32Array:
    """Bands of n different Dirac surfaces.

    Parameters
    ----------
    surface : (n, 5) Dirac point eV, velocity eV Å, ħ²/2m* eV Å², warping eV Å³, azimuth in radians
    bulk : (n, g, 3) edge eV, curvature eV Å², width along kz eV
    slices : bands for every continuum
    momentum : (n, ..., 2) 1/Å

    Returns
    -------
    (n, 2 + g·slices, ...) eV
    """
    n, groups = bulk.shape[:2]
    k = np.ascontiguousarray(momentum, dtype=np.float64).reshape(n, -1, 2)
    out = np.empty((n, 2 + groups * slices, k.shape[1]), dtype=np.float32)
    fill_dirac(surface, bulk, slices, k, out)
    return out.reshape(n, -1, *momentum.shape[1:-1])
