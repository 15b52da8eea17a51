"""Alternatives to an answer: orientations that explain the same peaks about as well, unless intensities exclude them.

Each is fitted by itself, with a camera of its own where that is not calibrated: a distance that is a little wrong turns
an orientation into its look-alike. Where positions leave several, intensities decide; what they do not exclude
with certainty stands beside the answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing.camera_search import follow
from beamgym.physics.laue.indexing.indexing import Indexed, Indexer
from beamgym.physics.laue.indexing.joint_fit import Camera
from beamgym.physics.laue.indexing.measured import MeasuredPattern
from beamgym.physics.laue.indexing.refinement import geometry_change
from beamgym.physics.laue.matching import MIN_MATCHED, MIN_SCALE_PEAKS, UNMATCHED_LOG_ODDS, Fit, Pattern
from beamgym.physics.orientation import misorientation_deg

NEARLY_AS_MANY, NEARLY_AS_CLOSE = 0.85, 1.5
"""An alternative explains this share of the best one's peaks at least; its rms residual is up to this times larger."""
SAME_PEAKS = 0.7
"""What explains fewer of the answer's peaks is another grain and no alternative."""
SAME_DEG = 0.5
"""Orientations nearer than this are one."""
RADII_DEG = (0.25, 1.0)
"""Radii that a fit begins with: the image of an orientation that fits a little wrongly may be a degree off."""
TRIALS = 10_000
"""Orientations that a search tries, where an answer does not say."""
FREEDOM = 4.0
"""Degrees of freedom of Student's t by which logarithms of intensities scatter: one in sixty is off by four widths."""
LEAST_SCATTER = 0.1
"""Smallest scatter of the logarithms that is believed."""
INTENSITY_WEIGHT = 0.7
"""What one peak's intensity tells beside an independent one: errors of spectrum and absorption are common to many."""
SATURATED_WEIGHT = 0.25
"""What a saturated peak's intensity counts for."""
RESIDUAL_WEIGHT = 0.5
"""What one peak's residual tells, of the two that independent coordinates would: cameras have errors of their own."""
MERIT_WEIGHT = 0.3
"""What the figure of merit counts for: bright rays that show no spot tell too, but may be hidden or absorbed."""
LEAST_RESIDUAL_RAD = 2e-4
CERTAIN_LOG_ODDS = float(np.log(100.0))
"""Odds of 100 : 1 exclude an alternative."""


@dataclass(frozen=True)
class Alternative:
    """An orientation with the camera that suits it best.

    Parameters
    ----------
    fit : of ``seen``
    camera : that camera
    seen : the peaks as plane normals on it
    """

    fit: Fit
    camera: Detector
    seen: Pattern


def best_beside_alternatives(
    indexer: Indexer, pattern: MeasuredPattern, given: Detector, camera: Detector, answer: Indexed, *, calibrated: bool
) -> tuple[Indexed, Detector]:
    """Return the best of an answer and its alternatives, those that are not excluded in ``ambiguous``, with its camera.

    Parameters
    ----------
    indexer : of the crystal and band
    pattern : the peaks
    given, camera : the geometry as stated, and as it explains the answer
    calibrated : the camera stays as it is
    """
    others = [*answer.ambiguous, *_found_besides(indexer, pattern, camera, answer)]
    best, left = best_alternative(indexer, pattern, given, camera, [answer.orientation, *others], calibrated=calibrated)
    if best is None:
        return replace(answer, ambiguous=left), camera
    found = indexer.on(best.camera).answer(best.seen, best.fit, pattern.position_px)
    return replace(found, ambiguous=left), best.camera


def best_alternative(
    indexer: Indexer,
    pattern: MeasuredPattern,
    given: Detector,
    camera: Detector,
    orientations: Sequence[Float64Array],
    *,
    calibrated: bool,
) -> tuple[Alternative | None, tuple[Float64Array, ...]]:
    """Compare an answer with the crystal's look-alikes of it, and with other orientations.

    Parameters
    ----------
    indexer, pattern, given, camera, calibrated : as for ``best_beside_alternatives``
    orientations : (3, 3) the answer first, then others

    Returns
    -------
    the alternative that is better than the answer, None where none is, and the orientations that are not excluded
    """
    first = _fitted(indexer, pattern, given, camera, orientations[0], calibrated)
    if first is None:
        return None, ()
    alternatives = [first]
    for u in [*(orientations[0] @ turn for turn in indexer.table.look_alikes), *orientations[1:]]:
        alternative = _fitted(indexer, pattern, given, camera, u, calibrated)
        if alternative is not None and _new(alternative, alternatives, indexer.crystal.rotations):
            alternatives.append(alternative)
    leader = max(alternatives, key=lambda alternative: alternative.fit.merit)
    equals = [alternative for alternative in alternatives if _nearly_as_good(alternative.fit, leader.fit)]
    cost = UNMATCHED_LOG_ODDS * max(2.0 * float(leader.fit.assigned.mean()) - 1.0, 0.0)
    odds = np.array([log_odds(alternative, pattern, cost) for alternative in equals])
    winner = equals[int(np.argmax(odds))]
    left = tuple(
        alternative.fit.u
        for alternative, one in zip(equals, odds, strict=True)
        if alternative is not winner and odds.max() - one < CERTAIN_LOG_ODDS
    )
    return (None if winner is first else winner), left


