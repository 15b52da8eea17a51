"""Line shapes as tables: a Voigt profile over the steps of an energy axis, and its overlap with itself."""

from __future__ import annotations

import numpy as np

from beamgym.physics.arrays import Float64Array

FINE = 8
"""Entries of a table for each step of the energy axis."""


def voigt_tables(sigma: Float64Array, gamma: Float64Array, steps: int) -> Float64Array:
    """Return Voigt profiles (b, t) of area 1 in steps, centre in the middle, reaching over ``steps`` either way.

    Parameters
    ----------
    sigma : (b,) standard deviation of the Gaussian, in steps
    gamma : (b,) half width of the Lorentzian, in steps
    steps : of the energy axis
    """
    from scipy.special import voigt_profile

    x = np.arange(-FINE * steps, FINE * steps + 1) / FINE
    return np.asarray(voigt_profile(x[None], np.asarray(sigma)[:, None], np.asarray(gamma)[:, None]))


def overlap_table(sigma: float, gamma: float, steps: int) -> Float64Array:
    """Return ∫V(x) V(x − d) dx over distances d (t,): two Voigt profiles make one with σ√2 and 2γ."""
    from scipy.special import voigt_profile

    x = np.arange(FINE * steps + 2) / FINE
    return np.asarray(voigt_profile(x, sigma * np.sqrt(2.0), 2.0 * gamma))


def projected(data: Float64Array, sigma: float, gamma: float) -> Float64Array:
    """Return the data (n, e) times a line centred at every energy (n, e)."""
    from scipy.signal import fftconvolve
    from scipy.special import voigt_profile

    size = data.shape[1]
    line = voigt_profile(np.arange(-size, size + 1, dtype=np.float64), sigma, gamma)
    return np.ascontiguousarray(fftconvolve(data, line[None], mode="full", axes=1)[:, size : 2 * size])


def fwhm(sigma: float, gamma: float) -> float:
    """Return the full width at half maximum of a Voigt profile (Olivero & Longbothum 1977, to 0.02 %)."""
    wide = 2.0 * gamma
    gauss = 2.0 * np.sqrt(2.0 * np.log(2.0)) * sigma
    return float(0.5346 * wide + np.sqrt(0.2166 * wide**2 + gauss**2))
