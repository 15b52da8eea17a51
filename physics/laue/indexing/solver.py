"""Indexes one measured pattern completely: index, refine in pixels, index again on the refined camera."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal, ub_matrix
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing.alternatives import best_beside_alternatives
from beamgym.physics.laue.indexing.camera_search import CENTRE_MM, DISTANCE_SHARE, Progress, centred_on, find_camera
from beamgym.physics.laue.indexing.first_answer import among_false_peaks, every_peak
from beamgym.physics.laue.indexing.indexing import Indexed, Indexer, NotIndexed
from beamgym.physics.laue.indexing.measured import MeasuredPattern
from beamgym.physics.laue.indexing.plausibility import (
    NEAR_RESIDUALS,
    Plausibility,
    may_replace,
    median_residuals,
    plausibility,
)
from beamgym.physics.laue.indexing.refinement import (
    CALIBRATED,
    IN_WORDS,
    ROTATION,
    UNCALIBRATED,
    CameraKnowledge,
    Refined,
    geometry_change,
    geometry_names,
    refine,
    with_camera_uncertainty,
    with_twist,
)
from beamgym.physics.laue.matching import MIN_MATCHED, Pattern
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.laue.stated_camera import SharpCamera, sharpest_cameras

BAND_KEV = (5.0, 25.0)
"""What a tungsten tube or a bending magnet sends through air, keV."""
CAMERA_ROUNDS = 2
"""Refinements of a camera: the second has the peaks that the first camera was too far off to explain."""
NEAR_CLEAR_ZONES = 0.04
"""Where zones are clear the camera is known to 3 % of the distance and 0.3 mm: only there is it looked for."""
LEAST_RADIUS_DEG, WIDE = 0.05, 0.7
"""Least radius of the last match, and the share of the former radius that it has to be below to be worth while."""
TIGHTENED = 3
"""Matches at most, each within a smaller radius."""
GUESS_TRIALS = 1000
"""Orientations that a match to a known one counts for in the odds, as in the indexer."""
CLEAR_SHARE = 0.6
"""An answer that explains this share of the peaks is not looked for among false ones."""
SHARPEST = 2
"""Cameras with sharp zones that a search begins with."""
FEWEST_EXPLAINED = 8
"""An orientation and a camera are eight numbers: fewer peaks than this can be explained whatever they are."""
DISTANCES = (0.0, 0.025, -0.025, 0.05, -0.05, 0.075, -0.075)
"""Changes of an uncalibrated camera's distance at which an answer among false peaks is looked for."""
TABLE_KEV = 12.0
"""A reflection table to this energy holds every crystal's lowest reflections."""


class IndexingFailed(ValueError):
    """No orientation was found; the message is one line with the reason and what to check.

    Parameters
    ----------
    message : that line
    nearest : what came nearest; None where nothing could be tried
    """

    def __init__(self, message: str, nearest: NotIndexed | None = None) -> None:
        super().__init__(message)
        self.nearest = nearest


@dataclass(frozen=True)
class SolvedPattern:
    """A pattern's orientation, and everything that it was found with.

    Parameters
    ----------
    crystal : what was indexed
    given : the geometry as it was given
    detector : the geometry that explains the peaks: the given one, or the refined one
    band_kev : lowest and highest photon energy
    pattern : the peaks, and the image where there is one
    indexed : the orientation after the last refinement, with figures, assigned peaks and ambiguities
    refined : the last refinement, with the uncertainties of its parameters
    warnings : what speaks against the answer, a sentence each: another crystal, or a wrong orientation of this one
    """

    crystal: Crystal
    given: Detector
    detector: Detector
    band_kev: tuple[float, float]
    pattern: MeasuredPattern
    indexed: Indexed
    refined: Refined
    warnings: tuple[str, ...] = ()

    @property
    def ub_inv_a(self) -> Float64Array:
        """(3, 3) UB in 1/Å without 2π; its columns are a*, b* and c* in the lab."""
        return ub_matrix(self.indexed.orientation, self.crystal)

    @property
    def uncertainty(self) -> Mapping[str, float]:
        """One standard deviation of each refined parameter, in the unit its name says.

        The rotations' hold what is not known of the camera. Their root sum of squares is the root mean square of the
        angle to the true orientation.
        """
        return self.refined.uncertainty

    @property
    def detector_change(self) -> dict[str, float]:
        """How far the panel stands, in mm and degrees, from the one that was given; empty where it is that one."""
        return {} if self.detector == self.given else geometry_change(self.given, self.detector)


