"""Unit cell, Laue class, and the rotations that leave a diffraction pattern (nearly) the same."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pymatgen.core import Lattice, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from beamgym.physics.arrays import Float64Array
from beamgym.physics.orientation import nearest_rotation

SYMMETRY_PRECISION_A = 0.01
"""How far an atom may lie from its symmetric place, Å."""

SHORTEST_A, LONGEST_A = 1e-3, 1e6
"""Cell edges that are taken, Å: wider by far than any crystal's, and so that no reciprocal edge or volume overflows."""

_LAUE_CLASS_OF_POINT_GROUP = {
    **dict.fromkeys(("1", "-1"), "-1"),
    **dict.fromkeys(("2", "m", "2/m"), "2/m"),
    **dict.fromkeys(("222", "mm2", "mmm"), "mmm"),
    **dict.fromkeys(("4", "-4", "4/m"), "4/m"),
    **dict.fromkeys(("422", "4mm", "-42m", "-4m2", "4/mmm"), "4/mmm"),
    **dict.fromkeys(("3", "-3"), "-3"),
    **dict.fromkeys(("32", "3m", "-3m"), "-3m1"),
    **dict.fromkeys(("6", "-6", "6/m"), "6/m"),
    **dict.fromkeys(("622", "6mm", "-62m", "-6m2", "6/mmm"), "6/mmm"),
    **dict.fromkeys(("23", "m-3"), "m-3"),
    **dict.fromkeys(("432", "-43m", "m-3m"), "m-3m"),
}

_SPACE_GROUPS_OF_31M = (149, 151, 153, 157, 159, 162, 163)

ROTATIONS_OF_LAUE_CLASS = {
    "-1": 1,
    "2/m": 2,
    "mmm": 4,
    "4/m": 4,
    "4/mmm": 8,
    "-3": 3,
    "-3m1": 6,
    "-31m": 6,
    "6/m": 6,
    "6/mmm": 12,
    "m-3": 12,
    "m-3m": 24,
}
"""Number of proper rotations of each Laue class."""


def busing_levy_b(cell: ArrayLike) -> Float64Array:
    """Matrix that takes hkl to the crystal's Cartesian frame.

    Parameters
    ----------
    cell : (6,) a, b, c in Å and alpha, beta, gamma in degrees

    Returns
    -------
    (3, 3) B in 1/Å without 2π: a* along x, b* in the xy plane; its columns are a*, b*, c*

    Raises
    ------
    ValueError : when the lengths or angles make no cell

    Notes
    -----
    Busing & Levy, Acta Cryst. 22 (1967) 457, eq. 3.
    """
    numbers = np.asarray(cell, dtype=np.float64)
    if numbers.shape != (6,) or not np.isfinite(numbers).all() or (numbers <= 0.0).any():
        raise ValueError(
            f"cell is {numbers.tolist()}; give six positive numbers: a, b, c in Å and alpha, beta, gamma in degrees"
        )
    if (numbers[:3] < SHORTEST_A).any() or (numbers[:3] > LONGEST_A).any():
        raise ValueError(f"cell edges {numbers[:3].tolist()} Å; give {SHORTEST_A:g} to {LONGEST_A:g} Å, not nm or m")
    lengths, cosine = numbers[:3], np.cos(np.radians(numbers[3:]))
    root = 1.0 - (cosine**2).sum() + 2.0 * cosine.prod()
    if root <= 1e-8 or (numbers[3:] >= 180.0).any():
        raise ValueError(f"angles {numbers[3:].tolist()} enclose no volume; give cell angles that close to a cell")
    sine = np.sqrt(1.0 - cosine**2)
    reciprocal = sine / (lengths * np.sqrt(root))
    cos_gamma_star = (cosine[0] * cosine[1] - cosine[2]) / (sine[0] * sine[1])
    cos_beta_star = (cosine[0] * cosine[2] - cosine[1]) / (sine[0] * sine[2])
    sin_gamma_star, sin_beta_star = np.sqrt(1.0 - cos_gamma_star**2), np.sqrt(1.0 - cos_beta_star**2)
    return np.array(
        [
            [reciprocal[0], reciprocal[1] * cos_gamma_star, reciprocal[2] * cos_beta_star],
            [0.0, reciprocal[1] * sin_gamma_star, -reciprocal[2] * sin_beta_star * cosine[0]],
            [0.0, 0.0, 1.0 / lengths[2]],
        ]
    )


