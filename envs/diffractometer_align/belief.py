"""What the centred reflections of one episode say of UB, and where to look next."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from beamgym.envs.diffractometer_align.context import MOST_CHOICES, DiffractometerContext
from beamgym.physics.diffractometer import (
    Candidates,
    Observed,
    Prior,
    first_reflections,
    lattice_of,
    next_looks,
    observed_angles,
    repeated,
    scattering_vectors,
    ub_candidates,
)
from beamgym.physics.diffractometer.scans import SharpOrientation, sharpened, sharpest_places
from beamgym.physics.instrument import Float64Array

_CONE_DEG, _LEAST_CONE_DEG = 1.0, 8.0
_SEEN, _STRONG = 40.0, 150.0
"""Counts of a sweep at full speed from which a reflection is expected to be seen, and to be well centred."""
_POOL, _INDEXINGS = 120, 64
_INTENSITY_SPREAD = 0.9  # of the logarithm of an intensity: the crystal's size, absorption, extinction
_CONE_S, _LEAST_CHANCE = 20.0, 0.02
_SURE = 0.5


@dataclass(frozen=True)
class Cone:
    """Where reflections of a line lie if one reflection is known: on a cone about it.

    Parameters
    ----------
    length : of their vectors, 1/Å
    angle_deg : from the known one
    chance : that one is
    seconds : that looking along it takes, about
    """

    length: float
    angle_deg: float
    chance: float
    seconds: float


@dataclass(frozen=True, eq=False)
class PendingPeak:
    """A peak of the last scan that looked for reflections.

    Parameters
    ----------
    positions : (k,) degrees
    axis : index of the scanned axis
    step_deg : from point to point
    about : (3,) axis of an azimuth scan, zeros else
    significance : standard deviations above background
    """

    positions: Float64Array
    axis: int
    step_deg: float
    about: Float64Array
    significance: float


@dataclass(frozen=True, eq=False)
class Belief:
    """What one episode has found so far.

    Parameters
    ----------
    centred : (m, k) positions of centred reflections; intensity (m,) of them
    empty : (e, 3) scattering vectors where nothing was
    failed : (f, 3) where something was that could not be centred
    tried : cones that were looked along in vain
    pending : peaks not centred yet
    prior_u : (3, 3) orientation that came with the crystal, or None
    candidates : orientations; None below two reflections, or one with a prior
    looks : (p, k) places to look at next, with the bits (p,) and chances (p,) of ``next_looks``
    cones : to look along, the best first
    u : (3, 3) refined orientation; None where there is none
    error_deg : of it
    """

    centred: Float64Array
    intensity: Float64Array
    empty: Float64Array = field(default_factory=lambda: np.zeros((0, 3)))
    failed: Float64Array = field(default_factory=lambda: np.zeros((0, 3)))
    tried: tuple[tuple[float, float], ...] = ()
    pending: tuple[PendingPeak, ...] = ()
    prior_u: Float64Array | None = None
    candidates: Candidates | None = None
    looks: Float64Array = field(default_factory=lambda: np.zeros((0, 0)))
    bits: Float64Array = field(default_factory=lambda: np.zeros(0))
    cones: tuple[Cone, ...] = ()
    u: Float64Array | None = None
    error_deg: float = float("inf")

    @property
    def decided(self) -> bool:
        """Whether one orientation is certain."""
        return self.candidates is not None and self.candidates.decided is not None

    @property
    def probabilities(self) -> Float64Array:
        """(MOST_CHOICES + 1,) of the first candidates, and of none."""
        out = np.zeros(MOST_CHOICES + 1)
        out[-1] = 1.0
        if self.candidates is not None:
            first = [one.probability for one in self.candidates.found[:MOST_CHOICES]]
            out[: len(first)] = first
            out[-1] = self.candidates.none
        return out


def blank_belief(k: int, prior_u: Float64Array | None) -> Belief:
    """Return what is known before anything is found."""
    return Belief(np.zeros((0, k)), np.zeros(0), prior_u=prior_u)


def with_reflection(
    belief: Belief, positions: Float64Array, intensity: float, context: DiffractometerContext
) -> Belief:
    """Return the belief with one more centred reflection; one that was centred before replaces itself."""
    centred = np.concatenate([belief.centred, positions[None]])
    strength = np.append(belief.intensity, max(intensity, 1e-6))
    twins = [i for i, j in repeated(_observed(centred, strength, context)) if j == len(centred) - 1]
    kept = [i for i in range(len(centred)) if i not in twins]
    return thought(replace(belief, centred=centred[kept], intensity=strength[kept], tried=()), context)


def with_empty(belief: Belief, positions: Float64Array, context: DiffractometerContext) -> Belief:
    """Return the belief with one more place where nothing was."""
    q = scattering_vectors(context.instrument, positions[None], context.beam.wavelength_a)[0]
    return thought(replace(belief, empty=np.concatenate([belief.empty, q])), context)


def with_failed(belief: Belief, positions: Float64Array, context: DiffractometerContext) -> Belief:
    """Return the belief with a place where nothing could be centred; it is not proposed again."""
    q = scattering_vectors(context.instrument, positions[None], context.beam.wavelength_a)[0]
    return thought(replace(belief, failed=np.concatenate([belief.failed, q])), context)


def with_tried(belief: Belief, cone: Cone) -> Belief:
    """Return the belief without one cone."""
    return replace(
        belief, tried=(*belief.tried, (cone.length, cone.angle_deg)), cones=tuple(c for c in belief.cones if c != cone)
    )


def thought(belief: Belief, context: DiffractometerContext) -> Belief:
    """Return the belief with candidates, orientation and places worked out of its reflections and empty places."""
    if not len(belief.centred):
        return _before_any(belief, context)
    observed = _observed(belief.centred, belief.intensity, context)
    prior = None if belief.prior_u is None else Prior(belief.prior_u, context.prior_deg)
    found: Candidates | None = None
    if len(observed) > 1 or prior is not None:
        try:
            found = ub_candidates(observed, context.known, prior=prior, empty=belief.empty)
        except ValueError:  # all along one line, or none explained by the cell: more is to be found
            found = None
    if found is None or not found.found:
        return replace(
            belief,
            candidates=None,
            u=None,
            error_deg=float("inf"),
            looks=_no_places(context),
            bits=np.zeros(0),
            cones=_cones(belief, context),
        )
    sharp = _sharp(found, observed, context)
    looks, bits = _places(belief, found, sharp, context)
    cones = () if found.decided is not None else _cones(belief, context)
    return replace(
        belief,
        candidates=found,
        looks=looks,
        bits=bits,
        u=sharp.u,
        error_deg=sharp.error_deg,
        cones=cones,
    )


def _before_any(belief: Belief, context: DiffractometerContext) -> Belief:
    """With a prior and nothing found: strong reflections of the orientation that came with the crystal."""
    if belief.prior_u is None:
        return replace(belief, looks=_no_places(context))
    first = first_reflections(
        context.instrument, context.known, belief.prior_u, context.beam.wavelength_a, MOST_CHOICES
    )
    return replace(belief, looks=first.degrees, bits=np.zeros(len(first.degrees)))


def _sharp(found: Candidates, observed: Observed, context: DiffractometerContext) -> SharpOrientation:
    """Return the first candidate's orientation with the zeros that its reflections bear out."""
    best = found.found[0]
    good = best.belongs > _SURE
    if not good.any():
        good = np.ones(len(good), dtype=np.bool_)
    return sharpened(
        context.instrument,
        np.asarray(observed.positions)[good],
        best.hkl[good],
        best.ub,
        best.u,
        context.beam.wavelength_a,
        context.zero_deg,
        context.centred_deg,
    )


