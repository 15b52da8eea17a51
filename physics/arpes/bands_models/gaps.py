"""Gaps at the Fermi level: pairing (superconducting) and density waves, as off-diagonal self-energies."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arpes.detection import DENSITY_WAVE, NO_GAP, PAIRING
from beamgym.physics.arrays import Complex128Array, Float64Array

GAP_KINDS = {"none": NO_GAP, "pairing": PAIRING, "density wave": DENSITY_WAVE}


def pairing_gap(
    momentum: ArrayLike, gap_ev: ArrayLike, symmetry: Literal["s", "d"] = "s", a_angstrom: float = 3.85
) -> Float64Array:
    """Gap Δ(k) on the Fermi surface.

    Parameters
    ----------
    momentum : (..., 2) 1/Å
    gap_ev : largest gap, eV, ≥ 0
    symmetry : "s" (the same everywhere) or "d", Δ (cos kx a − cos ky a)/2
    a_angstrom : lattice constant for "d", Å

    Returns
    -------
    (...,) eV, signed for "d"
    """
    k, size = np.asarray(momentum, dtype=np.float64), np.asarray(gap_ev, dtype=np.float64)
    if not np.all(size >= 0):
        raise ValueError(f"a gap must not be negative; found {float(np.min(size)):g} eV")
    if symmetry == "s":
        return np.asarray(size * np.ones(k.shape[:-1]))
    if symmetry == "d":
        return np.asarray(0.5 * size * (np.cos(k[..., 0] * a_angstrom) - np.cos(k[..., 1] * a_angstrom)))
    raise ValueError(f'a pairing gap has the symmetry "s" or "d", not {symmetry!r}')


def gap_at(gap_ev: ArrayLike, temperature_k: ArrayLike, critical_k: ArrayLike) -> Float64Array:
    """Return Δ(T) = Δ tanh(1.74 √(Tc/T − 1)), 0 above Tc (Gross et al., Z. Phys. B 64 (1986) 175)."""
    temperature, critical = np.asarray(temperature_k, dtype=np.float64), np.asarray(critical_k, dtype=np.float64)
    if np.any(temperature < 0) or np.any(critical <= 0):
        raise ValueError("a gap's temperature must not be negative and its critical temperature must be positive")
    reduced = np.maximum(critical / np.maximum(temperature, 1e-9) - 1.0, 0.0)
    return np.asarray(np.asarray(gap_ev, dtype=np.float64) * np.tanh(1.74 * np.sqrt(reduced)))


def green_function(
    omega_ev: ArrayLike,
    energy_ev: ArrayLike,
    sigma_ev: ArrayLike,
    gap_ev: ArrayLike = 0.0,
    partner_ev: ArrayLike = 0.0,
    pair_breaking_ev: ArrayLike = 0.0,
) -> Complex128Array:
    """Return G = 1/(ω − ε − Σ − Δ²/(ω − ε_partner + iΓ0)).

    Parameters
    ----------
    omega_ev, energy_ev, sigma_ev : ω, ε and the complex Σ, shapes that broadcast together, eV
    gap_ev : Δ
    partner_ev : the band it mixes with: −ε for pairing, ε(k + Q) for a density wave
    pair_breaking_ev : Γ0

    Notes
    -----
    Norman, Randeria, Ding & Campuzano, Phys. Rev. B 57 (1998) R11093, Eq. 1, for pairing; the density wave is the 2 × 2
    Hamiltonian of ε(k) and ε(k + Q) with the second row eliminated.
    """
    omega = np.asarray(omega_ev, dtype=np.float64)
    mixing = np.asarray(gap_ev, dtype=np.float64) ** 2
    other = omega - np.asarray(partner_ev) + 1j * np.asarray(pair_breaking_ev)
    safe = np.where(mixing > 0, other, 1.0)
    return np.asarray(1.0 / (omega - np.asarray(energy_ev) - np.asarray(sigma_ev) - mixing / safe))
