"""Which directions of a lattice are the axes that its system has, or that of the strongest zone where it has none."""

from itertools import combinations, product
from math import gcd
from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr

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
MOST_NEAR, MOST_SETS = 9, 4
"""Axes that a lattice may have, and sets of them that are taken into account."""
ACROSS = 0.1
"""Axes of one set are perpendicular: the largest cosine of their angle before refinement."""
ALIKE = 0.1
"""A direct vector longer than the shortest by more than this share is not the shortest."""


class Axes(NamedTuple):
    """Directions ``uvw`` (k, 3), the ``turns`` (j, 3, 3) of indices that keep the lattice, and the worst ``misfit``."""

    uvw: Float64Array
    turns: Float64Array
    misfit: float


def possible_axes(basis: Float64Array, system: CrystalSystem, choice: AxisChoice, limit: float) -> list[Axes]:
    """Return the sets of lines that may be those that count in a lattice of a system, the best fit first.

    A cell that nearly has a higher symmetry has several: three fourfold axes to choose one from, say.

    Parameters
    ----------
    basis : (3, 3) reciprocal basis, columns
    system, choice : which axes there are
    limit : largest misfit of a turn
    """
    if not system.has_axes:
        return [Axes(uvw[None], np.zeros((0, 3, 3)), 0.0) for uvw in _shortest(basis)]
    misfit, turns = _turns(basis, ORDERS[system.name])
    near = [int(i) for i in np.argsort(misfit, kind="stable")[:MOST_NEAR] if misfit[i] < limit]
    lines = lines_along(basis, UVW)
    sets = [
        list(chosen)
        for chosen in combinations(near, len(system.principal))
        if all(abs(lines[i] @ lines[j]) < ACROSS for i, j in combinations(chosen, 2))
    ]
    sets.sort(key=lambda chosen: misfit[chosen].max())
    return [
        Axes(_with_others(basis, chosen, system, choice), turns[chosen], float(misfit[chosen].max()))
        for chosen in sets[:MOST_SETS]
    ]


def shortness_nats(basis: Float64Array, covariance: Float64Array, uvw: Float64Array) -> float:
    """Return −ln of the probability that no other lattice vector is shorter than one (3,) that should be the shortest.

    Parameters
    ----------
    basis, covariance : (3, 3), and (9, 9) of its elements
    uvw : (3,)
    """
    length = np.linalg.norm(UVW @ np.linalg.inv(basis), axis=1)
    length[(np.abs(UVW - uvw) < 0.5).all(axis=1)] = np.inf
    other = UVW[int(length.argmin())]
    (mine, slope), (theirs, other_slope) = (_length_and_slope(basis, one) for one in (uvw, other))
    difference = slope - other_slope
    sigma = np.sqrt(max(1e-300, float(difference @ covariance @ difference)))
    return -float(log_ndtr((theirs - mine) / sigma))


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


def _with_others(basis: Float64Array, chosen: list[int], system: CrystalSystem, choice: AxisChoice) -> Float64Array:
    """Return the principal axes [uvw], and those of lower order behind them where all count."""
    if choice != "all" or not len(system.others):
        return np.array(UVW[chosen])
    misfit = np.minimum(_turns(basis, 2)[0], _turns(basis, 3)[0])
    ranked = [int(i) for i in np.argsort(misfit, kind="stable") if int(i) not in chosen]
    return np.array(UVW[[*chosen, *ranked[: len(system.others)]]])


def _shortest(basis: Float64Array) -> Float64Array:
    """Return the shortest direct vectors [uvw] (k, 3): those that errors may have made longer than another."""
    length = np.linalg.norm(UVW @ np.linalg.inv(basis), axis=1)
    ranked = np.argsort(length, kind="stable")[:MOST_SETS]
    shortest: Float64Array = UVW[ranked[length[ranked] <= (1.0 + ALIKE) * length[ranked[0]]]]
    return shortest


def _length_and_slope(basis: Float64Array, uvw: Float64Array) -> tuple[float, Float64Array]:
    """Return a direct vector's length, and how it changes (9,) with the elements of the basis."""
    inverse = np.linalg.inv(basis)
    vector = uvw @ inverse
    length = float(np.linalg.norm(vector))
    return length, np.array([-vector @ (inverse.T @ unit.T @ vector) / length for unit in np.eye(9).reshape(9, 3, 3)])
