"""UB of a sweep: the reflections of many spots, by a known cell or without one."""

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array, Int64Array
from beamgym.physics.diffractometer import (
    Candidates,
    FreeLattice,
    KnownCell,
    Observed,
    cell_of_ub,
    free_lattice,
    ub_candidates,
)

_STRONGEST = 10
"""Reflections by which candidates are found; all of them then say how many each explains."""
_FREE, _STRONGER = 40, 0.5
"""Without a cell: at most so many, and this share of all, the strongest: λ/2 of strong reflections doubles cells."""
_NEAR = 3.5  # standard deviations within which a reflection is explained


@dataclass(frozen=True, eq=False)
class IndexedSweep:
    """What a sweep says of UB by a known cell.

    Parameters
    ----------
    candidates : with their probabilities, of the strongest reflections
    chosen : (m,) which reflections those are
    best : index of the candidate that explains most of all reflections
    hkl : (n, 3) indices of all by it, the nearest ones
    belongs : (n,) which it explains
    """

    candidates: Candidates
    chosen: Int64Array
    best: int
    hkl: Int64Array
    belongs: BoolArray


def index_sweep(observed: Observed, known: KnownCell) -> IndexedSweep:
    """Return the UB candidates of a sweep, and which explains most of its reflections.

    Parameters
    ----------
    observed : with intensities, the strongest first
    known : the cell

    Raises
    ------
    ValueError : no candidate at all
    """
    chosen = _apart(observed, _STRONGEST)
    found = ub_candidates(observed.rows(chosen), known)
    if not found.found:
        raise ValueError(f"no orientation of {known.name} explains two of the strongest {len(chosen)} spots")
    explained = [_explained(observed, one.ub, one.error_deg) for one in found.found[:20]]
    best = int(np.argmax([on.sum() for _, on in explained]))
    hkl, on = explained[best]
    return IndexedSweep(found, chosen, best, hkl, on)


def free_sweep(observed: Observed) -> tuple[FreeLattice, Int64Array, BoolArray]:
    """Return the lattice found without a cell, and indices (n, 3) and (n,) whether it explains each of all reflections.

    Raises
    ------
    ValueError : fewer than three reflections, or all in one plane
    """
    assert observed.intensity is not None
    strongest = np.argsort(-observed.intensity, kind="stable")
    few = observed.rows(strongest[: min(max(int(_STRONGER * len(observed)), 6), _FREE)])
    lattice = free_lattice(few)
    ub = lattice.ub
    hkl, on = _explained(observed, ub, 0.0)
    for _ in range(3):
        if on.sum() < 3 or np.linalg.matrix_rank(hkl[on]) < 3:
            break
        ub = np.asarray(np.linalg.lstsq(hkl[on].astype(np.float64), observed.q[on], rcond=None)[0].T, dtype=np.float64)
        hkl, on = _explained(observed, ub, 0.0)
    better = FreeLattice(ub, cell_of_ub(ub), lattice.hkl, lattice.belongs, lattice.chi2)
    return better, hkl, on


def _apart(observed: Observed, most: int) -> Int64Array:
    """Return the strongest reflections that are no Friedel pairs, and neither multiples of one another."""
    unit = observed.q / np.linalg.norm(observed.q, axis=1)[:, None]
    chosen: list[int] = []
    for index in range(len(observed)):
        if all(abs(float(unit[index] @ unit[other])) < np.cos(np.radians(2.0)) for other in chosen):
            chosen.append(index)
        if len(chosen) == most:
            break
    return np.array(chosen, dtype=np.int64)


def _explained(observed: Observed, ub: Float64Array, error_deg: float) -> tuple[Int64Array, BoolArray]:
    """Return nearest indices (n, 3) by a UB that is off by so much itself, and (n,) whether each fits."""
    hkl = np.rint(np.linalg.solve(ub, observed.q.T).T).astype(np.int64)
    miss = observed.q - hkl @ ub.T
    length = np.linalg.norm(observed.q, axis=1)
    own = (np.radians(error_deg) * length) ** 2
    covariance = observed.covariance + own[:, None, None] * np.eye(3)
    chi2 = np.einsum("ni,nij,nj->n", miss, np.linalg.inv(covariance), miss)
    return hkl, np.asarray((chi2 < 3.0 * _NEAR**2) & hkl.any(axis=1), dtype=np.bool_)
