"""What the scans and the centred reflections of one episode say of UB."""

from dataclasses import replace

import numpy as np

from beamgym.envs.diffractometer_align.asking import ALONG, CENTRED, DRIVEN, SCANNED
from beamgym.envs.diffractometer_align.belief import Belief, Cone, PendingPeak
from beamgym.envs.diffractometer_align.context import MOST_BRIGHTER, MOST_CHOICES, DiffractometerContext
from beamgym.envs.diffractometer_align.grains import (
    brighter,
    chance_of_brighter,
    expected_in_row,
    explained,
    log_scale,
    parted,
    taken_up,
)
from beamgym.envs.diffractometer_align.guided import likely_places, roughly_known, without_missed
from beamgym.envs.diffractometer_align.looking import cones_of, no_places, places_of
from beamgym.physics.diffractometer import (
    Candidate,
    Candidates,
    Observed,
    Prior,
    observed_angles,
    repeated,
    scattering_vectors,
    ub_candidates,
)
from beamgym.physics.diffractometer.scans import POINTS, ScanFrame, ScanSettings, SharpOrientation, peaks_of, sharpened
from beamgym.physics.instrument import Float64Array

_SURE = 0.5
_MOST_HUNTED = 25  # scans after which a second grain is given up: what was left over was none


def learned(
    belief: Belief,
    what: int,
    which: int,
    asked: ScanSettings,
    scan: ScanFrame,
    row: int,
    context: DiffractometerContext,
) -> Belief:
    """Return what an episode knows after its scan.

    Parameters
    ----------
    belief : before it
    what, which : by ``MACROS``, -1 for a single count; the peak, cone or place that was chosen
    asked, scan : of n diffractometers; row : which of them
    """
    if what < 0:
        return belief
    if what == CENTRED:
        peak = belief.pending[which]
        left = tuple(other for other in belief.pending if other is not peak)
        belief = replace(belief, pending=left)
        if not scan.on_peak[row]:
            return with_failed(belief, peak.positions, context)
        return with_reflection(belief, scan.centred[row], float(scan.intensity[row]), context)
    belief = _searched(belief, what, asked, scan, row, context)
    p = int(scan.points[row])
    most = 1 if what == DRIVEN else MOST_CHOICES
    found = peaks_of(scan.counts[row, :p], scan.count_s[row, :p], most)
    about, axis = asked.about[row], int(asked.axis[row])
    step = abs(float(asked.width_deg[row])) / (POINTS - 1)
    # where the peak's middle falls between two points the nearer one is driven to: the first scan finds the rest
    peaks = tuple(
        PendingPeak(scan.where[row, one.top].copy(), axis, step, about.copy(), one.significance)
        for one in found
        if what != SCANNED or not explained(scan.where[row, one.top], belief, context)
    )
    if what == ALONG:
        belief = with_tried(belief, belief.cones[which])
    if what == DRIVEN and not peaks and _roughly(belief):
        return with_missed(replace(belief, pending=()), belief.looks[which], context)
    if what == DRIVEN and not peaks:
        return with_empty(replace(belief, pending=()), belief.looks[which], context)
    return replace(belief, pending=peaks)


def _searched(
    belief: Belief, what: int, asked: ScanSettings, scan: ScanFrame, row: int, context: DiffractometerContext
) -> Belief:
    """Return the belief after a scan that may have shown a brighter grain, or the one that is looked for."""
    if not context.second_grain or not len(belief.centred):
        return belief
    if belief.aside and not belief.settled:
        hunted = replace(belief, hunted=belief.hunted + 1)
        return thought(taken_up(hunted), context) if hunted.hunted > _MOST_HUNTED and not belief.certain else hunted
    if what != SCANNED:
        return belief
    points = int(scan.points[row])
    swept = abs(float(asked.width_deg[row])) * points / POINTS
    more = expected_in_row(scan.where[row, 0], int(asked.axis[row]), swept, context)
    if not more:
        return belief
    return thought(replace(belief, searched=belief.searched + more), context)


def _roughly(belief: Belief) -> bool:
    """Return whether places are those of an orientation that is known roughly, or of one that came with the crystal."""
    if belief.candidates is None or not belief.candidates.found:
        return belief.prior_u is not None
    return roughly_known(belief.candidates.found[0])


