"""How a crystal's cell may differ in shape from the one that is known, and keep its symmetry."""

from itertools import combinations_with_replacement

import numpy as np

from beamgym.physics.arrays import Float64Array

_KEPT = 0.5


def shape_modes(rotations: Float64Array) -> Float64Array:
    """Return the symmetric deformations that keep both symmetry and volume.

    A deformation E keeps the symmetry where R E Rᵀ = E for every rotation R: none in a cubic crystal, one (c/a) in a
    tetragonal, hexagonal or trigonal one, two in an orthorhombic, three in a monoclinic, five in a triclinic one. The
    volume does not show in Laue patterns.

    Parameters
    ----------
    rotations : (g, 3, 3) the crystal's, Cartesian

    Returns
    -------
    (m, 3, 3) symmetric, without trace, orthonormal: Σ E² = 1
    """
    mean = np.mean([np.kron(each, each) for each in rotations], axis=0)
    symmetric = np.array([_unit(i, j) for i, j in combinations_with_replacement(range(3), 2)])
    kept = symmetric @ mean.T
    kept -= np.outer(kept @ np.eye(3).ravel(), np.eye(3).ravel()) / 3.0
    _, size, modes = np.linalg.svd(kept)
    found: Float64Array = modes[: int((size > _KEPT).sum())].reshape(-1, 3, 3)
    return found


def _unit(i: int, j: int) -> Float64Array:
    """Return a symmetric matrix of length 1 with only the elements ij and ji, as (9,)."""
    out = np.zeros((3, 3))
    out[i, j] = out[j, i] = 1.0
    return (out / np.linalg.norm(out)).ravel()
