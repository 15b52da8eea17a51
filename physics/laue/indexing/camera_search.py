"""Finds the camera that a ruler measured badly: distance and centre at which a known crystal explains the peaks.

A laboratory camera's distance is known to some per cent and its centre to a millimetre. That turns plane normals by a
degree and more, beyond any search radius that would still tell a crystal from chance. So the radius stays and the
camera moves: at distances and centres about the stated ones the pattern is searched, the best candidates of each,
however poor, are followed down by fitting orientation and camera together and matching anew, and the one that explains
most is kept. Only what comes out is judged.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing.indexing import Indexed, Indexer
from beamgym.physics.laue.indexing.joint_fit import Camera, fit_jointly
from beamgym.physics.laue.matching import MIN_MATCHED, Fit, Pattern
from beamgym.physics.laue.stated_camera import symmetric_steps

Progress = Callable[[int, int], None]
"""Called with how many cameras were tried, and how many there are."""

DISTANCE_SHARE = 0.10
"""How far the distance may be from the stated one, relative: a ruler held to the wrong edge of a cassette."""
CENTRE_MM, CENTRE_STEP_MM = 1.5, 0.75
"""How far the centre is looked for, and in which steps, mm: a candidate is followed over half a millimetre and more."""
STEP_DEG = 0.5
"""Turn of a plane normal between two neighbouring cameras: a search radius of 0.6 degrees spans it."""
BRIGHTEST = (80, 40, 25)
"""Peaks taken, brightest first, in the order of trial: false peaks are fewer among bright ones."""
SEARCH_DEG = 0.6
"""Search radius at each camera."""
FOLLOWED = 3
"""Candidates of each camera that are followed down."""
ROUNDS = 12
"""Fits of a camera at most, each matching anew."""
WIDEST_DEG, NARROWEST_DEG = 0.8, 0.1
"""Radius of the first matches of a candidate, and the least that it is narrowed to."""
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
        """Figure of merit for each peak used: 1.9 to 4 for right answers, 0.2 to 0.8 for another crystal's."""
        return self.indexed.figure_of_merit / len(self.indexed.assigned)

    @property
    def sure(self) -> bool:
        """Whether nothing better need be looked for."""
        answer = self.indexed
        share = answer.matched / len(answer.assigned)
        many = share >= SURE_SHARE and answer.matched >= SURE_MATCHED
        return many and self.merit_per_peak >= SURE_MERIT_PER_PEAK


@dataclass(frozen=True)
class _Followed:
    """A candidate followed down: the fit at its last radius, the camera and the pattern on it."""

    fit: Fit
    camera: Camera
    pattern: Pattern

    def sure(self) -> bool:
        count = len(self.fit.row)
        matched = int(self.fit.assigned.sum())
        return matched >= max(SURE_SHARE * count, SURE_MATCHED) and self.fit.merit >= SURE_MERIT_PER_PEAK * count


