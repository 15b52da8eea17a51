"""Places of an orientation that is known roughly: where a wide scan probably finds one of its reflections, and soon."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import ndtr

from beamgym.envs.diffractometer_align.context import (
    MOST_CHOICES,
    ROUGH_DEG,
    STRONG_COUNTS,
    WIDE_DEG,
    DiffractometerContext,
)
from beamgym.physics.diffractometer import Candidate, Candidates, lattice_of, scattering_vectors
from beamgym.physics.diffractometer.scans import axes_across, nearest_positions
from beamgym.physics.instrument import Float64Array

_LOOK_S, _CENTRING_S_PER_DEG = 15.0, 4.0  # besides the way there, and of the slit's height that is centred across
_POOL, _TRIED = 150, 40
_LEAST_PROBABILITY, _MOST_CANDIDATES = 0.02, 6
_SEEN = 0.9  # chance that a strong reflection is seen which a scan goes over
_LONGEST_DEG = 80.0
_APART_DEG = 1.0


def roughly_known(one: Candidate) -> bool:
    """Return whether an orientation is so uncertain that its reflections must be searched for."""
    return float(np.degrees(np.sqrt(np.linalg.eigvalsh(one.covariance)[-1]))) > ROUGH_DEG


def likely_places(
    candidates: Sequence[Candidate], been: Float64Array, here: Float64Array, context: DiffractometerContext
) -> tuple[Float64Array, Float64Array]:
    """Return where scans of ``WIDE_DEG`` find a reflection soonest, (p, k) degrees, and the chance (p,) that they do.

    Parameters
    ----------
    candidates : orientations with their covariances and probabilities
    been : (b, 3) scattering vectors, mount frame, that are not proposed again
    here : (k,) where the axes stand
    """
    wavelength = context.beam.wavelength_a
    lattice = lattice_of(context.known, _reach(context), wavelength)
    strong = np.flatnonzero(context.counts_of(lattice.strength, lattice.length) >= STRONG_COUNTS)
    if not len(strong):
        strong = np.argsort(-lattice.strength, kind="stable")[:_POOL]
    strong = strong[np.argsort(lattice.length[strong], kind="stable")][:_POOL]
    found_q, found_p, found_c = [], [], []
    for one in [c for c in candidates[:_MOST_CANDIDATES] if c.probability >= _LEAST_PROBABILITY]:
        q = lattice.hkl[strong] @ one.ub.T
        if len(been):
            gap = np.linalg.norm(q[:, None] - been[None], axis=2).min(axis=1)
            q = q[gap > np.radians(_APART_DEG) * np.linalg.norm(q, axis=1)]
        found_q.append(q)
        found_p.append(np.full(len(q), one.probability))
        found_c += [one.covariance] * len(q)
    q = np.concatenate(found_q) if found_q else np.zeros((0, 3))
    if not len(q):
        return np.zeros((0, len(here))), np.zeros(0)
    degrees, seconds = nearest_positions(context.instrument, q, wavelength, here)
    good = np.flatnonzero(np.isfinite(seconds))
    spread = _spread(degrees[good], q[good], np.array(found_c)[good], context)
    acceptance = np.array([context.acceptance_deg(one) for one in degrees[good, -1]])
    limit = np.stack([0.5 * acceptance, np.full(len(good), 0.5 * WIDE_DEG)], axis=1)
    chance = np.concatenate(found_p)[good] * _SEEN * (2.0 * ndtr(limit / np.maximum(spread, 1e-3)) - 1.0).prod(axis=1)
    # nothing is learned along the known direction: the second order of a centred reflection is no use
    gain = np.log1p((spread / context.centred.at(degrees[good, -1])) ** 2).sum(axis=1)
    taken = seconds[good] + _LOOK_S + _CENTRING_S_PER_DEG * acceptance
    order = np.argsort(-chance * gain / taken, kind="stable")[:MOST_CHOICES]
    return degrees[good[order]], chance[order]


def without_missed(found: Candidates, missed: Float64Array, context: DiffractometerContext) -> Candidates:
    """Return candidates whose probabilities are lowered by places (m, k) where a wide scan has found nothing.

    A candidate that expects a strong reflection there loses by the chance that the scan would have gone over it.
    """
    if not len(missed) or not found.found:
        return found
    weight = np.array([one.probability * _chance_of_missing(one, missed, context) for one in found.found])
    total = float(weight.sum()) + found.none
    both = zip(found.found, weight, strict=True)
    kept = [replace(one, probability=float(w / total)) for one, w in both]
    kept.sort(key=lambda one: -one.probability)
    return replace(found, found=tuple(kept), none=found.none / total)


def _chance_of_missing(one: Candidate, missed: Float64Array, context: DiffractometerContext) -> float:
    q = scattering_vectors(context.instrument, missed, context.beam.wavelength_a)[0]
    lattice = lattice_of(context.known, _reach(context), context.beam.wavelength_a)
    strong = lattice.hkl[context.counts_of(lattice.strength, lattice.length) >= STRONG_COUNTS]
    vectors = strong @ one.ub.T
    chance = 1.0
    for place, there in zip(missed, q, strict=True):
        if not len(vectors):
            break
        length = float(np.linalg.norm(there))
        of_line = np.abs(np.linalg.norm(vectors, axis=1) - length) < 0.005 * length
        if not of_line.any():
            continue
        lab = axes_across(context.instrument, place[None], there[None])[0]
        off = np.degrees((vectors[of_line] - there) @ lab.T / length)
        spread = np.maximum(_spread(place[None], there[None], one.covariance[None], context)[0], 0.05)
        half = np.array([0.5 * context.acceptance_deg(float(place[-1])), 0.5 * WIDE_DEG])
        over = (ndtr((half - off) / spread) - ndtr((-half - off) / spread)).prod(axis=1)
        chance *= 1.0 - _SEEN * float(over.max())
    return chance


def _spread(
    degrees: Float64Array, q: Float64Array, covariance: Float64Array, context: DiffractometerContext
) -> Float64Array:
    """Return standard deviations (n, 2), degrees, of where reflections are: across the arm's plane, and in it."""
    axes = axes_across(context.instrument, degrees, q)
    unit = q / np.linalg.norm(q, axis=1)[:, None]
    turns = np.cross(unit[:, None], axes)
    variance = np.einsum("nai,nij,naj->na", turns, covariance, turns)
    return np.asarray(np.degrees(np.sqrt(np.maximum(variance, 0.0))))


def _reach(context: DiffractometerContext) -> float:
    return 2.0 * float(np.sin(np.radians(0.5 * _LONGEST_DEG))) / context.beam.wavelength_a
