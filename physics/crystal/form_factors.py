"""Scattering by one atom: X-ray form factors and dispersion, neutron scattering lengths, attenuation.

X-ray f0 is Waasmaier & Kirfel (Acta Cryst. A51 (1995) 416), good to sinθ/λ = 6 1/Å; f′, f″ and µ are Chantler
(J. Phys. Chem. Ref. Data 29 (2000) 597), both from xraydb. Neutron lengths and cross-sections come from
periodictable.
"""

import re
from functools import cache
from typing import Any

import numpy as np
import periodictable
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array

THERMAL_WAVELENGTH_ANGSTROM = 1.798
"""Wavelength at which neutron absorption cross-sections are tabulated (2200 m/s), Å."""

_BARN_PER_CUBIC_ANGSTROM_IN_PER_MM = 0.1  # 1e-24 cm² / 1e-24 cm³ = 1/cm = 0.1/mm
_LAST_ATOMIC_NUMBER = 92  # of Chantler's tables; Waasmaier & Kirfel go on to 98
_ISOTOPES_OF_HYDROGEN = {"D": "H", "T": "H"}


@cache
def _xraydb() -> Any:
    import xraydb  # half a second, of which a crystal whose tables are in the cache needs nothing

    return xraydb


@cache
def _tabulated_labels() -> frozenset[str]:
    return frozenset(_xraydb().f0_ions())


def element_of(label: str) -> str:
    """Chemical symbol of a form-factor label: ``"Fe3+"`` gives ``"Fe"``."""
    found = re.match(r"[A-Z][a-z]?", label)
    if found is None or not hasattr(periodictable, found[0]):
        raise ValueError(f"unknown element {label!r}; give a chemical symbol such as 'Fe' or an ion such as 'Fe3+'")
    return found[0]


def atomic_weight(symbol: str) -> float:
    """Return the standard atomic weight of an element, or the mass of an isotope of hydrogen ("D"), in u."""
    return float(getattr(periodictable, element_of(symbol)).mass)


def form_factor_label(symbol: str, oxidation_state: float | None = None) -> str:
    """Label of the form factor to use for a species.

    Parameters
    ----------
    symbol : chemical symbol
    oxidation_state : charge in electrons, or None where it is not known

    Returns
    -------
    the ion, such as ``"Fe3+"``, where Waasmaier & Kirfel tabulate it, else the neutral atom

    Raises
    ------
    ValueError : when the element is beyond uranium, for which there is no dispersion
    """
    symbol = element_of(symbol)
    atom = _chantler_symbol(symbol)
    if oxidation_state is not None and float(oxidation_state).is_integer() and oxidation_state != 0:
        ion = f"{atom}{abs(int(oxidation_state))}{'+' if oxidation_state > 0 else '-'}"
        if ion in _tabulated_labels():
            return ion
    return atom


def f0(label: str, s_inv_a: ArrayLike) -> Float64Array:
    """X-ray form factor without dispersion.

    Parameters
    ----------
    label : element or ion, such as ``"Fe"`` or ``"Fe3+"``
    s_inv_a : (...,) sinθ/λ = |q|/2 in 1/Å, 0 to 6

    Returns
    -------
    (...,) electrons

    Raises
    ------
    ValueError : when the label is not tabulated

    Notes
    -----
    Five Gaussians and a constant (Waasmaier & Kirfel 1995, eq. 2).
    """
    if label not in _tabulated_labels():
        raise ValueError(f"no X-ray form factor for {label!r}; use form_factor_label to find the tabulated one")
    s = np.asarray(s_inv_a, dtype=np.float64)
    value: Float64Array = np.asarray(_xraydb().f0(label, s.ravel()), dtype=np.float64).reshape(s.shape)
    return value


def dispersion(element: str, energy_kev: ArrayLike) -> tuple[Float64Array, Float64Array]:
    """Dispersion corrections f′ and f″.

    Parameters
    ----------
    element : chemical symbol or ion; the charge does not matter
    energy_kev : (g,) photon energies in keV

    Returns
    -------
    f′ (g,) and f″ (g,) in electrons; f″ is positive

    Raises
    ------
    ValueError : when the element is beyond uranium, where Chantler's tables end
    """
    symbol = _chantler_symbol(element)
    energy_ev = 1e3 * np.atleast_1d(np.asarray(energy_kev, dtype=np.float64))
    f_prime = np.atleast_1d(_xraydb().f1_chantler(symbol, energy_ev))
    f_second = np.atleast_1d(_xraydb().f2_chantler(symbol, energy_ev))
    return np.asarray(f_prime, dtype=np.float64), np.asarray(f_second, dtype=np.float64)


def mass_attenuation_cm2_per_g(element: str, energy_kev: ArrayLike) -> Float64Array:
    """X-ray attenuation coefficient per density (Chantler 2000).

    Parameters
    ----------
    element : chemical symbol or ion
    energy_kev : (g,) photon energies in keV

    Returns
    -------
    (g,) µ/ρ in cm²/g, photoelectric and scattering together
    """
    energy_ev = 1e3 * np.atleast_1d(np.asarray(energy_kev, dtype=np.float64))
    return np.atleast_1d(np.asarray(_xraydb().mu_chantler(_chantler_symbol(element), energy_ev), dtype=np.float64))


def _chantler_symbol(element: str) -> str:
    symbol = element_of(element)
    symbol = _ISOTOPES_OF_HYDROGEN.get(symbol, symbol)
    if getattr(periodictable, symbol).number > _LAST_ATOMIC_NUMBER:
        raise ValueError(f"no X-ray scattering factors for {symbol!r}; the tables hold H (Z = 1) to U (Z = 92)")
    return symbol


def scattering_length_fm(element: str) -> float:
    """Bound coherent neutron scattering length (real part).

    Parameters
    ----------
    element : chemical symbol, ``"D"`` for deuterium; a charge is ignored

    Returns
    -------
    b_c in fm

    Raises
    ------
    ValueError : when no length is tabulated for the element
    """
    length = _neutron(element).b_c
    if length is None:
        raise ValueError(f"no neutron scattering length for {element!r}; use radiation='xray' or another isotope")
    return float(length)


def neutron_attenuation_per_mm(element: str, wavelength_a: ArrayLike, number_per_cubic_angstrom: float) -> Float64Array:
    """Neutron attenuation by absorption and incoherent scattering.

    Parameters
    ----------
    element : chemical symbol
    wavelength_a : (g,) wavelengths in Å
    number_per_cubic_angstrom : atoms of the element per Å³

    Returns
    -------
    (g,) µ in 1/mm

    Notes
    -----
    σ_abs(1.798 Å) λ/1.798 + σ_inc (Sears, Neutron News 3 (1992) 26). Coherent scattering is left out: in a crystal it
    goes into the Bragg reflections.
    """
    neutron = _neutron(element)
    wavelength = np.atleast_1d(np.asarray(wavelength_a, dtype=np.float64))
    absorption = float(neutron.absorption or 0.0) * wavelength / THERMAL_WAVELENGTH_ANGSTROM
    barn = absorption + float(neutron.incoherent or 0.0)
    return barn * number_per_cubic_angstrom * _BARN_PER_CUBIC_ANGSTROM_IN_PER_MM


def _neutron(element: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    return getattr(periodictable, element_of(element)).neutron