def log_odds(alternative: Alternative, pattern: MeasuredPattern, left_over: float = UNMATCHED_LOG_ODDS) -> float:
    """Log likelihood of intensities, residuals, bright rays and left-over peaks, up to a constant common to all.

    A peak that is left over costs ``left_over``: nothing where most of the list is false, for then the more peaks lie
    near an alternative's rays the more of them do so by chance.

    The logarithms of measured and expected intensities differ by a smooth function of energy and angle, which takes up
    absorption and the spectrum, and by a scatter of Student's t distribution (Lange, Little and Taylor 1989).
    """
    fit, seen = alternative.fit, alternative.seen
    ray, sign, assigned = seen.rays(fit)
    matched = int(assigned.sum())
    besides = -RESIDUAL_WEIGHT * matched * float(np.log(max(fit.rms_rad, LEAST_RESIDUAL_RAD)))
    besides += MERIT_WEIGHT * float(np.log(10.0)) * fit.merit - left_over * (len(assigned) - matched)
    measured, sines = pattern.intensity[assigned], seen.sines[assigned]
    expected, energy = seen.table.expected(ray, sign, sines)
    usable = (measured > 0) & (expected > 0)
    if usable.sum() < MIN_MATCHED:
        return besides
    columns = [np.ones(int(usable.sum()))]
    if usable.sum() >= MIN_SCALE_PEAKS:
        columns += [np.log(energy[usable]), np.log(energy[usable]) ** 2, np.log(sines[usable])]
    weight = np.where(pattern.saturated[assigned][usable], SATURATED_WEIGHT, 1.0)
    ratio = np.log(measured[usable] / expected[usable])
    return INTENSITY_WEIGHT * student_log_likelihood(ratio, np.stack(columns, axis=1), weight) + besides


def student_log_likelihood(values: Float64Array, columns: Float64Array, weight: Float64Array) -> float:
    """Greatest log likelihood of values (n,) about a linear function of columns (n, k), a peak counting ``weight``.

    What the k parameters take up is allowed for as by degrees of freedom.
    """
    robust = np.ones(len(values))
    scatter, width = values - np.median(values), 1.0
    for _ in range(8):
        root = np.sqrt(weight * robust)
        scale, *_ = np.linalg.lstsq(columns * root[:, None], values * root, rcond=None)
        scatter = values - columns @ scale
        width = max(float(np.sqrt(np.average(robust * scatter**2, weights=weight))), LEAST_SCATTER)
        robust = (FREEDOM + 1.0) / (FREEDOM + (scatter / width) ** 2)
    log = -np.log(width) - 0.5 * (FREEDOM + 1.0) * np.log1p((scatter / width) ** 2 / FREEDOM)
    free = max(1.0 - columns.shape[1] / len(values), 0.0)
    return float(free * (weight * log).sum())


def _fitted(
    indexer: Indexer, pattern: MeasuredPattern, given: Detector, camera: Detector, u: Float64Array, calibrated: bool
) -> Alternative | None:
    """Fit an orientation, and the camera where it is free; None where too few peaks agree."""
    seen = Pattern(indexer.table, camera.plane_normals(pattern.position_px), pattern.intensity)
    if len(seen.order) < MIN_MATCHED:
        return None
    fits = [seen.judge(seen.polish(u, radius, TRIALS)) for radius in RADII_DEG]
    fit = max(fits, key=lambda one: one.merit)
    if calibrated:
        return Alternative(fit, camera, seen) if fit.assigned.sum() >= MIN_MATCHED else None
    moved = np.array(list(geometry_change(given, camera).values()))
    found = follow(indexer, Camera(given, moved), pattern.position_px, pattern.intensity, replace(fit, u=u))
    return None if found is None else Alternative(found.fit, found.camera.detector, found.pattern)


def _found_besides(
    indexer: Indexer, pattern: MeasuredPattern, camera: Detector, answer: Indexed
) -> Iterator[Float64Array]:
    """Yield what a search on the final camera finds for the answer's peaks."""
    seen = Pattern(indexer.table, camera.plane_normals(pattern.position_px), pattern.intensity)
    for fit in seen.candidates(indexer.tolerances_deg[0]):
        same = (fit.assigned & answer.assigned).sum()
        if same >= SAME_PEAKS * min(fit.assigned.sum(), answer.assigned.sum()):
            yield fit.u


def _new(alternative: Alternative, known: list[Alternative], rotations: Float64Array) -> bool:
    away = misorientation_deg(alternative.fit.u, np.array([other.fit.u for other in known]), rotations)
    return float(away.min()) > SAME_DEG


def _nearly_as_good(fit: Fit, best: Fit) -> bool:
    many = fit.assigned.sum() >= NEARLY_AS_MANY * best.assigned.sum()
    return bool(many and fit.rms_rad <= NEARLY_AS_CLOSE * max(best.rms_rad, LEAST_RESIDUAL_RAD))
