"""How far crystals are from a common orientation, as small rotations."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from beamgym.physics.arrays import Float64Array


def misalignment_deg(orientations: ArrayLike, target: ArrayLike, rotations: ArrayLike) -> Float64Array:
    """Return the rotations that take the target, or one equivalent to it, to each orientation.

    Parameters
    ----------
    orientations : (n, 3, 3) crystal Cartesian to the holder's frame
    target : (3, 3) that all are to have
    rotations : (k, 3, 3) proper rotations after which the crystal is the same

    Returns
    -------
    (n, 3) rotation vectors about the holder's x, y and z, degrees: for each the shortest of the equivalents
    """
    u = np.asarray(orientations, dtype=np.float64).reshape(-1, 3, 3)
    same = np.asarray(rotations, dtype=np.float64)
    t = np.asarray(target, dtype=np.float64)
    if not len(u):
        return np.zeros((0, 3))
    ways = u[:, None] @ same[None] @ t.T
    vectors = Rotation.from_matrix(ways.reshape(-1, 3, 3)).as_rotvec(degrees=True).reshape(len(u), len(same), 3)
    nearest = np.linalg.norm(vectors, axis=2).argmin(axis=1)
    found: Float64Array = vectors[np.arange(len(u)), nearest]
    return found