def find_camera(
    indexer: Indexer,
    stated: Detector,
    position_px: Float64Array,
    intensity: Float64Array,
    *,
    starts: Sequence[Detector] = (),
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
    starts : cameras to try before all others: those at which zones are sharp; last one whose centre is that of a
        collimator's shadow, about which distances are tried too
    distance_share : largest error of the distance, relative
    centre_mm : largest error of the centre along rows and columns, mm
    progress : called after every camera

    Returns
    -------
    FoundCamera, or None where no camera explains the peaks at all
    """
    order = np.argsort(-intensity, kind="stable")
    trials = list(_trials(stated, starts, distance_share, centre_mm, len(order)))
    best: tuple[float, _Followed, int, int] | None = None
    for tried, (moved, number) in enumerate(trials, 1):
        chosen = order[:number]
        for found in _followed(indexer, Camera(stated, moved), position_px[chosen], intensity[chosen]):
            merit = found.fit.merit / number
            if best is None or merit > best[0]:
                best = merit, found, number, tried
        if progress is not None:
            progress(tried, len(trials))
        if best is not None and best[1].sure():
            break
    if best is None:
        return None
    _, found, number, tried = best
    chosen = order[:number]
    indexed = indexer.on(found.camera.detector).answer(found.pattern, found.fit, position_px[chosen])
    return FoundCamera(indexed, found.camera.detector, number, tried)


def _trials(
    stated: Detector, starts: Sequence[Detector], distance_share: float, centre_mm: float, peaks: int
) -> Iterator[tuple[Float64Array, int]]:
    """Yield cameras, as moved from the stated one, with how many peaks to try them on.

    The starts first; distances alone, about the last start and about the stated camera; coarser ones with centres too.
    """
    counts = list(dict.fromkeys(min(number, peaks) for number in BRIGHTEST))
    places = [_moved(stated, start) for start in starts]
    for place in places:
        for number in counts:
            yield place, number
    for number in counts:
        for moved in cameras_about(stated, distance_share, 0.0):
            for place in [*places[-1:], np.zeros(5)]:
                yield place + moved, number
    for moved in cameras_about(stated, distance_share, centre_mm):
        if moved[:2].any():
            yield moved, counts[min(1, len(counts) - 1)]


def centred_on(stated: Detector, beam_px: tuple[float, float]) -> list[Detector]:
    """Return the camera shifted so that the beam meets it at a pixel (along fast and slow).

    It is empty where the beam never meets the panel, or farther from there than CENTRE_MM is wrong: then what was seen
    at that pixel was no collimator.
    """
    where, _ = stated.to_pixel(np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]))
    where = where[np.isfinite(where).all(axis=1)]
    if len(where) == 0:
        return []
    along, down = stated.pixel_mm * (np.asarray(beam_px) - where[0])
    if np.hypot(along, down) > 2.0 * CENTRE_MM:
        return []
    return [stated.displaced(-along * stated.fast - down * stated.slow, np.zeros(3))]


def _moved(stated: Detector, start: Detector) -> Float64Array:
    """How far a panel parallel to the stated one is shifted from it, as a camera's five numbers."""
    shift = start.origin_mm - stated.origin_mm
    return np.array([shift @ stated.fast, shift @ stated.slow, shift @ stated.normal, 0.0, 0.0])


def cameras_about(stated: Detector, distance_share: float, centre_mm: float) -> Iterator[Float64Array]:
    """Yield shifts and tilts (5,) about the stated camera, the nearest first, tilts zero.

    Neighbours differ by a turn of the plane normals of STEP_DEG at most, at the panel's corners for the distance; where
    centres are tried too, by three times as much, for every candidate is followed.
    """
    reach = stated.distance_mm
    half = 0.5 * stated.pixel_mm * max(stated.shape)
    # n turns by half the turn of the ray; a ray at radius r turns by r d(d) / (d² + r²), most at r = d
    lever = max(half * reach / (half**2 + reach**2), 0.1) if half < reach else 0.5
    step = 2.0 * np.radians(STEP_DEG) / lever
    coarser = 3.0 if centre_mm > 0.0 else 1.0
    shares = symmetric_steps(distance_share, min(coarser * step, distance_share))
    offsets = symmetric_steps(centre_mm, CENTRE_STEP_MM)
    grid = [(share, along, down) for share in shares for along in offsets for down in offsets]
    scale = np.array([distance_share / 3.0, max(centre_mm, 1e-9) / 1.5, max(centre_mm, 1e-9) / 1.5])
    away = np.sign(stated.origin_mm @ stated.normal) * reach
    for share, along, down in sorted(grid, key=lambda place: float(((np.array(place) / scale) ** 2).sum())):
        yield np.array([along, down, away * share, 0.0, 0.0])


def _followed(
    indexer: Indexer, camera: Camera, position_px: Float64Array, intensity: Float64Array
) -> Iterator[_Followed]:
    """Search the pattern on one camera, and follow the best candidates down."""
    pattern = Pattern(indexer.table, camera.detector.plane_normals(position_px), intensity)
    if len(pattern.order) < MIN_MATCHED:
        return
    fits = sorted(pattern.candidates(SEARCH_DEG), key=lambda fit: -fit.merit)
    for fit in fits[:FOLLOWED]:
        found = follow(indexer, camera, position_px, intensity, fit)
        if found is not None:
            yield found
            if found.sure():
                return


def follow(
    indexer: Indexer, camera: Camera, position_px: Float64Array, intensity: Float64Array, candidate: Fit
) -> _Followed | None:
    """Fit camera and orientation to a candidate's matches and match anew, the radius narrowing with the residuals.

    Returns
    -------
    where it ends, judged; None where too few peaks agree
    """
    table = indexer.table
    directions = table.sorted_directions[0]
    u, radius = candidate.u, WIDEST_DEG
    pattern = Pattern(table, camera.detector.plane_normals(position_px), intensity)
    before = None
    for _ in range(ROUNDS):
        row, _angle = pattern.match(u, radius)
        assigned = row >= 0
        if assigned.sum() < MIN_MATCHED or (before is not None and np.array_equal(row, before)):
            break
        before = row
        wanted = directions[row[assigned]]
        u, camera, _ = fit_jointly(wanted, position_px[assigned], u, camera)
        pattern = Pattern(table, camera.detector.plane_normals(position_px), intensity)
        cosine = np.einsum("ij,ij->i", pattern.normals[assigned], wanted @ u.T)
        spread = 1.48 * float(np.degrees(np.median(np.arccos(np.clip(cosine, -1.0, 1.0)))))
        radius = float(np.clip(2.5 * spread, NARROWEST_DEG, radius))
    if len(pattern.order) < MIN_MATCHED:
        return None
    fit = pattern.judge(pattern.polish(u, max(radius, 2.5 * NARROWEST_DEG), candidate.trials))
    return _Followed(fit, camera, pattern) if fit.assigned.sum() >= MIN_MATCHED else None
