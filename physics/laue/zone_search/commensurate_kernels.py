"""Kernels of commensurate lattices: how densely each would fill its reciprocal space, and which turns keep it."""

import math
from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def _common_divisor(a, b) -> Any:  # type: ignore[no-untyped-def]
    a, b = abs(a), abs(b)
    while b:
        a, b = b, a % b
    return a


@njit(cache=True)
def primitive(hkl) -> None:  # type: ignore[no-untyped-def]
    """Divide each row of indices (n, 3), integers, by its greatest common divisor, in place."""
    for i in range(hkl.shape[0]):
        divisor = _common_divisor(_common_divisor(hkl[i, 0], hkl[i, 1]), hkl[i, 2])
        if divisor > 1:
            hkl[i] //= divisor


@njit(cache=True)
def transformed_lengths(hkl, log_length, transforms, scale, out) -> None:  # type: ignore[no-untyped-def]
    """Write three times the mean ln |q| of the spots' primitive vectors in every transformed lattice.

    Parameters
    ----------
    hkl : (n, 3) int64 indices
    log_length : (n,) ln |q| of these vectors
    transforms : (k, 3, 3) int64, of indices
    scale : (k,) by which a vector is longer whose transformed indices have no common divisor
    out : (k,)
    """
    for t in range(transforms.shape[0]):
        total = 0.0
        m = transforms[t]
        for i in range(hkl.shape[0]):
            h = m[0, 0] * hkl[i, 0] + m[0, 1] * hkl[i, 1] + m[0, 2] * hkl[i, 2]
            k = m[1, 0] * hkl[i, 0] + m[1, 1] * hkl[i, 1] + m[1, 2] * hkl[i, 2]
            n = m[2, 0] * hkl[i, 0] + m[2, 1] * hkl[i, 1] + m[2, 2] * hkl[i, 2]
            total += log_length[i] + math.log(scale[t] / _common_divisor(_common_divisor(h, k), n))
        out[t] = 3.0 * total / hkl.shape[0]


@njit(cache=True)
def turn_misfits(basis, uvw, order, misfit, turns) -> None:  # type: ignore[no-untyped-def]
    """Write how badly a turn about each direction keeps a lattice.

    Parameters
    ----------
    basis : (3, 3) reciprocal basis, columns
    uvw : (k, 3) directions of the direct lattice
    order : the turn is by 360 / order degrees
    misfit : (k,) norm of the difference between the turn and the nearest that keeps the lattice; 9 where none is near
    turns : (k, 3, 3) how these change indices
    """
    inverse = np.linalg.inv(basis)
    cosine, sine = math.cos(2.0 * math.pi / order), math.sin(2.0 * math.pi / order)
    turn = np.empty((3, 3))
    for i in range(uvw.shape[0]):
        axis = inverse.T @ uvw[i]
        axis /= math.sqrt((axis * axis).sum())
        for a in range(3):
            for b in range(3):
                turn[a, b] = (1.0 - cosine) * axis[a] * axis[b] + (cosine if a == b else 0.0)
        turn[0, 1] -= sine * axis[2]
        turn[0, 2] += sine * axis[1]
        turn[1, 0] += sine * axis[2]
        turn[1, 2] -= sine * axis[0]
        turn[2, 0] -= sine * axis[1]
        turn[2, 1] += sine * axis[0]
        turns[i] = np.rint(inverse @ turn @ basis)
        if abs(np.linalg.det(turns[i]) - 1.0) > 0.5:
            misfit[i] = 9.0
        else:
            off = basis @ turns[i] @ inverse - turn
            misfit[i] = math.sqrt((off * off).sum())