def solve(
    pattern: MeasuredPattern,
    crystal: Crystal,
    detector: Detector,
    band_kev: tuple[float, float] = BAND_KEV,
    *,
    known: CameraKnowledge | None = None,
    refine_detector: bool = False,
    search_camera: bool = False,
    progress: Progress | None = None,
) -> SolvedPattern:
    """Find the orientation that explains a pattern's peaks and refine it in pixels.

    Parameters
    ----------
    pattern : as from ``read_pattern``, or ``MeasuredPattern(peaks)``
    crystal : its cell and structure
    detector : the camera's geometry
    band_kev : lowest and highest photon energy; the upper end decides which reflections can be there. For neutrons
        hc/λ: ``wavelengths.band_of_wavelengths((0.8, 4.0))``
    known : how well the geometry is known. It enters the orientation's uncertainty; a camera that is not calibrated is
        fitted together with the orientation, since that would be biased by its errors. None is ``IN_WORDS`` with
        search_camera, else ``CALIBRATED``
    refine_detector : refine the panel's shift and two tilts as if little were known of them; for a reference crystal
    search_camera : where the stated camera explains nothing, or what is not to be believed, look for one within 10 % of
        its distance and 1.5 mm of its centre, and refine it; only an answer beyond doubt is taken
    progress : called after every camera of that search with how many were tried and how many there are

    Returns
    -------
    SolvedPattern

    Raises
    ------
    IndexingFailed : too few peaks, or no orientation that explains them better than chance
    ValueError : a band that is none, or in which no reflection can reach the detector
    """
    indexer = Indexer(crystal, band_kev, detector)
    check_reach(crystal, detector, band_kev)
    if pattern.count < MIN_MATCHED:
        raise IndexingFailed(
            f"{pattern.count} peaks found; at least {MIN_MATCHED} are needed: expose longer or lower the threshold"
        )
    if known is None:
        known = IN_WORDS if search_camera else CALIBRATED
    known = UNCALIBRATED if refine_detector else known
    attempt = _Attempt(pattern, indexer, detector, known, search_camera, progress)
    best: SolvedPattern | None = None
    for solved in attempt.answers():
        if best is None or _less_doubtful(solved, best):
            best = solved
        if not best.warnings:
            break
    if best is None:
        raise IndexingFailed(
            f"not indexed: {'; '.join(attempt.reasons)}; check cell, band and detector geometry", attempt.nearest
        )
    return best


def _less_doubtful(one: SolvedPattern, other: SolvedPattern) -> bool:
    return (len(one.warnings), -one.indexed.figure_of_merit) < (len(other.warnings), -other.indexed.figure_of_merit)


def check_reach(crystal: Crystal, detector: Detector, band_kev: tuple[float, float]) -> None:
    """Raise ValueError, with the energy that is needed, where no reflection in the band can reach the detector."""
    low, high = band_kev
    beam = replace(Beam.flat((max(low, min(0.1, 0.5 * high)), high)), radiation=crystal.radiation)
    # the model asks as it starts; its table holds the lowest reflections even where the band is below them
    LaueModel(crystal, beam, detector, table=crystal.reflections(max(high, TABLE_KEV)))


