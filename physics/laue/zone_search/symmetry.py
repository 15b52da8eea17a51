"""Which directions of a lattice are the axes that its system has, or that of the strongest zone where it has none."""

from itertools import product
from math import gcd
from typing import NamedTuple

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.zone import AxisChoice, CrystalSystem
from beamgym.physics.laue.zone_search.commensurate_kernels import turn_misfits

ORDERS = {"cubic": 4, "tetragonal": 4, "hexagonal": 6, "trigonal": 3, "orthorhombic": 2, "monoclinic": 2}
"""Order of each system's principal axes."""
_REACH = 3
UVW = np.array(
    [uvw for uvw in product(range(-_REACH, _REACH + 1), repeat=3) if uvw > (0, 0, 0) and gcd(*uvw) == 1],
    dtype=np.float64,
)
"""Directions that are tried, on the direct basis of a reduced lattice."""


class Axes(NamedTuple):
    """Directions ``uvw`` (k, 3), the ``turns`` (j, 3, 3) of indices that keep the lattice, and the worst ``misfit``."""

    uvw: Float64Array
    turns: Float64Array
    misfit: float


def axes_of(basis: Float64Array, system: CrystalSystem, choice: AxisChoice) -> Axes:
    """Return the lines that count in a lattice of a system, those that fit best, and how badly they do.

    Parameters
    ----------
    basis : (3, 3) reciprocal basis, columns
    system, choice : which axes there are
    """
    if not system.has_axes:
        return Axes(_shortest(basis)[None], np.zeros((0, 3, 3)), 0.0)
    misfit, turns = _turns(basis, ORDERS[system.name])
    best = np.argsort(misfit, kind="stable")[: len(system.principal)]
    uvw = UVW[best]
    if choice == "all" and len(system.others):
        uvw = np.concatenate([uvw, _others(basis, set(best.tolist()), len(system.others))])
    return Axes(uvw, turns[best], float(misfit[best[-1]]))


def lines_along(basis: Float64Array, uvw: Float64Array) -> Float64Array:
    """Return unit vectors (k, 3) along directions [uvw] (k, 3) of the lattice with a reciprocal basis (3, 3)."""
    vectors = uvw @ np.linalg.inv(basis)
    unit: Float64Array = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def spread_deg(basis: Float64Array, covariance: Float64Array, uvw: Float64Array) -> Float64Array:
    """Return the standard deviation (k,), degrees, of the lines' directions where they are least certain.

    Parameters
    ----------
    basis, covariance : (3, 3), and (9, 9) of its elements
    uvw : (k, 3)
    """
    inverse, out = np.linalg.inv(basis), np.empty(len(uvw))
    for i, vector in enumerate(uvw @ inverse):
        # the vector is B⁻ᵀ uvw; it changes by -B⁻ᵀ dBᵀ times itself
        slope = np.array([-inverse.T @ unit.T @ vector for unit in np.eye(9).reshape(9, 3, 3)]).T
        along = vector / np.linalg.norm(vector)
        across = (np.eye(3) - np.outer(along, along)) @ slope / np.linalg.norm(vector)
        out[i] = np.degrees(np.sqrt(max(0.0, np.linalg.eigvalsh(across @ covariance @ across.T)[-1])))
    return out


def _turns(basis: Float64Array, order: int) -> tuple[Float64Array, Float64Array]:
    misfit, turns = np.empty(len(UVW)), np.empty((len(UVW), 3, 3))
    turn_misfits(np.ascontiguousarray(basis), UVW, float(order), misfit, turns)
    return misfit, turns


def _others(basis: Float64Array, taken: set[int], most: int) -> Float64Array:
    misfit = np.minimum(_turns(basis, 2)[0], _turns(basis, 3)[0])
    ranked = [i for i in np.argsort(misfit, kind="stable") if int(i) not in taken]
    return UVW[ranked[:most]]


def _shortest(basis: Float64Array) -> Float64Array:
    shortest: Float64Array = UVW[np.argmin(((UVW @ np.linalg.inv(basis)) ** 2).sum(axis=1))]
    return shortest
