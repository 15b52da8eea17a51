"""Finds the camera that a ruler measured badly: distance and centre at which a known crystal explains the peaks.

A laboratory camera's distance is known to some per cent and its centre to a millimetre. That turns plane normals by a
degree and more, beyond any search radius that would still tell a crystal from chance. So the radius stays and the
camera moves: at distances and centres about the stated ones the pattern is indexed, each answer is followed down by
refining the camera and matching anew, and the one that explains most is kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing.indexing import Indexed, Indexer, NotIndexed
from beamgym.physics.laue.indexing.refinement import GEOMETRY, ROTATION, refine

Progress = Callable[[int, int], None]
"""Called with how many cameras were tried, and how many there are."""

DISTANCE_SHARE = 0.10
"""How far the distance may be from the stated one, relative: a ruler held to the wrong edge of a cassette."""
CENTRE_MM = 1.2
"""How far the centre is looked for, mm."""
STEP_DEG = 0.5
"""Turn of a plane normal between two neighbouring cameras: a search radius of 0.6 degrees spans it."""
BRIGHTEST = (80, 40)
"""Peaks taken, brightest first, in the order of trial: false peaks are fewer among bright ones."""
ROUNDS = 5
"""Refinements of a camera, each matching more peaks than the last."""
SURE_SHARE, SURE_MERIT_PER_PEAK, SURE_MATCHED = 0.5, 1.2, 10
"""An answer that explains this share of the peaks with this merit for every one ends the search."""


@dataclass(frozen=True)
class FoundCamera:
    """An orientation with the camera that explains it.

    Parameters
    ----------
    indexed : the answer, of the peaks that were used
    detector : the camera, moved and tilted from the stated one
    brightest : how many peaks were used, brightest first
    tried : cameras tried
    """

    indexed: Indexed
    detector: Detector
    brightest: int
    tried: int

    @property
    def merit_per_peak(self) -> float:
        """Figure of merit for each peak used: 1.3 to 2.2 for right answers, 0.2 to 0.8 for another crystal's."""
        return self.indexed.figure_of_merit / len(self.indexed.assigned)

    @property
    def sure(self) -> bool:
        """Whether nothing better need be looked for."""
        answer = self.indexed
        share = answer.matched / len(answer.assigned)
        many = share >= SURE_SHARE and answer.matched >= SURE_MATCHED
        return many and self.merit_per_peak >= SURE_MERIT_PER_PEAK


def find_camera(
    indexer: Indexer,
    stated: Detector,
    position_px: Float64Array,
    intensity: Float64Array,
    *,
    distance_share: float = DISTANCE_SHARE,
    centre_mm: float = CENTRE_MM,
    progress: Progress | None = None,
) -> FoundCamera | None:
    """Search cameras about the stated one for the one under which the crystal explains the peaks best.

    Parameters
    ----------
    indexer : of the crystal and band; its detector is not used
    stated : the camera as its user measured it
    position_px : (p, 2) peaks along fast and slow, 0-based
    intensity : (p,) on any positive scale
    distance_share : largest error of the distance, relative
    centre_mm : largest error of the centre along rows and columns, mm
    progress : called after every camera

    Returns
    -------
    FoundCamera, or None where no camera explains the peaks better than chance
    """
    order = np.argsort(-intensity, kind="stable")
    trials = list(_trials(stated, distance_share, centre_mm, len(order)))
    best: FoundCamera | None = None
    for tried, (camera, number) in enumerate(trials, 1):
        chosen = order[:number]
        answer = indexer.on(camera).index(position_px[chosen], intensity[chosen])
        if isinstance(answer, Indexed):
            found = FoundCamera(*follow(indexer, camera, position_px[chosen], intensity[chosen], answer), number, tried)
            if best is None or found.merit_per_peak > best.merit_per_peak:
                best = found
            if found.sure:
                break
        if progress is not None:
            progress(tried, len(trials))
    return best


def _trials(stated: Detector, distance_share: float, centre_mm: float, peaks: int) -> Iterator[tuple[Detector, int]]:
    """Yield cameras with how many peaks to try them on: distances alone first, then centres too."""
    counts = list(dict.fromkeys(min(number, peaks) for number in BRIGHTEST))
    for number in counts:
        for camera in cameras_about(stated, distance_share, 0.0):
            yield camera, number
    for camera in cameras_about(stated, distance_share, centre_mm):
        yield camera, counts[-1]


def cameras_about(stated: Detector, distance_share: float, centre_mm: float) -> Iterator[Detector]:
    """Yield cameras at distances and centres about the stated one, the nearest first.

    Neighbours differ by a turn of the plane normals of STEP_DEG at most, at the panel's corners for the distance.
    """
    reach = stated.distance_mm
    half = 0.5 * stated.pixel_mm * max(stated.shape)
    # n turns by half the turn of the ray; a ray at radius r turns by r d(d) / (d² + r²), most at r = d
    lever = max(half * reach / (half**2 + reach**2), 0.1) if half < reach else 0.5
    step = 2.0 * np.radians(STEP_DEG) / lever
    shares = _symmetric(distance_share, min(step, distance_share))
    offsets = _symmetric(centre_mm, max(2.0 * np.radians(STEP_DEG) * reach * 1.5, 0.6))
    grid = [(share, along, down) for share in shares for along in offsets for down in offsets]
    scale = np.array([distance_share / 3.0, max(centre_mm, 1e-9) / 1.5, max(centre_mm, 1e-9) / 1.5])
    for share, along, down in sorted(grid, key=lambda place: float(((np.array(place) / scale) ** 2).sum())):
        away = np.sign(stated.origin_mm @ stated.normal) * share * reach
        yield stated.displaced(away * stated.normal + along * stated.fast + down * stated.slow, np.zeros(3))


def _symmetric(limit: float, step: float) -> Float64Array:
    count = int(np.ceil(limit / step)) if limit > 0.0 else 0
    values: Float64Array = np.linspace(-limit, limit, 2 * count + 1) if count else np.zeros(1)
    return values


def follow(
    indexer: Indexer, camera: Detector, position_px: Float64Array, intensity: Float64Array, answer: Indexed
) -> tuple[Indexed, Detector]:
    """Refine the camera and match anew, as long as that explains more; a worse answer is never taken.

    Returns
    -------
    the best answer and its camera
    """
    prior = (1.0, 1.0, max(0.05 * camera.distance_mm, 1.0), 1.0, 1.0)
    for _ in range(ROUNDS):
        if 2 * answer.matched <= len(ROTATION) + len(GEOMETRY):
            break
        chosen = answer.assigned
        refined = refine(
            indexer.crystal,
            camera,
            position_px[chosen],
            answer.hkl[chosen],
            answer.orientation,
            refine_detector=True,
            geometry_uncertainty=prior,
        )
        again = indexer.on(refined.detector).index(position_px, intensity, guess=refined.orientation)
        if isinstance(again, NotIndexed) or again.figure_of_merit <= answer.figure_of_merit:
            break
        gained = again.figure_of_merit - answer.figure_of_merit
        answer, camera = again, refined.detector
        if gained < 0.5:
            break
    return answer, camera