@dataclass
class _Attempt:
    """The ways to an answer, in turn: on the given camera, among many false peaks, and on a camera about the given one.

    A camera in words is searched first: what the stated one explains is seldom all that there is.
    """

    pattern: MeasuredPattern
    indexer: Indexer
    given: Detector
    known: CameraKnowledge
    search_camera: bool
    progress: Progress | None
    reasons: list[str] = field(default_factory=list)
    nearest: NotIndexed | None = None

    def answers(self) -> Iterator[SolvedPattern]:
        """Yield answers, refined and judged; ``reasons`` tells in the end which ways led nowhere."""
        if self.search_camera and not self.known.calibrated:
            yield from self._on_found_camera()
        yield from self._on_given_camera()
        if self.search_camera and self.known.calibrated:
            yield from self._on_found_camera()

    def _on_given_camera(self) -> Iterator[SolvedPattern]:
        position, intensity = self.pattern.position_px, self.pattern.intensity
        ordinary = self.indexer.index(position, intensity)
        if isinstance(ordinary, Indexed):
            yield self._finished(self.given, ordinary, self.known)[0]
            if ordinary.assigned.mean() > CLEAR_SHARE:
                return
        else:
            self.nearest = ordinary
            self.reasons.insert(0, ordinary.reason)
        yield from self._among_false_peaks()

    def _among_false_peaks(self) -> Iterator[SolvedPattern]:
        """Try all pairs of bright peaks: at other distances too where the camera is open and no zone shows it."""
        for camera in self._cameras():
            found = False
            for indexed in among_false_peaks(self.indexer, camera, self.pattern.position_px, self.pattern.intensity):
                solved, judged = self._finished(camera, indexed, self.known)
                if judged.possible:
                    found = True
                    yield solved
            if found:
                return

    def _cameras(self) -> list[Detector]:
        if self.known.calibrated or not self.search_camera:
            return [self.given]
        sharpest = self._sharpest
        if sharpest and sharpest[0].clear:
            return [sharpest[0].detector]
        away = self.given.distance_mm * self.given.normal
        return [self.given.displaced(share * away, np.zeros(3)) for share in DISTANCES]

    @cached_property
    def _sharpest(self) -> tuple[SharpCamera, ...]:
        return sharpest_cameras(self.pattern.position_px, self.pattern.intensity, self.given, most=SHARPEST)

    def _on_found_camera(self) -> Iterator[SolvedPattern]:
        """Look about the stated camera, first where zones are sharpest and where a shadow says that its centre is."""
        position, intensity = self.pattern.position_px, self.pattern.intensity
        sharpest = self._sharpest
        clear = bool(sharpest) and sharpest[0].clear
        starts = [one.detector for one in reversed(sharpest)] if clear else [one.detector for one in sharpest]
        if not clear and self.pattern.beam_px is not None:
            starts += centred_on(self.given, self.pattern.beam_px)
        found = find_camera(
            self.indexer,
            self.given,
            position,
            intensity,
            starts=starts,
            distance_share=NEAR_CLEAR_ZONES if clear else DISTANCE_SHARE,
            centre_mm=0.0 if clear else CENTRE_MM,
            progress=self.progress,
        )
        best = ""
        if found is not None:
            every = every_peak(self.indexer, found, position, intensity)
            known = IN_WORDS if self.known.calibrated else self.known
            solved, _ = self._finished(found.detector, every, known)
            if found.sure or not solved.warnings:
                yield solved
            best = f", the best with merit {found.merit_per_peak:.1f} a peak"
        self.reasons.append(f"nor did any camera about the stated one explain the peaks{best}")

    def _finished(
        self, camera: Detector, indexed: Indexed, known: CameraKnowledge
    ) -> tuple[SolvedPattern, Plausibility]:
        return _finished(self.pattern, self.indexer, self.given, camera, indexed, known)


