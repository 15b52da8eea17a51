"""Constants of nature in the units of this project (CODATA, through scipy)."""

from scipy.constants import c, e, h

HC_KEV_A: float = h * c / e * 1e7
"""Photon energy times wavelength, 12.398420 keV Å."""
