"""Spectra of neutron beams: a moderator with its epithermal tail, and what a curved guide lets through of one."""

import math

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.laue.beam import Beam, energy_grid
from beamgym.physics.laue.wavelengths import NEUTRON_BAND_A, band_of_wavelengths

NEUTRON_FLUX_PER_S = 1e6
"""Neutrons per second in the band on a sample of a square centimetre, at the Laue camera of a small reactor."""
_JOINING, _SHARPNESS = 0.4, 7.5  # where the slowing-down spectrum gives way to the Maxwellian, thermal wavelengths


def moderator_beam(
    temperature_k: float = 300.0,
    epithermal: float = 0.0,
    wavelength_a: tuple[float, float] = NEUTRON_BAND_A,
    flux_per_s: float = NEUTRON_FLUX_PER_S,
) -> Beam:
    """Return the beam of a moderator: a Maxwellian, and the neutrons that were not slowed down to it.

    Parameters
    ----------
    temperature_k : of the Maxwellian, K; 300 for water, 20 to 40 for a cold source
    epithermal : neutrons of the slowing-down spectrum in a unit of lethargy over those of the Maxwellian; 0 at a
        reactor's beam tube, 0.1 to 0.4 at a spallation source
    wavelength_a : shortest and longest wavelength, Å
    flux_per_s : neutrons per second in the band on the sample

    Raises
    ------
    ValueError : a temperature that is none, a share below 0, or wavelengths that are no band

    Notes
    -----
    Per unit wavelength φ(λ) = 2 λ_T⁴ λ⁻⁵ exp(−(λ_T/λ)²) + ε · 2/λ · Δ(λ), λ_T = h/√(2 m k T), with the joining function
    Δ = 1/(1 + exp(a (λ/λ_T − b))), a = 7.5 and b = 0.4 (the form of C. G. Windsor, Pulsed Neutron Scattering, 1981;
    numbers chosen so that Δ is one half at 0.16 eV for 300 K).
    """
    _positive(temperature_k, "temperature_k", "K")
    if not (math.isfinite(epithermal) and epithermal >= 0):
        raise ValueError(f"epithermal must be a number ≥ 0, not {epithermal!r}")
    wavelength = HC_KEV_A / energy_grid(band_of_wavelengths(wavelength_a))
    per_wavelength = _maxwellian(wavelength, temperature_k)
    if epithermal:
        joined = 1.0 / (1.0 + np.exp(_SHARPNESS * (wavelength / _thermal_a(temperature_k) - _JOINING)))
        per_wavelength = per_wavelength + epithermal * 2.0 / wavelength * joined
    return _beam(wavelength, per_wavelength, flux_per_s, f"moderator, {temperature_k:g} K")


def guide_beam(
    temperature_k: float = 300.0,
    characteristic_a: float = 1.0,
    limit_a: float = 3.0,
    wavelength_a: tuple[float, float] = NEUTRON_BAND_A,
    flux_per_s: float = NEUTRON_FLUX_PER_S,
) -> Beam:
    """Return the beam at the end of a curved neutron guide.

    Parameters
    ----------
    temperature_k : of the moderator, K
    characteristic_a : characteristic wavelength of the curved guide, Å: from there on the guide is filled
    limit_a : wavelength from which slits, and not the guide's critical angle, limit the divergence, Å
    wavelength_a, flux_per_s : as in ``moderator_beam``

    Raises
    ------
    ValueError : lengths or a temperature that are none

    Notes
    -----
    The critical angle grows with λ, so that the accepted solid angle goes with λ² up to ``limit_a``. Of a curved guide
    the share ⅔ (1 − (1 − r²)^1.5)/r² is filled, r = λ*/λ, and ⅔/r² below λ* (Maier-Leibnitz & Springer, J. Nucl.
    Energy A/B 17 (1963) 217).
    """
    _positive(temperature_k, "temperature_k", "K")
    _positive(characteristic_a, "characteristic_a", "Å")
    _positive(limit_a, "limit_a", "Å")
    wavelength = HC_KEV_A / energy_grid(band_of_wavelengths(wavelength_a))
    accepted = np.minimum(wavelength, limit_a) ** 2
    through = _maxwellian(wavelength, temperature_k) * accepted * filled_share(wavelength, characteristic_a)
    return _beam(wavelength, through, flux_per_s, f"guide, {temperature_k:g} K, {characteristic_a:g} Å")


def filled_share(wavelength_a: Float64Array, characteristic_a: float) -> Float64Array:
    """Return what a curved guide carries of a straight one's neutrons at each wavelength; see ``guide_beam``."""
    square = (characteristic_a / np.asarray(wavelength_a, dtype=np.float64)) ** 2
    open_ = np.maximum(1.0 - square, 0.0)
    share: Float64Array = 2.0 / 3.0 * (1.0 - open_**1.5) / square
    return share


def _maxwellian(wavelength: Float64Array, temperature_k: float) -> Float64Array:
    """Return the Maxwellian flux per unit wavelength, one neutron in all."""
    ratio = _thermal_a(temperature_k) / wavelength
    per_wavelength: Float64Array = 2.0 * ratio**4 / wavelength * np.exp(-(ratio**2))
    return per_wavelength


def _thermal_a(temperature_k: float) -> float:
    from scipy.constants import h, k, m_n

    return float(1e10 * h / math.sqrt(2.0 * m_n * k * temperature_k))


def _beam(wavelength: Float64Array, per_wavelength: Float64Array, flux_per_s: float, name: str) -> Beam:
    spectrum = per_wavelength * wavelength**2 / HC_KEV_A
    return Beam(HC_KEV_A / wavelength, spectrum, np.ones_like(wavelength), 0.0, "neutron", name).with_flux(flux_per_s)


def _positive(value: float, name: str, unit: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive number of {unit}, not {value!r}")