def symmetry_of(structure: Structure, b_matrix: Float64Array) -> tuple[str, Float64Array, Float64Array]:
    """Laue class, its proper rotations, and those of the lattice.

    Parameters
    ----------
    structure : pymatgen structure
    b_matrix : (3, 3) of the same cell

    Returns
    -------
    Laue class symbol (the trigonal one says whether its twofold axes lie along a (-3m1) or between (-31m), as long as
    the cell is the standard one), rotations (k, 3, 3) of the Laue class and rotations (j, 3, 3) of the lattice, crystal
    Cartesian, identity first; the first are among the second

    Raises
    ------
    ValueError : when no symmetry can be found

    Notes
    -----
    Every improper operation of a Laue class is a proper one times the inversion, so the proper parts of the point
    group's operations are the rotations of its Laue class. Symmetry from spglib (Togo, Shinohara & Tanaka,
    Sci. Technol. Adv. Mater. Meth. 4 (2024) 2384822).
    """
    # a structure without properties: magnetic moments would lower the symmetry that X-rays see
    bare = Structure(structure.lattice, [site.species for site in structure], structure.frac_coords)
    found = _spglib(bare)
    laue_class = _LAUE_CLASS_OF_POINT_GROUP[str(found.pointgroup).strip()]
    if found.number in _SPACE_GROUPS_OF_31M:
        laue_class = "-31m"
    operations = np.asarray(found.rotations)
    identity = (operations == np.eye(3, dtype=int)).all(axis=(1, 2))
    lattice_points = np.asarray(found.translations)[identity]
    lattice = Structure(bare.lattice, ["H"] * len(lattice_points), lattice_points)
    holohedry = np.asarray(_spglib(lattice).rotations)
    axes = np.asarray(np.linalg.inv(b_matrix).T, dtype=np.float64)
    rotations, of_lattice = _proper(operations, axes), _proper(holohedry, axes)
    if len(rotations) < ROTATIONS_OF_LAUE_CLASS[laue_class]:
        return laue_class, *_of_primitive_cell(bare, found, axes)
    return laue_class, rotations, of_lattice


def _of_primitive_cell(structure: Structure, found: Any, axes: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Rotations of the atoms and of their lattice in a cell larger than theirs, crystal Cartesian.

    In such a cell (magnetic and other supercells) spglib lists only those operations that keep the larger cell's
    lattice too; the atoms may have more, and so has their pattern.
    """
    primitive = np.asarray(found.primitive_lattice)
    to_crystal = axes @ np.linalg.inv(structure.lattice.matrix.T) @ primitive.T
    lattice = _spglib(Structure(Lattice(primitive), ["H"], [[0.0, 0.0, 0.0]]))
    atoms = _in_primitive_cell(structure, found)
    return _proper(atoms, to_crystal), _proper(np.asarray(lattice.rotations), to_crystal)


def _in_primitive_cell(structure: Structure, found: Any) -> NDArray[Any]:
    """Rotations (k, 3, 3) of the atoms, on fractional coordinates of the primitive cell that spglib found."""
    primitive = Lattice(found.primitive_lattice)
    _, first = np.unique(np.asarray(found.mapping_to_primitive), return_index=True)
    places = primitive.get_fractional_coords(structure.cart_coords[first])
    return np.asarray(_spglib(Structure(primitive, [structure[index].species for index in first], places)).rotations)


def _spglib(structure: Structure) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # spglib's, about its own error handling
        try:
            return SpacegroupAnalyzer(structure, symprec=SYMMETRY_PRECISION_A).get_symmetry_dataset()
        except Exception as problem:
            raise ValueError(
                f"no symmetry found for {structure.composition.reduced_formula}; check the cell and the sites"
            ) from problem


def _proper(operations: NDArray[Any], to_cartesian: Float64Array) -> Float64Array:
    """Distinct proper rotations (k, 3, 3), crystal Cartesian, of operations on fractional coordinates.

    ``to_cartesian`` (3, 3) has the cell's vectors as columns, crystal Cartesian.
    """
    proper = operations * np.rint(np.linalg.det(operations)).astype(int)[:, None, None]
    distinct = np.unique(proper.reshape(-1, 9), axis=0).reshape(-1, 3, 3)
    rotations = nearest_rotation(to_cartesian @ distinct @ np.linalg.inv(to_cartesian))
    return rotations[np.argsort(-np.trace(rotations, axis1=1, axis2=2), kind="stable")]
