"""Constants of nature in the units of this project (CODATA, through scipy)."""

from scipy.constants import c, e, h, m_n

HC_KEV_A: float = h * c / e * 1e7
"""Photon energy times wavelength, 12.398420 keV Å."""

NEUTRON_MEV_A2: float = h**2 / (2.0 * m_n) / e * 1e23
"""A neutron's kinetic energy times its wavelength squared, h²/2m = 81.8042 meV Å²."""
