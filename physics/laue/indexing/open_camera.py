"""Grains among mostly false peaks, seen by a camera whose distance is hardly known.

At every distance in the range all pairs of bright peaks are tried; what comes out is refined together with the camera,
about which something is known beforehand, and matched anew. Odds that chance explains as many peaks judge the answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing.indexing import Indexer
from beamgym.physics.laue.indexing.refinement import GEOMETRY, refine
from beamgym.physics.laue.matching import MIN_MATCHED, Fit, Pattern, search_thoroughly
from beamgym.physics.laue.stated_camera import symmetric_steps
from beamgym.physics.orientation import misorientation_deg

Knowledge = tuple[float, float, float, float, float]
"""Standard deviations of what is known of a camera beforehand: those of ``GEOMETRY``, mm and degrees."""

SEARCH_DEG = 0.25
"""Search radius at each distance: steps of a millimetre at 70 mm turn normals by 0.2° at most."""
LEAST_FIRST_MERIT = 2.0
"""Merit of a candidate before its camera is refined; chance reaches it at one distance in three."""
OF_EACH_DISTANCE, FOLLOWED = 3, 12
"""Candidates of each distance, those of most votes, that are looked at, and of all together that are refined."""
RADII_DEG = (0.5, 0.35, 0.25)
"""Radii of the matches between refinements."""
SAME_DEG = 2.0
"""Orientations nearer than this, the lattice's own rotations apart, are one grain."""
GUESS_TRIALS = 1000
"""Orientations that a match to a known one counts for in the odds, as in the indexer."""


@dataclass(frozen=True)
class SeenGrain:
    """One grain of one frame, with the camera that was refined with it.

    Parameters
    ----------
    orientation : (3, 3) crystal to lab
    detector : the refined camera
    known : standard deviations of its place, mm and degrees
    merit : −log10 of the odds that chance does as well
    matched : peaks explained
    brightness : median of ln(intensity / expected) of these, on a scale of its own; a larger grain is brighter
    """

    orientation: Float64Array
    detector: Detector
    known: Knowledge
    merit: float
    matched: int
    brightness: float


def grains_at_distances(
    indexer: Indexer,
    stated: Detector,
    position_px: Float64Array,
    intensity: Float64Array,
    known: Knowledge,
    range_mm: float = 0.0,
    step_mm: float = 1.0,
) -> tuple[SeenGrain, ...]:
    """Return the grains that a frame shows, the one of most merit first, whatever that is.

    Parameters
    ----------
    indexer : of crystal and band; with the beam's spectrum brightness tells more
    stated : the nominal camera
    position_px, intensity : (p, 2) and (p,) the peaks
    known : of the camera beforehand
    range_mm, step_mm : by how much the distance is off at most, either way, and in which steps it is tried; 0 for none
    """
    distances = symmetric_steps(range_mm, step_mm)
    candidates: list[tuple[Fit, Detector]] = []
    for away in distances:
        camera = stated.displaced(away * stated.normal, np.zeros(3))
        pattern = Pattern(indexer.table, camera.plane_normals(position_px), intensity)
        fits = islice(search_thoroughly(pattern, SEARCH_DEG), OF_EACH_DISTANCE)
        candidates += [(fit, camera) for fit in fits if fit.merit > LEAST_FIRST_MERIT]
    candidates.sort(key=lambda one: -one[0].merit)
    found = []
    for fit, camera in candidates[:FOLLOWED]:
        trials = fit.trials * len(distances)
        found += list(_refined(indexer, stated, camera, position_px, intensity, fit.u, known, trials))
    return _distinct(indexer, sorted(found, key=lambda grain: -grain.merit))


def grain_near(
    indexer: Indexer,
    stated: Detector,
    camera: Detector,
    position_px: Float64Array,
    intensity: Float64Array,
    orientation: Float64Array,
    known: Knowledge,
) -> SeenGrain | None:
    """Return the grain whose orientation (3, 3) and camera are nearly known; None where too few peaks agree.

    Parameters
    ----------
    indexer, position_px, intensity : as for ``grains_at_distances``
    stated : the camera about which ``known`` says how well it is known
    camera : where the refinement begins
    orientation : crystal to lab, to half a degree
    """
    found = _refined(indexer, stated, camera, position_px, intensity, orientation, known, GUESS_TRIALS)
    return next(found, None)


def _refined(
    indexer: Indexer,
    stated: Detector,
    camera: Detector,
    position_px: Float64Array,
    intensity: Float64Array,
    u: Float64Array,
    known: Knowledge,
    trials: int,
) -> Iterator[SeenGrain]:
    """Match and refine in turn, the radius narrowing; yield the grain, or nothing where too few peaks agree."""
    deviations: Sequence[float] = known
    for radius_deg in RADII_DEG:
        assigned, hkl = _matched(indexer, camera, position_px, intensity, u, radius_deg)
        if 2 * assigned.sum() <= 3 + len(GEOMETRY):
            return
        refined = refine(
            indexer.crystal, stated, position_px[assigned], hkl, u, False, True, known, start=camera
        )  # fmt: skip
        u, camera = refined.orientation, refined.detector
        deviations = [min(refined.uncertainty[name], most) for name, most in zip(GEOMETRY, known, strict=True)]
    pattern = Pattern(indexer.table, camera.plane_normals(position_px), intensity)
    row, angle = pattern.match(u, RADII_DEG[-1])
    polished = pattern.polish(u, RADII_DEG[-1], trials)
    fit = pattern.judge(polished)
    if fit.assigned.sum() < MIN_MATCHED:
        return
    refit = Fit(u, row, angle, RADII_DEG[-1], fit.merit, trials)
    best, _ = pattern.resolve(refit, [refit])
    if misorientation_deg(best.u, u, indexer.crystal.rotations) > SAME_DEG:  # an image with better intensities
        u, refit = best.u, best
    shift, down, away, tilt_y, tilt_z = deviations
    yield SeenGrain(
        u,
        camera,
        (shift, down, away, tilt_y, tilt_z),
        fit.merit,
        int(refit.assigned.sum()),
        _brightness(indexer, pattern, refit),
    )


def _matched(
    indexer: Indexer,
    camera: Detector,
    position_px: Float64Array,
    intensity: Float64Array,
    u: Float64Array,
    radius_deg: float,
) -> tuple[BoolArray, Float64Array]:
    """Return which peaks match, (p,), and the rays' hkl of those that do."""
    row, _ = Pattern(indexer.table, camera.plane_normals(position_px), intensity).match(u, radius_deg)
    assigned = row >= 0
    _, ray, sign = indexer.table.sorted_directions
    rows = row[assigned]
    hkl = indexer.table.reflections.hkl[ray[rows]] * sign[rows][:, None]
    return assigned, hkl.astype(np.float64)


def _brightness(indexer: Indexer, pattern: Pattern, fit: Fit) -> float:
    ray, sign, assigned = pattern.rays(fit)
    if not len(ray):
        return -np.inf
    expected, _ = indexer.table.expected(ray, sign, pattern.sines[assigned])
    seen = expected > 0.0
    logs = np.log(np.maximum(pattern.intensity[assigned][seen], 1e-9) / expected[seen])
    return float(np.median(logs)) if len(logs) else -np.inf


def _distinct(indexer: Indexer, found: list[SeenGrain]) -> tuple[SeenGrain, ...]:
    kept: list[SeenGrain] = []
    for grain in found:
        others = np.array([one.orientation for one in kept]).reshape(-1, 3, 3)
        if not kept or misorientation_deg(grain.orientation, others, indexer.crystal.holohedry).min() > SAME_DEG:
            kept.append(grain)
    return tuple(kept)
