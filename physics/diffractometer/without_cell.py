"""UB without a cell: from indexed reflections alone, or the smallest lattice that holds all observed vectors."""

from dataclasses import dataclass
from itertools import combinations

import gemmi
import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array, Int64Array
from beamgym.physics.diffractometer.observations import Observed

_MOST_DENOMINATOR = 4
_LEAST_VOLUME = 0.05  # of three unit vectors: below it they lie nearly in a plane
_GATE = 16.0  # of chi² for three numbers
_MOST_TRIPLES = 200


@dataclass(frozen=True, eq=False)
class FreeLattice:
    """A lattice found without a cell.

    Parameters
    ----------
    ub : (3, 3) 1/Å without 2π, hkl to the mount frame
    cell : (6,) a, b, c in Å and alpha, beta, gamma in degrees
    hkl : (n, 3) indices of every vector, those of spurious ones being meaningless
    belongs : (n,) whether each lies on the lattice
    chi2 : weighted mean square over those, per number
    """

    ub: Float64Array
    cell: Float64Array
    hkl: Int64Array
    belongs: Float64Array
    chi2: float


def ub_from_indexed(q: ArrayLike, hkl: ArrayLike) -> Float64Array:
    """Return the UB (3, 3) that fits indexed vectors best, cell included.

    Parameters
    ----------
    q : (n, 3) scattering vectors in the mount frame, 1/Å without 2π; three or more
    hkl : (n, 3) their indices

    Raises
    ------
    ValueError : fewer than three, indices in one plane, or a left-handed result: signs of indices or axes are wrong

    Notes
    -----
    Least squares of q = UB·hkl (Busing & Levy, Acta Cryst. 22 (1967) 457, eq. 30 and what follows).
    """
    vectors, indices = np.asarray(q, dtype=np.float64), np.asarray(hkl, dtype=np.float64)
    if len(vectors) < 3 or np.linalg.matrix_rank(indices) < 3:
        raise ValueError(
            "UB without a cell needs three indexed reflections that lie in no plane; give more, or the cell"
        )
    ub = np.linalg.lstsq(indices, vectors, rcond=None)[0].T
    if np.linalg.det(ub) <= 0.0:
        raise ValueError("these indices make a left-handed cell; turn the sign of all three indices, or of a wrong one")
    return np.asarray(ub)


def cell_of_ub(ub: ArrayLike) -> Float64Array:
    """Return a, b, c in Å and alpha, beta, gamma in degrees (6,) of UB (3, 3)."""
    axes = np.linalg.inv(np.asarray(ub, dtype=np.float64))
    lengths = np.linalg.norm(axes, axis=1)
    unit = axes / lengths[:, None]
    pairs = ((1, 2), (0, 2), (0, 1))
    angles = [np.degrees(np.arccos(np.clip(unit[i] @ unit[j], -1.0, 1.0))) for i, j in pairs]
    return np.array([*lengths, *angles])


def free_lattice(observed: Observed) -> FreeLattice:
    """Return the lattice with the smallest cell (Niggli's) on which the most observed vectors lie.

    Parameters
    ----------
    observed : three reflections or more; of exactly three every one is taken for a true one, and the lattice is the
        one they span: the true one may have a larger cell

    Raises
    ------
    ValueError : fewer than three, or all in one plane

    Notes
    -----
    Every three vectors are tried as a basis; the others are to be multiples of 1/m of them, m up to 4, which together
    with the basis generate the lattice. Reduced with gemmi (Křivý & Gruber, Acta Cryst. A32 (1976) 297).
    """
    n = len(observed)
    if n < 3:
        raise ValueError(f"a lattice needs three reflections, and there are {n}; centre more, or give --cell")
    precision = np.linalg.inv(observed.covariance)
    unit = observed.q / np.linalg.norm(observed.q, axis=1)[:, None]
    best: FreeLattice | None = None
    triples = [t for t in combinations(range(n), 3) if abs(np.linalg.det(unit[list(t)])) > _LEAST_VOLUME]
    for triple in triples[:_MOST_TRIPLES]:
        basis = observed.q[list(triple)].T
        for m in range(1, _MOST_DENOMINATOR + 1):
            found = _generated(observed.q, np.asarray(precision, dtype=np.float64), basis, m)
            if found is not None and (best is None or _better(found, best)):
                best = found
    if best is None:
        raise ValueError("all reflections lie nearly in one plane; centre one off it")
    return best