def _places(
    belief: Belief, found: Candidates, sharp: SharpOrientation, context: DiffractometerContext
) -> tuple[Float64Array, Float64Array]:
    """Return where to look next (p, k), and the bits (p,) that each is expected to give."""
    here, wavelength = belief.centred[-1], context.beam.wavelength_a
    been = np.concatenate([belief.empty, belief.failed])
    if found.decided is None:
        many = MOST_CHOICES + len(been)
        places = next_looks(found, context.instrument, wavelength, many, near=here)
        places = [place for place in places if not _was_there(place.positions, been, context)][:MOST_CHOICES]
        degrees = np.array([place.positions for place in places]).reshape(-1, len(context.instrument.axes))
        return degrees, np.array([place.information for place in places])
    lattice = lattice_of(context.known, _line_length(context), wavelength)
    strong = np.flatnonzero(context.counts_of(lattice.strength, lattice.length) >= _STRONG)
    order = strong[np.argsort(-lattice.strength[strong], kind="stable")][:_POOL]
    q = lattice.hkl[order] @ (sharp.u @ context.known.b_matrix).T
    taken = scattering_vectors(context.instrument, belief.centred, wavelength)[0]
    gap = np.linalg.norm(q[:, None] - np.concatenate([taken, been])[None], axis=2).min(axis=1)
    q = q[gap > np.radians(2.0) * np.linalg.norm(q, axis=1)]
    degrees = sharpest_places(context.instrument, sharp, q, here, wavelength, context.centred_deg, MOST_CHOICES)
    return degrees, np.zeros(len(degrees))


