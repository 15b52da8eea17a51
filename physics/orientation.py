"""Orientations: rotation matrices, rotation vectors, and angles reduced by the crystal's rotations.

``U`` is active and takes the crystal's Cartesian frame to the lab frame (Busing & Levy, Acta Cryst. 22 (1967) 457).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arrays import Float64Array
from beamgym.physics.orientation_kernels import (
    matrices_of_vectors,
    smallest_angles,
    uniform_rotations,
    vectors_of_matrices,
)

ROTATION_TOLERANCE = 1e-6


def rotation_matrix(vector_deg: ArrayLike) -> Float64Array:
    """Rotation matrix of a rotation vector.

    Parameters
    ----------
    vector_deg : (..., 3) axis times angle in degrees, right-handed

    Returns
    -------
    (..., 3, 3) rotation matrices

    Raises
    ------
    ValueError : when the last axis is not 3 long, or a number is not finite

    Notes
    -----
    R = 1 + sin(a) K + (1 − cos a) K², K the cross-product matrix of the unit axis (Rodrigues 1840).
    """
    vector = np.radians(np.asarray(vector_deg, dtype=np.float64))
    if vector.ndim == 0 or vector.shape[-1] != 3:
        raise ValueError(
            f"a rotation vector has shape (..., 3), found {vector.shape}; give its three components in degrees"
        )
    if not np.isfinite(vector).all():
        raise ValueError("a rotation vector holds NaN or infinity; give finite degrees")
    flat = np.ascontiguousarray(vector.reshape(-1, 3))
    out = np.empty((flat.shape[0], 3, 3))
    matrices_of_vectors(flat, out)
    return out.reshape(*vector.shape, 3)


def rotation_vector_deg(matrix: ArrayLike) -> Float64Array:
    """Rotation vector of a rotation matrix.

    Parameters
    ----------
    matrix : (..., 3, 3) rotation matrices

    Returns
    -------
    (..., 3) axis times angle in degrees, angle from 0 to 180; at 180 either sense of the axis is right

    Raises
    ------
    ValueError : when a matrix is not a rotation to 1e-6

    Notes
    -----
    Through the quaternion with its largest component first (Shepperd, J. Guid. Control 1 (1978) 223), so that no angle
    between 0 and 180 degrees loses digits.
    """
    matrix = check_rotation(matrix)
    flat = np.ascontiguousarray(matrix.reshape(-1, 3, 3))
    out = np.empty((flat.shape[0], 3))
    vectors_of_matrices(flat, out)
    return np.degrees(out).reshape(matrix.shape[:-1])


def check_rotation(matrix: ArrayLike, name: str = "matrix") -> Float64Array:
    """Return rotation matrices as float64, or say why they are none.

    Parameters
    ----------
    matrix : (..., 3, 3)
    name : what the message calls it

    Returns
    -------
    (..., 3, 3) float64, the same numbers

    Raises
    ------
    ValueError : when the shape is wrong, or Rᵀ·R differs from 1 by more than 1e-6, or the determinant is not +1
    """
    array = np.asarray(matrix, dtype=np.float64)
    if array.ndim < 2 or array.shape[-2:] != (3, 3):
        raise ValueError(f"{name} has shape {array.shape}; a rotation has (..., 3, 3)")
    error = np.abs(np.swapaxes(array, -1, -2) @ array - np.eye(3))
    worst = float(error.max()) if error.size else 0.0
    if not worst <= ROTATION_TOLERANCE:
        raise ValueError(
            f"{name} is not a rotation: R^T R differs from 1 by {worst:.2g} (at most {ROTATION_TOLERANCE:g}); "
            "use nearest_rotation to clean it"
        )
    if (np.linalg.det(array) < 0.0).any():
        raise ValueError(f"{name} has determinant -1: it mirrors; flip the sign of one axis to make it a rotation")
    return array


def nearest_rotation(matrix: ArrayLike) -> Float64Array:
    """Rotation closest to a matrix in the Frobenius norm.

    Parameters
    ----------
    matrix : (..., 3, 3) any matrices of rank 2 or more

    Returns
    -------
    (..., 3, 3) rotation matrices

    Raises
    ------
    ValueError : when the shape is wrong or a number is not finite

    Notes
    -----
    U·diag(1, 1, det(U·Vᵀ))·Vᵀ of the singular value decomposition (Kabsch, Acta Cryst. A34 (1978) 827).
    """
    array = np.asarray(matrix, dtype=np.float64)
    if array.ndim < 2 or array.shape[-2:] != (3, 3):
        raise ValueError(f"matrix has shape {array.shape}; a rotation has (..., 3, 3)")
    if not np.isfinite(array).all():
        raise ValueError("matrix holds NaN or infinity; give finite numbers")
    left, _, right = np.linalg.svd(array)
    left[..., :, 2] *= np.where(np.linalg.det(left @ right) < 0.0, -1.0, 1.0)[..., None]
    rotation: Float64Array = left @ right
    return rotation


def misorientation_deg(u: ArrayLike, target: ArrayLike, rotations: ArrayLike) -> Float64Array:
    """Smallest angle between two orientations, reduced by the crystal's rotations.

    Parameters
    ----------
    u, target : (..., 3, 3) rotation matrices, crystal Cartesian to lab; they broadcast against each other
    rotations : (k, 3, 3) proper rotations of the Laue group, crystal Cartesian

    Returns
    -------
    (...,) angle in degrees, 0 to the group's largest misorientation

    Raises
    ------
    ValueError : when a matrix is not a rotation to 1e-6

    Notes
    -----
    min over S of the angle of u·S·targetᵀ, whose cosine is (trace − 1)/2 (Mackenzie, Biometrika 45 (1958) 229).
    """
    return nearest_equivalent(u, target, rotations)[0]


def nearest_equivalent(u: ArrayLike, target: ArrayLike, rotations: ArrayLike) -> tuple[Float64Array, NDArray[np.int64]]:
    """Misorientation and the rotation of the crystal that gives it.

    Parameters
    ----------
    u, target : (..., 3, 3) rotation matrices, crystal Cartesian to lab; they broadcast against each other
    rotations : (k, 3, 3) proper rotations of the Laue group, crystal Cartesian

    Returns
    -------
    angle (...,) in degrees, and index (...,) of the rotation S for which u·S is nearest to target

    Raises
    ------
    ValueError : when a matrix is not a rotation to 1e-6
    """
    left, right = check_rotation(u, "u"), check_rotation(target, "target")
    group = check_rotation(rotations, "rotations")
    if group.ndim != 3 or group.shape[0] == 0:
        raise ValueError(f"rotations has shape {group.shape}; a group has (k, 3, 3) with k of 1 or more")
    shape = np.broadcast_shapes(left.shape, right.shape)
    flat_left = np.ascontiguousarray(np.broadcast_to(left, shape).reshape(-1, 3, 3))
    flat_right = np.ascontiguousarray(np.broadcast_to(right, shape).reshape(-1, 3, 3))
    angle, which = np.empty(flat_left.shape[0]), np.empty(flat_left.shape[0], dtype=np.int64)
    smallest_angles(flat_left, flat_right, np.ascontiguousarray(group), angle, which)
    return np.degrees(angle).reshape(shape[:-2]), which.reshape(shape[:-2])


def random_orientations(keys: ArrayLike) -> Float64Array:
    """Orientations uniform on SO(3), one per key.

    Parameters
    ----------
    keys : (n,) uint64 keys of ``counter_rng.make_keys``; each key's first three draws are used

    Returns
    -------
    (n, 3, 3) rotation matrices; row i depends on key i only

    Raises
    ------
    TypeError : when the keys are not uint64
    ValueError : when they are not one-dimensional

    Notes
    -----
    Uniform unit quaternions from three uniform numbers (Shoemake, Graphics Gems III (1992) 124).
    """
    array = np.asarray(keys)
    if array.dtype != np.uint64:
        raise TypeError(f"keys are {array.dtype}; make uint64 ones with counter_rng.make_keys")
    if array.ndim != 1:
        raise ValueError(f"keys have shape {array.shape}; give (n,), one key per orientation")
    out = np.empty((array.shape[0], 3, 3))
    uniform_rotations(np.ascontiguousarray(array), out)
    return out