def with_reflection(
    belief: Belief, positions: Float64Array, intensity: float, context: DiffractometerContext
) -> Belief:
    """Return the belief with one more centred reflection; one that was centred before replaces itself."""
    centred = np.concatenate([belief.centred, positions[None]])
    strength = np.append(belief.intensity, max(intensity, 1e-6))
    twins = [i for i, j in repeated(observed_of(centred, strength, context)) if j == len(centred) - 1]
    kept = [i for i in range(len(centred)) if i not in twins]
    return thought(replace(belief, centred=centred[kept], intensity=strength[kept], tried=(), at=positions), context)


def with_empty(belief: Belief, positions: Float64Array, context: DiffractometerContext) -> Belief:
    """Return the belief with one more place where nothing was."""
    q = scattering_vectors(context.instrument, positions[None], context.beam.wavelength_a)[0]
    return thought(replace(belief, empty=np.concatenate([belief.empty, q]), at=positions), context)


def with_missed(belief: Belief, positions: Float64Array, context: DiffractometerContext) -> Belief:
    """Return the belief with a place where a wide scan showed nothing."""
    return thought(replace(belief, missed=np.concatenate([belief.missed, positions[None]]), at=positions), context)


def with_failed(belief: Belief, positions: Float64Array, context: DiffractometerContext) -> Belief:
    """Return the belief with a place where nothing could be centred; it is not proposed again."""
    q = scattering_vectors(context.instrument, positions[None], context.beam.wavelength_a)[0]
    return thought(replace(belief, failed=np.concatenate([belief.failed, q]), at=positions), context)


def with_tried(belief: Belief, cone: Cone) -> Belief:
    """Return the belief without one cone."""
    return replace(
        belief, tried=(*belief.tried, (cone.length, cone.angle_deg)), cones=tuple(c for c in belief.cones if c != cone)
    )


def thought(belief: Belief, context: DiffractometerContext) -> Belief:
    """Return the belief with candidates, orientation and places worked out of its reflections and empty places."""
    if not len(belief.centred):
        return _before_any(belief, context)
    observed = observed_of(belief.centred, belief.intensity, context)
    prior = None if belief.prior_u is None else Prior(belief.prior_u, context.prior_deg)
    found: Candidates | None = None
    if len(observed) > 1 or prior is not None:
        try:
            found = ub_candidates(observed, context.known, prior=prior, empty=belief.empty)
        except ValueError:  # all along one line, or none explained by the cell: more is to be found
            found = None
    if found is not None and prior is not None:
        found = without_missed(found, belief.missed, context)
    if found is None or not found.found:
        return replace(
            belief,
            candidates=None,
            u=None,
            error_deg=float("inf"),
            brighter_chance=0.0,
            looks=no_places(context),
            bits=np.zeros(0),
            cones=cones_of(belief, context),
        )
    sharp = _sharp(found, observed, context)
    brighter_chance = 0.0
    if found.decided is not None and context.second_grain and not belief.settled:
        scale = log_scale(belief, found.decided, context)
        other = brighter(belief, sharp.u, scale, context) or parted(belief, found.decided, sharp, context)
        if other is not None:
            return thought(other, context)
        brighter_chance = chance_of_brighter(belief, scale, context)
    unsure = brighter_chance > MOST_BRIGHTER
    looks, bits = (no_places(context), np.zeros(0)) if unsure else places_of(belief, found, sharp, context)
    cones = () if found.decided is not None else cones_of(belief, context)
    return replace(
        belief,
        candidates=found,
        looks=looks,
        bits=bits,
        u=sharp.u,
        error_deg=sharp.error_deg,
        cones=cones,
        brighter_chance=brighter_chance,
    )


def _before_any(belief: Belief, context: DiffractometerContext) -> Belief:
    """With a prior and nothing found: strong reflections of the orientation that came with the crystal."""
    if belief.prior_u is None:
        return replace(belief, looks=no_places(context))
    one = _given(belief.prior_u, context)
    looks, chance = likely_places([one], np.zeros((0, 3)), belief.at, context)
    return replace(belief, looks=looks, bits=chance)


def _given(u: Float64Array, context: DiffractometerContext) -> Candidate:
    """Return the orientation that came with the crystal, as a candidate."""
    covariance = np.radians(context.prior_deg) ** 2 * np.eye(3)
    none, nothing = np.zeros((0, 3), dtype=np.int64), np.zeros(0)
    return Candidate(u, u @ context.known.b_matrix, 1.0, none, nothing, covariance)


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
        context.centred,
    )


def observed_of(centred: Float64Array, intensity: Float64Array, context: DiffractometerContext) -> Observed:
    """Return centred reflections with the errors that the context states."""
    return observed_angles(
        context.instrument, centred, context.beam.wavelength_a, context.error_deg, intensity, context.cell_error
    )
