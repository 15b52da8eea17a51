"""From observed reflections to UB: every orientation that agrees with them, and how probable each is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array, Int64Array
from beamgym.physics.diffractometer.candidate_kernels import from_pairs, merge, polish
from beamgym.physics.diffractometer.lattice import KnownCell, Lattice, lattice_of
from beamgym.physics.diffractometer.observations import Observed
from beamgym.physics.orientation import nearest_equivalent

CERTAIN = 0.99
"""A candidate that is that probable is the answer; below it nothing is decided."""
SPURIOUS = 0.1
"""Share of observed reflections that are no reflection of the crystal, as expected before any is looked at."""
_ANOTHER_CRYSTAL = 0.02  # probability, beforehand, that the crystal has another cell altogether
_ROOM, _MOST_PAIRS, _MOST_CANDIDATES = 4096, 20_000_000, 64
INTENSITY_ERROR = 0.6
"""Of the log of an intensity, one standard deviation: absorption, extinction, a beam that misses part of a crystal."""
_SPURIOUS_SPREAD, _MOST_INTENSITY = 2.0, 8.0
BY_CHANCE = 0.01
"""Chance that something is seen where the crystal has nothing."""
WINDOW_DEG = 1.0
"""Around a place, as far as a person scans who looks there."""
_GATE = 5.0  # standard deviations of a length within which a reflection may be an observed one
_NEGLIGIBLE = -25.0  # log probability, relative to the best


@dataclass(frozen=True, eq=False)
class KnownDirection:
    """A crystal direction of which one knows where it points, such as a face or the axis of a zone.

    Parameters
    ----------
    crystal : (3,) in crystal Cartesian axes; its symmetry equivalents are meant too
    mount : (3,) where it points in the mount frame
    error_deg : one standard deviation, degrees
    polar : False where it is not known which of its two ends points there
    """

    crystal: Float64Array
    mount: Float64Array
    error_deg: float = 2.0
    polar: bool = False


@dataclass(frozen=True, eq=False)
class Prior:
    """What is known of the orientation beforehand, such as from a Laue camera.

    Parameters
    ----------
    u : (3, 3) crystal Cartesian to mount frame
    error_deg : one standard deviation of the angle about each axis, degrees
    """

    u: Float64Array
    error_deg: float = 5.0


@dataclass(frozen=True, eq=False)
class Candidate:
    """One orientation that agrees with the observed reflections.

    Parameters
    ----------
    u : (3, 3) crystal Cartesian to mount frame
    ub : (3, 3) 1/Å without 2π
    probability : of this one among all, "another crystal" included
    hkl : (n, 3) indices of every reflection
    belongs : (n,) probability that each is a reflection of this crystal and not spurious
    covariance : (3, 3) of a small rotation in the mount frame, rad²
    """

    u: Float64Array
    ub: Float64Array
    probability: float
    hkl: Int64Array
    belongs: Float64Array
    covariance: Float64Array

    @property
    def error_deg(self) -> float:
        """One standard deviation of the orientation: root mean square over the three axes, degrees."""
        return float(np.degrees(np.sqrt(np.trace(self.covariance) / 3.0)))


@dataclass(frozen=True, eq=False)
class Candidates:
    """What observed reflections say of UB.

    Parameters
    ----------
    found : the candidates, the most probable first; symmetry equivalents are one
    none : probability that none of them is right: another cell, or spurious reflections only
    alike : how many orientations each candidate stands for that positions cannot tell apart: rotations of the lattice
        that are none of the crystal. 1 where there are none
    observed : the reflections
    known : the cell
    complete : False where not every pair could be tried
    """

    found: tuple[Candidate, ...]
    none: float
    alike: int
    observed: Observed = field(repr=False)
    known: KnownCell = field(repr=False)
    complete: bool = True

    @property
    def decided(self) -> Candidate | None:
        """The answer; None where nothing is decided."""
        return self.found[0] if self.found and self.found[0].probability >= CERTAIN else None


def ub_candidates(
    observed: Observed,
    known: KnownCell,
    directions: Sequence[KnownDirection] = (),
    prior: Prior | None = None,
    empty: ArrayLike | None = None,
    spurious: float = SPURIOUS,
    most: int = _MOST_CANDIDATES,
) -> Candidates:
    """Return every orientation that agrees with observed reflections of a known cell, with its probability.

    Parameters
    ----------
    observed : the reflections; any of them may be spurious
    known : the crystal's cell
    directions : what is known besides; with one of them a single reflection gives candidates
    prior : what is known of the orientation, which makes do with a single reflection as well
    empty : (m, 3) scattering vectors in the mount frame where one has looked and seen nothing, 1/Å
    spurious : share of spurious reflections, as expected beforehand
    most : candidates returned at most

    Returns
    -------
    Candidates

    Raises
    ------
    ValueError : a wavelength that reaches no reflection of the cell, too few reflections, or all of them along one line

    Notes
    -----
    Each observed vector is one of the cell's reflections, with the Gaussian error of its angles, or spurious, and then
    anywhere in the reachable part of reciprocal space. The probability of an orientation is the likelihood's integral
    over its neighbourhood (Laplace's approximation), with all orientations alike beforehand. Orientations are made of
    all pairs of observed vectors and of what each of them can be, so that the right one is among them as soon as two
    observed reflections are none of the spurious.
    """
    if not 0.0 < spurious < 1.0:
        raise ValueError(
            f"spurious is {spurious:g}; give the expected share of spurious reflections, above 0 and below 1"
        )
    lengths = np.linalg.norm(observed.q, axis=1)
    lattice = lattice_of(known, 1.02 * float(lengths.max()), observed.wavelength_a)
    given = _directions(directions, known)
    precision = np.linalg.inv(observed.covariance)
    log_norm = -1.5 * math.log(2.0 * math.pi) - 0.5 * np.linalg.slogdet(observed.covariance)[1]
    volume = 4.0 / 3.0 * math.pi * float(lattice.length[-1]) ** 3
    log_odds = math.log((1.0 - spurious) / spurious) + math.log(volume)
    fixed = (
        known.b_matrix,
        np.linalg.inv(known.b_matrix),
        observed.q,
        precision,
        log_norm,
        lattice.log_weight,
        log_odds,
    )
    us, complete = _made(observed, lattice, given, directions, fixed)
    if prior is not None:
        us = np.concatenate([us, _near_prior(observed, known, lattice, prior)])
    ridge = 1.0 / math.radians(30.0) ** 2 if prior is None else 1.0 / math.radians(prior.error_deg) ** 2
    if not len(us):
        return Candidates((), 1.0, known.alike, observed, known, complete)
    values, log_det, matrix, hkl, belongs = polish(us, *fixed, given, ridge)
    rank = values - 0.5 * log_det
    if prior is not None:
        # equivalents of one orientation are one; the nearest to what is known stands for all
        away, which = nearest_equivalent(us, prior.u, known.lattice_rotations)
        us, rank = us @ known.lattice_rotations[which], rank - 0.5 * (away / prior.error_deg) ** 2
        hkl = _reindexed(hkl, known, which)
    told = observed.intensity is not None and lattice.told
    if told:
        best = rank > rank.max() - 40.0
        us, hkl, belongs, matrix, rank = us[best], hkl[best], belongs[best], matrix[best], rank[best]
        us, hkl, copies = _told_apart(us, hkl, known)
        belongs, matrix = belongs[copies], matrix[copies]
        rank = rank[copies] + _by_intensity(observed, lattice, hkl, belongs)
    alike = known.rotations if told else known.lattice_rotations
    near = math.radians(max(5.0 * observed.error_deg, 0.3))
    chosen = merge(us, rank, alike, near, max(4 * most, 256))
    evidence = rank[chosen] + 1.5 * math.log(2.0 * math.pi) + _log_prior_density(len(alike), prior)
    evidence = evidence + _of_empty_places(us[chosen], matrix[chosen], empty, known, observed.wavelength_a)
    # empty places may have turned the order round
    order = np.argsort(-evidence, kind="stable")
    chosen, evidence = chosen[order], evidence[order]
    null = math.log(_ANOTHER_CRYSTAL / (1.0 - _ANOTHER_CRYSTAL))
    top = max(float(evidence.max()), null)
    weight = np.exp(evidence - top)
    total = float(weight.sum()) + math.exp(null - top)
    found = [
        Candidate(
            us[i],
            us[i] @ known.b_matrix,
            float(share / total),
            hkl[i],
            belongs[i],
            np.linalg.inv(matrix[i]),
        )
        for i, share in zip(chosen[:most], weight[:most], strict=False)
        if math.log(max(share, 1e-300)) > _NEGLIGIBLE
    ]
    return Candidates(tuple(found), math.exp(null - top) / total, 1 if told else known.alike, observed, known, complete)


def chance_there(ub: Float64Array, error_deg: float, lattice: Lattice, q: Float64Array) -> Float64Array:
    """Return the chance (p,) of seeing a reflection of a crystal with that UB where one scans around q (p, 3)."""
    point = np.rint(q @ np.linalg.inv(ub).T).astype(np.int64)
    inside = (np.abs(point) <= lattice.size).all(axis=1) & point.any(axis=1)
    place = np.where(inside[:, None], point + lattice.size, 0)
    table = lattice.log_weight[place[:, 0], place[:, 1], place[:, 2]]
    chance = np.where(inside & (table > -1e29), np.exp(np.maximum(table, -700.0)) * lattice.chance.sum(), 0.0)
    away = np.degrees(np.linalg.norm(point @ ub.T - q, axis=1) / np.linalg.norm(q, axis=1))
    window = WINDOW_DEG + 2.0 * error_deg
    return np.asarray(np.maximum(np.minimum(chance, 0.98) * np.exp(-0.5 * (away / (0.5 * window)) ** 2), BY_CHANCE))


def _of_empty_places(
    us: Float64Array, matrix: Float64Array, empty: ArrayLike | None, known: KnownCell, wavelength_a: float
) -> Float64Array:
    """Return the log likelihood (c,) of having seen nothing at some places."""
    places = np.empty((0, 3)) if empty is None else np.asarray(empty, dtype=np.float64).reshape(-1, 3)
    if not len(places):
        return np.zeros(len(us))
    lattice = lattice_of(known, 1.02 * float(np.linalg.norm(places, axis=1).max()), wavelength_a)
    errors = np.degrees(np.sqrt(np.trace(np.linalg.inv(matrix), axis1=1, axis2=2) / 3.0))
    chances = [chance_there(u @ known.b_matrix, e, lattice, places) for u, e in zip(us, errors, strict=True)]
    return np.asarray(np.log1p(-np.array(chances)).sum(axis=1))


def _directions(directions: Sequence[KnownDirection], known: KnownCell) -> tuple[Float64Array, ...]:
    """Return seen (m, 3), 1/σ² (m,), equivalents (s, 3), where each one's begin (m + 1,)."""
    seen, inverse, named, first = [], [], [], [0]
    for one in directions:
        crystal, mount = (np.asarray(v, dtype=np.float64) for v in (one.crystal, one.mount))
        equivalents = known.rotations @ (crystal / np.linalg.norm(crystal))
        named.append(equivalents if one.polar else np.concatenate([equivalents, -equivalents]))
        seen.append(mount / np.linalg.norm(mount))
        inverse.append(1.0 / math.radians(one.error_deg) ** 2)
        first.append(first[-1] + len(named[-1]))
    return (
        np.array(seen).reshape(-1, 3),
        np.array(inverse),
        np.concatenate(named) if named else np.empty((0, 3)),
        np.array(first, dtype=np.int64),
    )


def _made(
    observed: Observed,
    lattice: Lattice,
    given: tuple[Float64Array, ...],
    directions: Sequence[KnownDirection],
    fixed: tuple[object, ...],
) -> tuple[Float64Array, bool]:
    """Return orientations (c, 3, 3) from all pairs, and whether all pairs were tried."""
    n, m = len(observed), len(directions)
    lengths = np.linalg.norm(observed.q, axis=1)
    unit = observed.q / lengths[:, None]
    along = np.einsum("ni,nij,nj->n", unit, observed.covariance, unit)
    across = (np.trace(observed.covariance, axis1=1, axis2=2) - along) / 2.0
    spread = np.concatenate([np.sqrt(across) / lengths, [math.radians(d.error_deg) for d in directions]])
    named = np.concatenate([lattice.family_unit, lattice.unit, given[2]])
    families = len(lattice.family_unit)
    first = np.zeros((n + m, 4), dtype=np.int64)
    gate = _GATE * np.sqrt(along)
    first[:n, 0] = np.searchsorted(lattice.family_length, lengths - gate)
    first[:n, 1] = np.searchsorted(lattice.family_length, lengths + gate)
    first[:n, 2] = families + np.searchsorted(lattice.length, lengths - gate)
    first[:n, 3] = families + np.searchsorted(lattice.length, lengths + gate)
    for i in range(m):
        first[n + i, 2:] = families + len(lattice.unit) + given[3][i : i + 2]
    seen = np.concatenate([unit, given[0]])
    width = first[:, 1::2] - first[:, ::2]
    pairs = [(i, j) for i in range(n) for j in range(n + m) if j > i]
    pairs = [(j, i) if j < n and width[j, 0] * width[i, 1] < width[i, 0] * width[j, 1] else (i, j) for i, j in pairs]
    pairs.sort(key=lambda p: int(width[p[0], 0] * width[p[1], 1]))
    if not pairs:
        return np.empty((0, 3, 3)), True
    table = np.array(pairs, dtype=np.int64)
    us, values, looked = from_pairs(table, seen, spread, named, first, *fixed, given, _ROOM, _MOST_PAIRS)
    worth = values > values.max() - 40.0 if len(values) else np.zeros(0, dtype=bool)
    return us[worth], looked <= _MOST_PAIRS


def _near_prior(observed: Observed, known: KnownCell, lattice: Lattice, prior: Prior) -> Float64Array:
    """Return the orientation known beforehand, turned so that it explains each reflection by each near candidate."""
    made = [np.asarray(prior.u, dtype=np.float64)]
    lengths = np.linalg.norm(observed.q, axis=1)
    for i, q in enumerate(observed.q):
        gate = _GATE * math.sqrt(float(q @ observed.covariance[i] @ q)) / lengths[i]
        low, high = np.searchsorted(lattice.length, [lengths[i] - gate, lengths[i] + gate])
        for vector in lattice.unit[low:high] @ made[0].T:
            cross = np.cross(vector, q / lengths[i])
            sine, cosine = float(np.linalg.norm(cross)), float(vector @ q) / lengths[i]
            angle = math.atan2(sine, cosine)
            if math.degrees(angle) < 3.5 * prior.error_deg and sine > 0.0:
                made.append(_minimal_turn(cross / sine, angle) @ made[0])
    return np.array(made)


def _minimal_turn(axis: Float64Array, angle: float) -> Float64Array:
    k = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
    return np.asarray(np.eye(3) + math.sin(angle) * k + (1.0 - math.cos(angle)) * (k @ k))


def _reindexed(hkl: Int64Array, known: KnownCell, which: Int64Array) -> Int64Array:
    """Return indices (c, n, 3) after each orientation was replaced by its equivalent U·S: Sᵀ on the vectors."""
    back = np.swapaxes(known.lattice_rotations, -1, -2)
    operations = np.rint(np.linalg.inv(known.b_matrix) @ back @ known.b_matrix).astype(np.int64)
    return np.asarray(np.einsum("cij,cnj->cni", operations[which], hkl))


def _told_apart(us: Float64Array, hkl: Int64Array, known: KnownCell) -> tuple[Float64Array, Int64Array, Int64Array]:
    """Return orientations and indices after the lattice's rotations that are none of the crystal, and which copied."""
    kept: list[int] = []
    for i, one in enumerate(known.lattice_rotations):
        others = known.lattice_rotations[kept].reshape(-1, 1, 3, 3) @ known.rotations[None]
        if not any(np.abs(one - other).max() < 1e-4 for other in others.reshape(-1, 3, 3)):
            kept.append(i)
    copies = np.tile(np.arange(len(us)), len(kept))
    which = np.repeat(np.array(kept), len(us))
    return us[copies] @ known.lattice_rotations[which], _reindexed(hkl[copies], known, which), copies


def _by_intensity(observed: Observed, lattice: Lattice, hkl: Int64Array, belongs: Float64Array) -> Float64Array:
    """Log likelihood (c,) of the intensities, up to a common scale, relative to spurious ones of any intensity."""
    assert observed.intensity is not None
    seen = np.log(observed.intensity)
    ratio = np.maximum(seen - lattice.intensities(hkl), -50.0)
    weight = np.maximum(belongs, 1e-9)
    # the median as the scale: one extinct or absorbed reflection is not to move the others
    scale = _median(ratio, belongs)
    tail = np.minimum(0.5 * ((ratio - scale[:, None]) / INTENSITY_ERROR) ** 2, _MOST_INTENSITY)
    gain = -tail - math.log(INTENSITY_ERROR) + math.log(_SPURIOUS_SPREAD)
    return np.asarray((weight * gain).sum(axis=1) - math.log(_SPURIOUS_SPREAD / INTENSITY_ERROR))


def _median(ratio: Float64Array, belongs: Float64Array) -> Float64Array:
    """Median over the reflections that belong; 0 where none does."""
    out = np.zeros(len(ratio))
    for row, (values, shares) in enumerate(zip(ratio, belongs, strict=True)):
        if (shares > 0.5).any():
            out[row] = np.median(values[shares > 0.5])
    return out


def _log_prior_density(equivalents: int, prior: Prior | None) -> float:
    """Log density of an orientation beforehand, per rad³, of all equivalents together."""
    if prior is None:
        return math.log(equivalents / (8.0 * math.pi**2))
    return -1.5 * math.log(2.0 * math.pi) - 3.0 * math.log(math.radians(prior.error_deg))