def _finished(
    pattern: MeasuredPattern,
    indexer: Indexer,
    given: Detector,
    camera: Detector,
    indexed: Indexed,
    known: CameraKnowledge,
) -> tuple[SolvedPattern, Plausibility]:
    """Refine an answer, match the peaks anew, and judge what comes out."""
    indexed, camera = _matched_anew(pattern, indexer, given, camera, indexed, known)
    fixed = known.calibrated or isinstance(camera, CylinderDetector)  # alternatives are fitted with flat cameras alone
    indexed, camera = best_beside_alternatives(indexer, pattern, given, camera, indexed, calibrated=fixed)
    indexed = _tightened(pattern, indexer.on(camera), indexed)
    refined = _refined(pattern, indexer.crystal, given, camera, indexed, known)
    indexed = replace(indexed, orientation=refined.orientation, residual_px=refined.mean_residual_px)
    judged = plausibility(indexer, refined.detector, indexed, pattern.position_px, pattern.hidden)
    band_kev = indexer.table.band_kev
    warnings = judged.warnings
    if not known.calibrated and indexed.matched < FEWEST_EXPLAINED:
        warnings += (
            f"chance? Only {indexed.matched} peaks are explained, by an orientation and a camera fitted to them",
        )
    return (
        SolvedPattern(indexer.crystal, given, refined.detector, band_kev, pattern, indexed, refined, warnings),
        judged,
    )


def _tightened(pattern: MeasuredPattern, indexer: Indexer, indexed: Indexed) -> Indexed:
    """Leave out the false peaks that a wide search radius has let in, where most residuals are much smaller."""
    assert indexer.detector is not None
    for _ in range(TIGHTENED):
        _, residual_deg = median_residuals(indexer, indexer.detector, indexed, pattern.position_px)
        radius = max(NEAR_RESIDUALS * residual_deg, LEAST_RADIUS_DEG)
        if radius > WIDE * indexed.tolerance_deg:
            break
        peaks = Pattern(indexer.table, indexer.detector.plane_normals(pattern.position_px), pattern.intensity)
        fit = peaks.judge(peaks.polish(indexed.orientation, radius, trials=GUESS_TRIALS))
        if fit.assigned.sum() < MIN_MATCHED:
            break
        indexed = replace(indexer.answer(peaks, fit, pattern.position_px), ambiguous=indexed.ambiguous)
    return indexed


def _matched_anew(
    pattern: MeasuredPattern,
    indexer: Indexer,
    given: Detector,
    camera: Detector,
    indexed: Indexed,
    known: CameraKnowledge,
) -> tuple[Indexed, Detector]:
    """Match the peaks anew with what was refined, as long as that is no worse."""
    for _ in range(1 if known.calibrated else CAMERA_ROUNDS):
        refined = _refined(pattern, indexer.crystal, given, camera, indexed, known)
        again = indexer.on(refined.detector).index(pattern.position_px, pattern.intensity, guess=refined.orientation)
        if isinstance(again, NotIndexed) or not may_replace(indexed, again, indexer.crystal.rotations):
            break
        indexed, camera = again, refined.detector
    return indexed, camera


def _refined(
    pattern: MeasuredPattern,
    crystal: Crystal,
    given: Detector,
    camera: Detector,
    indexed: Indexed,
    known: CameraKnowledge,
) -> Refined:
    """Fit orientation and, where it is not calibrated and the peaks can fix it, the camera about the given one."""
    measured, hkl = pattern.position_px[indexed.assigned], indexed.hkl[indexed.assigned]
    uncertain = known.geometry_uncertainty(given)
    twist_deg = known.twist_deg(given)
    if known.calibrated or 2 * indexed.matched <= len(ROTATION) + len(geometry_names(given)):
        fit = refine(crystal, camera, measured, hkl, indexed.orientation)
        return with_twist(with_camera_uncertainty(fit, crystal, measured, hkl, uncertain), twist_deg)
    fit = refine(
        crystal,
        given,
        measured,
        hkl,
        indexed.orientation,
        refine_detector=True,
        geometry_uncertainty=uncertain,
        start=camera,
    )
    return with_twist(fit, twist_deg)
