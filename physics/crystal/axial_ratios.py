"""Which axial ratios of a lattice its symmetry leaves free, and the lattice with other ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal.lattice_symmetry import busing_levy_b

if TYPE_CHECKING:
    from beamgym.physics.crystal.crystal import Crystal

_CUBIC, _ORTHORHOMBIC, _OBLIQUE = ("m-3", "m-3m"), ("mmm",), ("-1", "2/m")


def free_axial_ratios(crystal: Crystal) -> tuple[str, ...]:
    """Return the names of the axial ratios that symmetry leaves free: () for cubic, c/a, or b/a and c/a."""
    if crystal.laue_class in _CUBIC:
        return ()
    return ("b/a", "c/a") if crystal.laue_class in (*_ORTHORHOMBIC, *_OBLIQUE) else ("c/a",)


def with_axial_ratios(crystal: Crystal, factors: ArrayLike) -> Float64Array:
    """Return B of the same crystal with other axial ratios.

    Parameters
    ----------
    crystal : its a, its angles and its symmetry are kept
    factors : by what each of ``free_axial_ratios`` is multiplied, above 0

    Returns
    -------
    (3, 3) in 1/Å, in the Cartesian frame of ``crystal``: the lattice is stretched without a turn, so that one rotation
    matrix is the orientation of both

    Raises
    ------
    ValueError : where factors are not one a free ratio, finite and above 0

    Notes
    -----
    A stretch S (symmetric) of real space takes q to S⁻¹q. In trigonal, tetragonal and hexagonal crystals S lengthens
    the axis of symmetry, in orthorhombic ones two of the twofold axes. In monoclinic and triclinic ones the cell's b
    and c are lengthened at fixed angles, and S is what the polar decomposition leaves of it.
    """
    given, names = np.asarray(factors, dtype=np.float64), free_axial_ratios(crystal)
    if given.shape != (len(names),) or not (np.isfinite(given) & (given > 0)).all():
        raise ValueError(f"factors are {given.tolist()}; give one above 0 for each of {', '.join(names) or 'none'}")
    if not names:
        return crystal.b_matrix.copy()
    if crystal.laue_class in _OBLIQUE:
        inverse = np.linalg.inv(_oblique_stretch(crystal, given))
    else:
        axes = _lengthened_axes(crystal)
        inverse = np.eye(3) + np.einsum("k,ki,kj->ij", 1.0 / given - 1.0, axes, axes)
    b_matrix: Float64Array = inverse @ crystal.b_matrix
    return b_matrix


def _lengthened_axes(crystal: Crystal) -> Float64Array:
    """Return the axis of order 3, 4 or 6, or the two twofold axes farther from the cell's a, as (k, 3) unit vectors."""
    trace = np.trace(crystal.rotations, axis1=1, axis2=2)
    if crystal.laue_class in _ORTHORHOMBIC:
        axes = np.stack([_axis(turn) for turn in crystal.rotations[trace < 2.9]])
        away = np.argsort(-np.abs(axes @ crystal.direction([1, 0, 0])))[1:]
        return axes[away[np.argsort(-np.abs(axes[away] @ crystal.direction([0, 1, 0])))]]
    return _axis(crystal.rotations[(trace > -0.5) & (trace < 2.9)][0])[None]


def _axis(rotation: Float64Array) -> Float64Array:
    values, vectors = np.linalg.eigh(0.5 * (rotation + rotation.T))
    axis: Float64Array = vectors[:, np.argmax(values)]
    return axis


def _oblique_stretch(crystal: Crystal, factors: Float64Array) -> Float64Array:
    """Return the stretch that is left of longer b and c once its rotation is taken off; as symmetric as the crystal."""
    lengths = np.array([1.0, *factors, 1.0, 1.0, 1.0])
    change = np.linalg.inv(busing_levy_b(crystal.cell * lengths)).T @ crystal.b_matrix.T
    square = np.mean(np.swapaxes(crystal.rotations, 1, 2) @ (change.T @ change) @ crystal.rotations, axis=0)
    values, vectors = np.linalg.eigh(square)
    stretch: Float64Array = (vectors * np.sqrt(values)) @ vectors.T
    return stretch
