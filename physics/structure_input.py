"""Structures from users: CIF files read, checked, and their Debye-Waller factors found."""

import os
import warnings

from pymatgen.core import Structure
from pymatgen.io.cif import CifParser

from beamgym.physics.atoms import B_ISO, DEFAULT_B_ISO

CLOSEST_ATOMS_A = 0.5
"""Atoms nearer to each other than this overlap, Å."""


class BeamgymWarning(UserWarning):
    """Something was assumed that the user should know."""


class DebyeWallerWarning(BeamgymWarning):
    """A structure has no Debye-Waller factors; 0.5 Å² is used."""


def read_cif(path: str | os.PathLike[str]) -> Structure:
    """Read the first structure of a CIF file."""
    if not os.path.isfile(path):
        raise FileNotFoundError(f"no CIF file at {os.fspath(path)!r}; check the path")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            structures = CifParser(path).parse_structures(primitive=False)
        except Exception as problem:
            raise ValueError(f"{os.fspath(path)!r} is not a CIF that can be read: {problem}") from problem
    return structures[0]


def check_structure(structure: Structure) -> None:
    """Refuse a structure without sites or with overlapping atoms."""
    if len(structure) == 0:
        raise ValueError("the structure has no sites; give one with atoms")


def without_default_b(structure: Structure) -> Structure:
    """Return the structure with a B on every site, warning where one had to be assumed."""
    if B_ISO in structure.site_properties:
        return structure
    warnings.warn(f"no Debye-Waller factors; B = {DEFAULT_B_ISO} Å² is used", DebyeWallerWarning, stacklevel=3)
    return structure.copy(site_properties={B_ISO: [DEFAULT_B_ISO] * len(structure)})