def _better(one: FreeLattice, other: FreeLattice) -> bool:
    """More vectors first; then the smaller direct cell, unless it is no smaller."""
    here, there = one.belongs.sum(), other.belongs.sum()
    volumes = 1.0 / abs(np.linalg.det(one.ub)), 1.0 / abs(np.linalg.det(other.ub))
    return bool(here > there or (here == there and volumes[0] < 0.99 * volumes[1]))


def _generated(q: Float64Array, precision: Float64Array, basis: Float64Array, m: int) -> FreeLattice | None:
    """Return the lattice that a basis and the vectors at multiples of 1/m of it generate; None where it is none."""
    thirds = np.rint(np.linalg.solve(basis, q.T).T * m).astype(np.int64)
    near = _chi2(q, thirds / m @ basis.T, precision) < 4.0 * _GATE
    if near.sum() < 3:
        return None
    rows = _hermite(np.concatenate([thirds[near], m * np.eye(3, dtype=np.int64)]))
    ub = _reduced(basis @ rows.T / m)
    for _ in range(3):
        hkl = np.rint(np.linalg.solve(ub, q.T).T).astype(np.int64)
        on = (_chi2(q, hkl @ ub.T, precision) < 2.0 * _GATE) & hkl.any(axis=1)
        if on.sum() < 3 or np.linalg.matrix_rank(hkl[on]) < 3:
            return None
        ub = np.linalg.lstsq(hkl[on].astype(np.float64), q[on], rcond=None)[0].T
    hkl = np.rint(np.linalg.solve(ub, q.T).T).astype(np.int64)
    chi2 = _chi2(q, hkl @ ub.T, precision)
    on = chi2 < _GATE
    if on.sum() < 3 or np.linalg.det(ub) <= 0.0:
        return None
    return FreeLattice(ub, cell_of_ub(ub), hkl, on.astype(np.float64), float(chi2[on].mean() / 3.0))


def _chi2(q: Float64Array, computed: Float64Array, precision: Float64Array) -> Float64Array:
    d = q - computed
    return np.asarray(np.einsum("ni,nij,nj->n", d, precision, d))


def _hermite(rows: Int64Array) -> Int64Array:
    """Return three integer vectors that generate the same lattice as the rows (n, 3): Hermite's normal form."""
    matrix = rows.copy()
    for column in range(3):
        while True:
            places = column + np.flatnonzero(matrix[column:, column])
            if not len(places):
                break
            pivot = places[np.argmin(np.abs(matrix[places, column]))]
            matrix[[column, pivot]] = matrix[[pivot, column]]
            below = matrix[column + 1 :, column] // matrix[column, column]
            matrix[column + 1 :] -= below[:, None] * matrix[column]
            if not matrix[column + 1 :, column].any():
                break
    return matrix[:3]


def _reduced(ub: Float64Array) -> Float64Array:
    """Return the same lattice with the axes of Niggli's cell, right-handed."""
    cell = gemmi.UnitCell(*cell_of_ub(ub))
    vector = gemmi.GruberVector(cell, "P", True)
    vector.niggli_reduce()
    change = np.array(vector.change_of_basis.rot) / gemmi.Op.DEN
    direct = np.linalg.inv(ub)
    for rows in (change.T, change):
        reduced = rows @ direct
        if np.allclose(np.sort(np.linalg.norm(reduced, axis=1)), np.sort(vector.cell_parameters()[:3]), rtol=1e-4):
            direct = reduced
            break
    if np.linalg.det(direct) < 0.0:
        direct = -direct
    return np.asarray(np.linalg.inv(direct))
