"""Bands by wavelength: what a neutron's, and a photon's, wavelength is in energy.

Inside, a band is always (lowest, highest) hc/λ in keV, whatever the radiation: Bragg's law knows wavelengths only. That
is a photon's energy; a neutron's is h²/(2 m λ²), 82 meV at 1 Å, so its bands are asked for and told in Å.
"""

import math

from beamgym.physics.constants import HC_KEV_A, NEUTRON_MEV_A2

NEUTRON_BAND_A = (0.8, 4.0)
"""Shortest and longest wavelength of a thermal beam, Å, where nothing else is said."""

_SHORTEST_NEUTRON_A, _LONGEST_NEUTRON_A = 0.1, 30.0  # 8 eV and 0.1 meV: epithermal to very cold


def band_of_wavelengths(wavelength_a: tuple[float, float], radiation: str = "neutron") -> tuple[float, float]:
    """Return the band (lowest, highest) hc/λ in keV of (shortest, longest) wavelengths in Å.

    Raises
    ------
    ValueError : what is not two positive lengths, shortest first; neutrons outside 0.1 to 30 Å
    """
    try:
        short, long = (float(value) for value in wavelength_a)
    except (TypeError, ValueError):
        raise ValueError(f"wavelength_a must be (shortest, longest) in Å; found {wavelength_a!r}") from None
    if not (0 < short < long and math.isfinite(long)):
        raise ValueError(
            f"wavelength_a must be (shortest, longest) in Å with 0 < shortest < longest; found {wavelength_a!r}"
        )
    if radiation == "neutron" and (short < _SHORTEST_NEUTRON_A or long > _LONGEST_NEUTRON_A):
        raise ValueError(
            f"neutron wavelengths must lie within {_SHORTEST_NEUTRON_A:g} to {_LONGEST_NEUTRON_A:g} Å; "
            f"found {short:g} to {long:g} Å: is it an energy? 82 meV are 1 Å"
        )
    return HC_KEV_A / long, HC_KEV_A / short


def neutron_energy_mev(wavelength_a: float) -> float:
    """Return a neutron's kinetic energy in meV, h²/(2 m λ²), at a wavelength in Å."""
    return NEUTRON_MEV_A2 / _positive(wavelength_a, "wavelength_a", "Å") ** 2


def neutron_wavelength_a(energy_mev: float) -> float:
    """Return the wavelength in Å of a neutron with a kinetic energy in meV."""
    return math.sqrt(NEUTRON_MEV_A2 / _positive(energy_mev, "energy_mev", "meV"))


def band_words(band_kev: tuple[float, float], radiation: str, between: str = "to") -> str:
    """Return a band (lowest, highest) hc/λ in keV in the words of its radiation: keV for photons, Å for neutrons."""
    low, high = band_kev
    if radiation != "neutron":
        return f"{low:g} {between} {high:g} keV"
    return f"{HC_KEV_A / high:.4g} {between} {HC_KEV_A / low:.4g} Å"


def _positive(value: float, name: str, unit: str) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive number of {unit}, not {value!r}")
    return value