def _was_there(positions: Float64Array, places: Float64Array, context: DiffractometerContext) -> bool:
    """Return whether positions (k,) lie near one of some scattering vectors (e, 3)."""
    q = scattering_vectors(context.instrument, positions[None], context.beam.wavelength_a)[0][0]
    away = np.linalg.norm(places - q, axis=1)
    return bool((away < np.radians(_CONE_DEG) * np.linalg.norm(q)).any())


def _no_places(context: DiffractometerContext) -> Float64Array:
    return np.zeros((0, len(context.instrument.axes)))


def _observed(centred: Float64Array, intensity: Float64Array, context: DiffractometerContext) -> Observed:
    return observed_angles(
        context.instrument, centred, context.beam.wavelength_a, context.error_deg, intensity, context.cell_error
    )


def _cones(belief: Belief, context: DiffractometerContext) -> tuple[Cone, ...]:
    """Return cones about the strongest centred reflection on which others are to be found, the best first."""
    wavelength = context.beam.wavelength_a
    strongest = int(np.argmax(belief.intensity))
    q = scattering_vectors(context.instrument, belief.centred[strongest][None], wavelength)[0][0]
    length = float(np.linalg.norm(q))
    lattice = lattice_of(context.known, _line_length(context), wavelength)
    counts = context.counts_of(lattice.strength, lattice.length)
    theta = np.arcsin(min(0.5 * wavelength * length, 0.9999))
    sigma = length * (context.cell_error + np.radians(context.error_deg) / 2.0 / np.tan(theta))
    expected = np.log(np.maximum(counts, 1e-12) * context.degrees_per_s)
    score = -0.5 * ((lattice.length - length) / sigma) ** 2
    score -= 0.5 * ((expected - np.log(belief.intensity[strongest])) / _INTENSITY_SPREAD) ** 2
    own = np.argsort(-score, kind="stable")[:_INDEXINGS]
    shares = np.exp(score[own] - score[own[0]])
    shares = shares / shares.sum()
    found: list[Cone] = []
    for line in context.lines:
        middle = 2.0 * np.sin(np.radians(0.5 * line.two_theta_deg)) / wavelength
        half = np.radians(0.35 * context.detector.in_plane_deg) / wavelength
        half *= float(np.cos(np.radians(0.5 * line.two_theta_deg)))
        there = np.flatnonzero((np.abs(lattice.length - middle) < half) & (counts >= _SEEN))
        if not len(there):
            continue
        angle = np.degrees(np.arccos(np.clip(lattice.unit[own] @ lattice.unit[there].T, -1.0, 1.0)))
        for middle_deg in np.arange(_LEAST_CONE_DEG, 180.0 - _LEAST_CONE_DEG, 0.5 * _CONE_DEG):
            near = np.abs(angle - middle_deg) <= 0.5 * _CONE_DEG
            chance = float(shares @ near.any(axis=1))
            if chance < _LEAST_CHANCE:
                continue
            exact = float(np.average(angle, weights=near * shares[:, None]))
            mean_length = float(np.average(lattice.length[there], weights=shares @ near))
            seconds = _CONE_S + 360.0 * float(np.sin(np.radians(exact))) / context.sweep_deg_s
            found.append(Cone(mean_length, exact, chance, seconds))
    found.sort(key=lambda cone: -cone.chance / cone.seconds)
    apart: list[Cone] = []
    for cone in found:
        others = (*((one.length, one.angle_deg) for one in apart), *belief.tried)
        if not any(_same(cone, other) for other in others):
            apart.append(cone)
        if len(apart) == MOST_CHOICES:
            break
    return tuple(apart)


def _same(cone: Cone, tried: Sequence[float]) -> bool:
    return abs(cone.length - tried[0]) < 1e-3 and abs(cone.angle_deg - tried[1]) < _CONE_DEG


def _line_length(context: DiffractometerContext) -> float:
    """Return the length of vectors up to which reflections are looked for, 1/Å."""
    most = min(max(line.two_theta_deg for line in context.lines) + 5.0, 110.0)
    return 2.0 * float(np.sin(np.radians(0.5 * most))) / context.beam.wavelength_a
