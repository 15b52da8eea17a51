"""Commensurate lattices: all share the directions of their vectors, so that a pattern's lengths have to decide.

Directions alone cannot tell a lattice from its sublattices. But a pattern shows the short vectors first: of all
lattices that index the spots, the right one explains them with the fewest directions that it would have to show as
well. Their number in a ball of radius Q grows as Q³ / V*; so the measure is mean(3 ln |q|) - ln V* over the spots.
"""

import math
from typing import NamedTuple

import numpy as np

from beamgym.physics.arrays import Float64Array, Int64Array
from beamgym.physics.laue.zone_search.commensurate_kernels import primitive, transformed_lengths

WIDTH, DEPTH, BEST_OF_EACH = 10, 6, 8
"""Lattices followed at once, steps between lattices, and steps tried from each."""
KEPT = 1.2
"""Lattices within so many nats per spot of the best are kept."""
_INDICES = (2, 3, 5)
_LEAST_GAIN = 1e-9  # a reduction must shorten by more than rounding
_PASSES = 60


class Lattice(NamedTuple):
    """A reciprocal basis (3, 3), columns, the spots' primitive indices (n, 3) on it, and nats per spot."""

    basis: Float64Array
    hkl: Int64Array
    nats: float


def _upper_forms(index: int) -> list[list[list[int]]]:
    """Return one integer matrix for each superlattice of an index: upper Hermite normal forms."""
    out = []
    for a in range(1, index + 1):
        for b in (b for b in range(1, index + 1) if index % (a * b) == 0):
            c = index // (a * b)
            out += [[[a, x, y], [0, b, z], [0, 0, c]] for x in range(b) for y in range(c) for z in range(c)]
    return out


_FINER = np.array([form for index in _INDICES for form in _upper_forms(index)], dtype=np.int64)
_BY = np.rint(np.linalg.det(_FINER))
# a coarser lattice has the basis B S of a lower form S; its indices are S⁻¹ h, made whole by det S
_COARSER = np.rint(np.linalg.inv(_FINER.transpose(0, 2, 1)) * _BY[:, None, None]).astype(np.int64)
_OF_INDICES = np.concatenate([_FINER, _COARSER])
_OF_BASES = np.concatenate([np.linalg.inv(_FINER), _FINER.transpose(0, 2, 1).astype(np.float64)])
_SCALE = np.concatenate([np.ones(len(_BY)), _BY])
_LOG_VOLUME = np.concatenate([-np.log(_BY), np.log(_BY)])


def related_lattices(basis: Float64Array, hkl: Int64Array, width: int = WIDTH, depth: int = DEPTH) -> list[Lattice]:
    """Return a lattice and its finer and coarser relatives, by steps of index 2, 3 and 5, best first.

    Parameters
    ----------
    basis : (3, 3) reciprocal basis, columns
    hkl : (n, 3) indices of the spots on it
    width, depth : lattices followed at once, and steps
    """
    start = _reduced(basis, hkl)
    seen, front = {round(start.nats, 6): start}, [start]
    for _ in range(depth):
        best = min(one.nats for one in seen.values())
        fresh = [one for lattice in front for one in _neighbours(lattice, best + KEPT)]
        front = []
        for nats, lattice, step in sorted(fresh, key=lambda one: one[0]):
            if len(front) < width and round(nats, 6) not in seen:
                other = _reduced(lattice.basis @ _OF_BASES[step], lattice.hkl @ _OF_INDICES[step].T)
                seen[round(nats, 6)] = other
                front.append(other)
    ranked = sorted(seen.values(), key=lambda one: one.nats)
    return [one for one in ranked if one.nats < ranked[0].nats + KEPT]


def _neighbours(lattice: Lattice, limit: float) -> list[tuple[float, Lattice, int]]:
    nats = np.empty(len(_OF_INDICES))
    log_length = np.log(np.linalg.norm(lattice.hkl @ lattice.basis.T, axis=1))
    transformed_lengths(lattice.hkl, log_length, _OF_INDICES, _SCALE, nats)
    nats -= _log_volume(lattice.basis) + _LOG_VOLUME
    best = np.argsort(nats, kind="stable")[:BEST_OF_EACH]
    return [(float(nats[i]), lattice, int(i)) for i in best if nats[i] < limit]


def _log_volume(basis: Float64Array) -> float:
    return math.log(abs(float(np.linalg.det(basis))))


def _reduced(basis: Float64Array, hkl: Int64Array) -> Lattice:
    """Return the lattice on its shortest vectors, with primitive indices."""
    basis, hkl = basis.copy(), np.array(hkl, dtype=np.int64)
    for _ in range(_PASSES):
        order = np.argsort(np.linalg.norm(basis, axis=0), kind="stable")
        basis, hkl = basis[:, order], hkl[:, order]
        if not (_shortened_by_one(basis, hkl) or _shortened_by_two(basis, hkl)):
            break
    hkl = np.ascontiguousarray(hkl)
    primitive(hkl)
    nats = 3.0 * np.log(np.linalg.norm(hkl @ basis.T, axis=1)).mean() - _log_volume(basis)
    return Lattice(np.ascontiguousarray(basis), hkl, float(nats))


def _shortened_by_one(basis: Float64Array, hkl: Int64Array) -> bool:
    """Shorten a vector by multiples of a shorter one, in place."""
    for short, long in ((0, 1), (0, 2), (1, 2)):
        times = round(float(basis[:, short] @ basis[:, long] / (basis[:, short] @ basis[:, short])))
        before = basis[:, long] @ basis[:, long]
        after = basis[:, long] - times * basis[:, short]
        if times and after @ after < before * (1.0 - _LEAST_GAIN):
            basis[:, long] = after
            hkl[:, short] += times * hkl[:, long]
            return True
    return False


def _shortened_by_two(basis: Float64Array, hkl: Int64Array) -> bool:
    """Shorten the longest vector by the sum or difference of the others, in place."""
    before = basis[:, 2] @ basis[:, 2]
    for one in (-1, 1):
        for two in (-1, 1):
            after = basis[:, 2] + one * basis[:, 0] + two * basis[:, 1]
            if after @ after < before * (1.0 - _LEAST_GAIN):
                basis[:, 2] = after
                hkl[:, 0] -= one * hkl[:, 2]
                hkl[:, 1] -= two * hkl[:, 2]
                return True
    return False
