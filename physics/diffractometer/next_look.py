"""Where to look next: reflections whose being there or not tells candidates apart fastest, or that sharpen UB."""

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array, Int64Array
from beamgym.physics.diffractometer.candidates import Candidate, Candidates, chance_there
from beamgym.physics.diffractometer.geometry import Positions, positions_of
from beamgym.physics.diffractometer.lattice import Lattice, lattice_of
from beamgym.physics.diffractometer.presets import Diffractometer

_MOST_CANDIDATES, _MOST_EACH = 10, 150
_LEAST_PROBABILITY = 0.002
_APART_DEG = 5.0  # between places that are proposed together
_BEST_LINE = 0.5  # chance of finding, from which a reflection is strong enough to be proposed before others


@dataclass(frozen=True, eq=False)
class NextPlace:
    """A place to look at.

    Parameters
    ----------
    hkl : the reflection expected there by the candidate ``candidate``
    candidate : its number, from 0
    positions : (k,) of all axes, degrees
    information : bits that the look is expected to give on which candidate is right; 0 where that is decided
    expected : (c,) chance that something is seen, for each of the first candidates
    sharpens : by which factor the error of the orientation shrinks if it is seen, under that candidate
    """

    hkl: tuple[int, int, int]
    candidate: int
    positions: Float64Array
    information: float
    expected: Float64Array
    sharpens: float


def next_looks(
    candidates: Candidates,
    instrument: Diffractometer,
    wavelength_a: float,
    count: int = 3,
    near: Float64Array | None = None,
) -> list[NextPlace]:
    """Return the places to look at next, the best first, each by itself.

    Parameters
    ----------
    candidates : what is known so far
    instrument : whose axes; places outside its limits are left out
    wavelength_a : Å
    count : how many places
    near : (k,) present positions of the axes

    Returns
    -------
    list of NextPlace; fewer where the instrument reaches fewer

    Notes
    -----
    Mutual information between "which candidate" and "seen or not", a strong reflection being seen more surely than a
    weak one (Lindley, Ann. Math. Stat. 27 (1956) 986). Where one candidate is certain, places are ordered by the
    determinant of the orientation's covariance after a reflection there.
    """
    likely = [c for c in candidates.found[:_MOST_CANDIDATES] if c.probability >= _LEAST_PROBABILITY]
    if not likely:
        return []
    lattice = lattice_of(candidates.known, _reach(instrument, wavelength_a), wavelength_a)
    pool = _pool(likely, candidates, lattice)
    if not len(pool.q):
        return []
    expected = np.stack([chance_there(one.ub, one.error_deg, lattice, pool.q) for one in likely], axis=1)
    shares = np.array([one.probability for one in likely])
    bits = _information(expected, shares / shares.sum())
    sharper = _sharpening(likely, pool, candidates)
    decided = candidates.decided is not None
    value = np.log(sharper) * pool.chance if decided else bits + 1e-3 * np.log(sharper) * pool.chance
    return _apart(pool, value, bits, expected, sharper, instrument, wavelength_a, count, near)


@dataclass(frozen=True, eq=False)
class _Pool:
    q: Float64Array
    hkl: Int64Array
    owner: Int64Array
    chance: Float64Array


def _reach(instrument: Diffractometer, wavelength_a: float) -> float:
    most = max(abs(limit) for axis in instrument.arm.axes for limit in axis.limits)
    return 2.0 * float(np.sin(np.radians(min(most, 178.0)) / 2.0)) / wavelength_a


def _pool(likely: list[Candidate], candidates: Candidates, lattice: Lattice) -> _Pool:
    """Return reflections that candidates predict: the strong ones, the shortest first where strengths are not known."""
    order = np.lexsort((lattice.length, -np.minimum(lattice.chance, _BEST_LINE)))[:_MOST_EACH]
    q, hkl, owner, chance = [], [], [], []
    for number, one in enumerate(likely):
        vectors = lattice.hkl[order] @ one.ub.T
        gap = np.linalg.norm(vectors[:, None] - candidates.observed.q[None], axis=2).min(axis=1)
        new = gap > np.radians(_APART_DEG) * np.linalg.norm(vectors, axis=1)
        q.append(vectors[new])
        hkl.append(lattice.hkl[order][new])
        owner.append(np.full(int(new.sum()), number))
        chance.append(lattice.chance[order][new])
    return _Pool(np.concatenate(q), np.concatenate(hkl), np.concatenate(owner), np.concatenate(chance))


def _information(expected: Float64Array, shares: Float64Array) -> Float64Array:
    """Return the bits (p,) that seen-or-not gives on which candidate (p, c) is right."""
    return np.asarray(_entropy(expected @ shares) - _entropy(expected) @ shares)


def _entropy(p: Float64Array) -> Float64Array:
    inside = np.clip(p, 1e-12, 1.0 - 1e-12)
    return np.asarray(-inside * np.log2(inside) - (1.0 - inside) * np.log2(1.0 - inside))


def _sharpening(likely: list[Candidate], pool: _Pool, candidates: Candidates) -> Float64Array:
    """Return by which factor (p,) the error shrinks, on the geometric mean of the axes, with one more reflection."""
    error = np.radians(candidates.observed.error_deg)
    factor = np.ones(len(pool.q))
    for number, one in enumerate(likely):
        rows = pool.owner == number
        unit = pool.q[rows] / np.linalg.norm(pool.q[rows], axis=1)[:, None]
        gain = (np.eye(3) - unit[:, :, None] * unit[:, None, :]) / error**2
        after = np.linalg.det(np.eye(3) + gain @ one.covariance)
        factor[rows] = np.maximum(after, 1.0) ** (1.0 / 6.0)
    return factor


def _apart(
    pool: _Pool,
    value: Float64Array,
    bits: Float64Array,
    expected: Float64Array,
    sharper: Float64Array,
    instrument: Diffractometer,
    wavelength_a: float,
    count: int,
    near: Float64Array | None,
) -> list[NextPlace]:
    """Return the best reachable places that lie apart from each other."""
    order = np.argsort(-value, kind="stable")[: 60 * count]
    found: Positions = positions_of(instrument, pool.q[order], wavelength_a, near=near)
    looks: list[NextPlace] = []
    taken: list[Float64Array] = []
    for place, index in enumerate(order):
        unit = pool.q[index] / np.linalg.norm(pool.q[index])
        if not found.reachable[place] or any(abs(unit @ other) > np.cos(np.radians(_APART_DEG)) for other in taken):
            continue
        h, k, el = (int(v) for v in pool.hkl[index])
        looks.append(
            NextPlace(
                (h, k, el),
                int(pool.owner[index]),
                found.degrees[place],
                float(bits[index]),
                expected[index],
                float(sharper[index]),
            )
        )
        taken.append(unit)
        if len(looks) == count:
            break
    return looks
