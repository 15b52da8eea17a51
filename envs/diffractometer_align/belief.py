"""What the centred reflections of one episode say of UB, and where to look next."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from beamgym.envs.diffractometer_align.context import MOST_CHOICES, DiffractometerContext
from beamgym.physics.diffractometer import (
    Candidate,
    Candidates,
    Observed,
    Prior,
    lattice_of,
    next_looks,
    observed_angles,
    refine_ub,
    repeated,
    scattering_vectors,
    ub_candidates,
)
from beamgym.physics.diffractometer.hand_over import first_reflections
from beamgym.physics.instrument import Float64Array

_CONE_DEG, _LEAST_CONE_DEG = 1.0, 8.0
_ENOUGH_TO_REFINE = 4
"""Centred reflections from which on zeros are refined with the orientation."""
CENTRED_DEG = 0.02
"""How well a reflection is centred, one standard deviation of every angle; zeros and wavelength come on top."""
_SURE = 0.5


@dataclass(frozen=True)
class Cone:
    """Where reflections of a line lie if one reflection is known: on a cone about it.

    Parameters
    ----------
    length : of their vectors, 1/Å
    angle_deg : from the known one
    members : how many are expected on it
    """

    length: float
    angle_deg: float
    members: float


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


def with_reflection(belief: Belief, positions: Float64Array, intensity: float, context: DiffractometerContext) -> Belief:
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
    many, here = MOST_CHOICES + len(belief.empty), belief.centred[-1]
    places = next_looks(found, context.instrument, context.beam.wavelength_a, many, near=here)
    places = [place for place in places if not _was_empty(place.positions, belief, context)][:MOST_CHOICES]
    looks = np.array([place.positions for place in places]).reshape(-1, len(context.instrument.axes))
    u, error = _refined(found, observed, context)
    cones = () if found.decided is not None else _cones(belief, context)
    return replace(
        belief,
        candidates=found,
        looks=looks,
        bits=np.array([place.information for place in places]),
        u=u,
        error_deg=error,
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


def _was_empty(positions: Float64Array, belief: Belief, context: DiffractometerContext) -> bool:
    """Return whether one has looked there, or nearly there, and seen nothing."""
    q = scattering_vectors(context.instrument, positions[None], context.beam.wavelength_a)[0][0]
    away = np.linalg.norm(belief.empty - q, axis=1)
    return bool((away < np.radians(_CONE_DEG) * np.linalg.norm(q)).any())


def _no_places(context: DiffractometerContext) -> Float64Array:
    return np.zeros((0, len(context.instrument.axes)))


def _observed(centred: Float64Array, intensity: Float64Array, context: DiffractometerContext) -> Observed:
    return observed_angles(
        context.instrument, centred, context.beam.wavelength_a, context.error_deg, intensity, context.cell_error
    )


def _refined(found: Candidates, observed: Observed, context: DiffractometerContext) -> tuple[Float64Array, float]:
    best: Candidate = found.found[0]
    good = best.belongs > _SURE
    u, error = best.u, best.error_deg
    if int(good.sum()) < _ENOUGH_TO_REFINE:
        return u, error
    precise = observed_angles(
        context.instrument,
        np.asarray(observed.positions)[good],
        context.beam.wavelength_a,
        CENTRED_DEG,
        cell_error=context.cell_error,
    )
    stated = float("inf")
    # zeros are fitted where that explains the reflections so much better that the orientation is known better
    for free in ((), context.free):
        try:
            refined = refine_ub(precise, best.hkl[good], best.u, context.known.cell, free)
        except ValueError:  # these reflections do not tell the zeros apart
            continue
        if refined.errors["orientation"] < stated:
            u, stated = refined.u, refined.errors["orientation"]
    return u, stated if np.isfinite(stated) else error


def _cones(belief: Belief, context: DiffractometerContext) -> tuple[Cone, ...]:
    """Return cones about the strongest centred reflection on which others are to be found, the best first."""
    wavelength = context.beam.wavelength_a
    strongest = int(np.argmax(belief.intensity))
    q = scattering_vectors(context.instrument, belief.centred[strongest][None], wavelength)[0][0]
    length = float(np.linalg.norm(q))
    lattice = lattice_of(context.known, _line_length(context, -1), wavelength)
    gate = length * (3.0 * context.cell_error + np.radians(3.0 * context.error_deg) / 2.0 / np.tan(_theta(length, wavelength)))
    own = np.flatnonzero(np.abs(lattice.length - length) < gate)
    if not len(own):
        return ()
    shares = lattice.strength[own] * lattice.length[own]
    shares = shares / shares.sum()
    order = np.argsort(-shares, kind="stable")[:48]
    own, shares = own[order], shares[order] / shares[order].sum()
    found: list[Cone] = []
    for line in context.lines[:6]:
        middle = 2.0 * np.sin(np.radians(0.5 * line.two_theta_deg)) / wavelength
        half = np.radians(0.4 * context.detector.in_plane_deg) / wavelength * np.cos(np.radians(0.5 * line.two_theta_deg))
        there = np.flatnonzero(np.abs(lattice.length - middle) < half)
        there = there[lattice.chance[there] > 0.1] if lattice.told else there
        if not len(there):
            continue
        angle = np.degrees(np.arccos(np.clip(lattice.unit[own] @ lattice.unit[there].T, -1.0, 1.0)))
        bins = np.arange(0.0, 180.0 + _CONE_DEG, _CONE_DEG)
        counts = np.stack([np.histogram(row, bins)[0] for row in angle])
        # two expected ones are not twice as good as one: what counts is how soon the first one comes
        worth = shares @ (counts / (counts + 1.0))
        for place in np.argsort(-worth, kind="stable")[:MOST_CHOICES]:
            middle_deg = float(bins[place] + 0.5 * _CONE_DEG)
            near = np.abs(angle - middle_deg) <= 0.5 * _CONE_DEG
            exact = float(np.average(angle, weights=near * shares[:, None])) if near.any() else middle_deg
            if not _LEAST_CONE_DEG < exact < 180.0 - _LEAST_CONE_DEG or worth[place] <= 0.0:
                continue
            mean_length = float(np.average(lattice.length[there], weights=near.any(axis=0)))
            cone = Cone(mean_length, exact, float(worth[place]))
            if not any(_same(cone, other) for other in belief.tried):
                found.append(cone)
    found.sort(key=lambda cone: -cone.members)
    return tuple(found[:MOST_CHOICES])


def _same(cone: Cone, tried: Sequence[float]) -> bool:
    return abs(cone.length - tried[0]) < 1e-3 and abs(cone.angle_deg - tried[1]) < _CONE_DEG


def _theta(length: float, wavelength_a: float) -> float:
    return float(np.arcsin(min(0.5 * wavelength_a * length, 0.9999)))


def _line_length(context: DiffractometerContext, index: int) -> float:
    most = max(line.two_theta_deg for line in context.lines) if index < 0 else context.lines[index].two_theta_deg
    return 2.0 * float(np.sin(np.radians(min(0.5 * (most + 40.0), 75.0)))) / context.beam.wavelength_a
