"""Structures from users, checked before anything is computed from them."""

import warnings

import numpy as np
from pymatgen.core import Structure

B_ISO = "b_iso"
"""Site property that holds the isotropic Debye-Waller factor, Å²."""

DEFAULT_B_ISO = 0.5
"""Debye-Waller factor of a site that has none, Å²."""

CLOSEST_ATOMS_A = 0.5
"""Atoms nearer to each other than this overlap, unless they share the place by partial occupancy, Å."""

SAME_PLACE_A = 0.01
"""Sites nearer to each other than this are one site with several species, Å."""

_FULL = 1.01  # occupancies in files are rounded


class BeamgymWarning(UserWarning):
    """Something was assumed that the user should know."""


class DebyeWallerWarning(BeamgymWarning):
    """Sites without a Debye-Waller factor: 0.5 Å² is used for them."""


def check_structure(structure: Structure) -> None:
    """Refuse a structure that cannot be a crystal.

    Parameters
    ----------
    structure : pymatgen structure

    Raises
    ------
    ValueError : when it has no sites, a coordinate is not finite, the cell is flat, atoms overlap, or a ``b_iso``
        is not a number of 0 or more
    """
    if len(structure) == 0:
        raise ValueError("the structure has no sites; give one with atoms")
    if not (np.isfinite(structure.frac_coords).all() and np.isfinite(structure.lattice.matrix).all()):
        raise ValueError("the structure holds NaN or infinite numbers; give finite coordinates and cell")
    _check_cell(structure)
    _check_overlap(structure)
    for site, b_iso in zip(structure, structure.site_properties.get(B_ISO, ()), strict=False):
        if b_iso is not None and not _is_b_iso(b_iso):
            raise ValueError(f"site property {B_ISO} of {site.species_string} is {b_iso!r}; give 0 or more, in Å²")


def _is_b_iso(value: object) -> bool:
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value)) and float(value) >= 0.0


def _check_cell(structure: Structure) -> None:
    spacing = (
        1.0 / np.linalg.norm(np.linalg.inv(structure.lattice.matrix), axis=0) if structure.volume > 0.0 else np.zeros(3)
    )
    if not spacing.min() >= CLOSEST_ATOMS_A:
        cell = ", ".join(f"{number:g}" for number in structure.lattice.parameters)
        raise ValueError(
            f"the cell ({cell}) is flat or too small; its planes must be {CLOSEST_ATOMS_A} Å apart or more"
        )


def _check_overlap(structure: Structure) -> None:
    first, second, _, distance = structure.get_neighbor_list(CLOSEST_ATOMS_A)
    for i, j, apart in zip(first, second, distance, strict=True):
        shared = structure[i].species.num_atoms + structure[j].species.num_atoms
        if i == j or shared > _FULL:
            raise ValueError(
                f"atoms overlap: sites {i} ({structure[i].species_string}) and {j} ({structure[j].species_string}) are "
                f"{apart:.3f} Å apart; remove one or give them occupancies that sum to 1 or less"
            )


def prepared(structure: Structure) -> Structure:
    """Copy of a checked structure with one site per place and a Debye-Waller factor on every site.

    Parameters
    ----------
    structure : pymatgen structure that ``check_structure`` let pass

    Returns
    -------
    the copy; sites nearer than 0.01 Å are merged, and a site without ``b_iso`` has 0.5 Å², with a DebyeWallerWarning
    """
    copy = Structure(structure.lattice, [site.species for site in structure], structure.frac_coords)
    given = structure.site_properties.get(B_ISO, [None] * len(structure))
    missing = sorted({site.species_string for site, b_iso in zip(structure, given, strict=True) if b_iso is None})
    if missing:
        warnings.warn(
            f"no Debye-Waller factor for {', '.join(missing)} in {structure.composition.reduced_formula}: "
            f"B = {DEFAULT_B_ISO} Å² is used; give _atom_site_B_iso_or_equiv in the CIF or the site property {B_ISO}",
            DebyeWallerWarning,
            stacklevel=3,
        )
    copy.add_site_property(B_ISO, [DEFAULT_B_ISO if b_iso is None else float(b_iso) for b_iso in given])
    if len(copy.get_neighbor_list(SAME_PLACE_A)[0]):
        copy.merge_sites(tol=SAME_PLACE_A, mode="sum")
    return copy
