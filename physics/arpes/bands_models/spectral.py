"""The spectral function in plain numpy, for any shapes: a reference for the kernels, and for plots."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arpes.bands_models.gaps import green_function
from beamgym.physics.arpes.detection import BOLTZMANN_EV
from beamgym.physics.arrays import Float64Array


def fermi_dirac(omega_ev: ArrayLike, temperature_k: float) -> Float64Array:
    """Return the occupation at ω eV from the Fermi level; a step, 1/2 at ω = 0, for 0 K.

    Raises
    ------
    ValueError : a negative temperature
    """
    from scipy.special import expit

    omega = np.asarray(omega_ev, dtype=np.float64)
    if not (math.isfinite(temperature_k) and temperature_k >= 0):
        raise ValueError(f"temperature_k must not be negative; found {temperature_k!r}")
    if temperature_k == 0:
        return np.heaviside(-omega, 0.5)
    return np.asarray(expit(-omega / (BOLTZMANN_EV * temperature_k)))


def spectral_function(
    omega_ev: ArrayLike,
    energy_ev: ArrayLike,
    sigma_ev: ArrayLike,
    gap_ev: ArrayLike = 0.0,
    partner_ev: ArrayLike = 0.0,
    pair_breaking_ev: ArrayLike = 0.0,
) -> Float64Array:
    """Return A = −Im G/π in 1/eV, whose integral over ω is 1; arguments as ``gaps.green_function``.

    Raises
    ------
    ValueError : Im Σ that is not negative everywhere: A would be too
    """
    sigma = np.asarray(sigma_ev, dtype=np.complex128)
    if not np.all(sigma.imag < 0):
        raise ValueError("Im Σ must be negative everywhere (a retarded self-energy); add an impurity width")
    green = green_function(omega_ev, energy_ev, sigma, gap_ev, partner_ev, pair_breaking_ev)
    return np.asarray(-green.imag / math.pi)
