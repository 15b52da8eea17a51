"""The atoms of one unit cell as flat arrays, read from a pymatgen Structure."""

from dataclasses import dataclass

import numpy as np
from pymatgen.core import Structure

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal.cif import B_ISO, DEFAULT_B_ISO
from beamgym.physics.crystal.form_factors import element_of, form_factor_label, scattering_length_fm

ISOTOPES = ("D", "T")
"""Isotopes of hydrogen, which neutrons tell from it."""


@dataclass(frozen=True, eq=False)
class Atoms:
    """Every atom of the unit cell; a site shared by two species is two atoms.

    Parameters
    ----------
    label : (a,) form-factor labels: elements or ions
    fractional : (a, 3) fractional coordinates
    occupancy : (a,) 0 to 1
    b_iso : (a,) isotropic Debye-Waller factors B in Å², exp(−B s²)
    """

    label: tuple[str, ...]
    fractional: Float64Array
    occupancy: Float64Array
    b_iso: Float64Array

    @property
    def elements(self) -> tuple[str, ...]:
        """Labels that occur, each once, in alphabetical order."""
        return tuple(sorted(set(self.label)))


def atoms_of(structure: Structure, radiation: str = "xray") -> Atoms:
    """Flatten a structure.

    Parameters
    ----------
    structure : pymatgen structure; the site property ``b_iso`` (Å²) is used where it is there, else 0.5 Å²
    radiation : "xray" gives form-factor labels (ions where the species have charges), "neutron" elements

    Returns
    -------
    the atoms of its cell

    Raises
    ------
    ValueError : when a species is not an element, or has no scattering factors
    """
    labels, fractional, occupancy, b_iso = [], [], [], []
    factors = structure.site_properties.get(B_ISO, [None] * len(structure))
    for site, factor in zip(structure, factors, strict=True):
        for species, amount in site.species.items():
            labels.append(_label(species, radiation))
            fractional.append(site.frac_coords)
            occupancy.append(float(amount))
            b_iso.append(DEFAULT_B_ISO if factor is None else float(factor))
    return Atoms(tuple(labels), np.array(fractional, dtype=np.float64), np.array(occupancy), np.array(b_iso))


def _label(species: object, radiation: str) -> str:
    symbol = str(getattr(species, "symbol", species))
    if getattr(species, "name", "") in ISOTOPES:  # pymatgen's Element("D") calls itself H
        symbol = str(species.name)  # type: ignore[attr-defined]
    if radiation == "neutron":
        scattering_length_fm(symbol)  # raises where there is none
        return element_of(symbol)
    return form_factor_label(symbol, getattr(species, "oxi_state", None))
