"""Indexes one measured pattern completely: index, refine in pixels, index again on the refined camera."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal, ub_matrix
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing.camera_search import Progress, find_camera
from beamgym.physics.laue.indexing.indexing import Indexed, Indexer, NotIndexed, predict_px
from beamgym.physics.laue.indexing.measured import MeasuredPattern
from beamgym.physics.laue.indexing.observed import MIN_MATCHED
from beamgym.physics.laue.indexing.refinement import GEOMETRY, ROTATION, Refined, refine
from beamgym.physics.laue.pattern import LaueModel

BAND_KEV = (5.0, 25.0)
"""What a tungsten tube or a bending magnet sends through air, keV."""
LOOSE_GEOMETRY = (2.0, 2.0, 2.0, 2.0, 2.0)
"""Standard deviations, mm and degrees, of a camera that is yet to be calibrated."""
CAMERA_ROUNDS = 2
"""Refinements of a camera: the second has the peaks that the first camera was too far off to explain."""
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
    detector : the geometry that explains the peaks: the given one, or the refined one
    band_kev : lowest and highest photon energy
    pattern : the peaks, and the image where there is one
    indexed : the orientation after the last refinement, with figures, assigned peaks and ambiguities
    refined : the last refinement before that, with the uncertainties and changes of its parameters
    """

    crystal: Crystal
    detector: Detector
    band_kev: tuple[float, float]
    pattern: MeasuredPattern
    indexed: Indexed
    refined: Refined

    @property
    def ub_inv_a(self) -> Float64Array:
        """(3, 3) UB in 1/Å without 2π; its columns are a*, b* and c* in the lab."""
        return ub_matrix(self.indexed.orientation, self.crystal)

    @property
    def uncertainty(self) -> Mapping[str, float]:
        """One standard deviation of each refined parameter, in the unit its name says."""
        return self.refined.uncertainty

    @property
    def detector_change(self) -> dict[str, float]:
        """How far the panel moved and tilted from the given geometry in the last round; empty unless it was refined."""
        return {name: self.refined.change[name] for name in GEOMETRY if name in self.refined.change}


def solve(
    pattern: MeasuredPattern,
    crystal: Crystal,
    detector: Detector,
    band_kev: tuple[float, float] = BAND_KEV,
    *,
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
    refine_detector : refine the panel's shift and two tilts too; for a reference crystal
    search_camera : where the stated camera explains nothing, look for one within 10 % of its distance and 1.2 mm of its
        centre, and refine it; only an answer beyond doubt is taken
    progress : called after every camera of that search with how many were tried and how many there are

    Returns
    -------
    SolvedPattern

    Raises
    ------
    IndexingFailed : too few peaks, or no orientation that explains them better than chance
    ValueError : a band that is none, or in which no reflection can reach the detector
    """
    try:
        indexed = _first_answer(pattern, crystal, detector, band_kev)
    except IndexingFailed as failed:
        if not search_camera or pattern.count < MIN_MATCHED:
            raise
        indexed, detector = _searched(pattern, crystal, detector, band_kev, failed, progress)
        refine_detector = True
    for _ in range(CAMERA_ROUNDS if refine_detector else 1):
        refined = _refined(pattern, crystal, detector, indexed, refine_detector)
        again = Indexer(crystal, band_kev, refined.detector).index(
            pattern.position_px, pattern.intensity, guess=refined.orientation
        )
        if isinstance(again, Indexed):
            indexed, detector = again, refined.detector
    indexed = _with_last_fit(pattern, crystal, detector, indexed)
    return SolvedPattern(crystal, detector, band_kev, pattern, indexed, refined)


def check_reach(crystal: Crystal, detector: Detector, band_kev: tuple[float, float]) -> None:
    """Raise ValueError, with the energy that is needed, where no reflection in the band can reach the detector."""
    low, high = band_kev
    beam = replace(Beam.flat((max(low, min(0.1, 0.5 * high)), high)), radiation=crystal.radiation)
    # the model asks as it starts; its table holds the lowest reflections even where the band is below them
    LaueModel(crystal, beam, detector, table=crystal.reflections(max(high, TABLE_KEV)))


def _first_answer(
    pattern: MeasuredPattern, crystal: Crystal, detector: Detector, band_kev: tuple[float, float]
) -> Indexed:
    indexer = Indexer(crystal, band_kev, detector)
    check_reach(crystal, detector, band_kev)
    if pattern.count < MIN_MATCHED:
        raise IndexingFailed(
            f"{pattern.count} peaks found; at least {MIN_MATCHED} are needed: expose longer or lower the threshold"
        )
    answer = indexer.index(pattern.position_px, pattern.intensity)
    if isinstance(answer, NotIndexed):
        raise IndexingFailed(f"not indexed: {answer.reason}; check cell, band and detector geometry", answer)
    return answer


def _searched(
    pattern: MeasuredPattern,
    crystal: Crystal,
    stated: Detector,
    band_kev: tuple[float, float],
    failed: IndexingFailed,
    progress: Progress | None,
) -> tuple[Indexed, Detector]:
    """Look for the camera that its user stated wrongly; raises the first failure anew where none is beyond doubt."""
    indexer = Indexer(crystal, band_kev, stated)
    found = find_camera(indexer, stated, pattern.position_px, pattern.intensity, progress=progress)
    if found is not None and found.sure:
        every = indexer.on(found.detector).index(
            pattern.position_px, pattern.intensity, guess=found.indexed.orientation
        )
        if isinstance(every, Indexed):
            return every, found.detector
    nearest = f", the best with merit {found.merit_per_peak:.1f} a peak" if found is not None else ""
    raise IndexingFailed(
        f"{failed}; nor did any camera about the stated one explain the peaks{nearest}", failed.nearest
    )


def _refined(
    pattern: MeasuredPattern, crystal: Crystal, detector: Detector, indexed: Indexed, refine_detector: bool
) -> Refined:
    """Fit orientation and, where the peaks can fix it, the camera."""
    parameters = len(ROTATION) + len(GEOMETRY)
    return refine(
        crystal,
        detector,
        pattern.position_px[indexed.assigned],
        indexed.hkl[indexed.assigned],
        indexed.orientation,
        refine_detector=refine_detector and 2 * indexed.matched > parameters,
        geometry_uncertainty=LOOSE_GEOMETRY,
    )


def _with_last_fit(pattern: MeasuredPattern, crystal: Crystal, detector: Detector, indexed: Indexed) -> Indexed:
    """Finish with a fit in pixels of the orientation alone, on the camera that came out."""
    measured, hkl = pattern.position_px[indexed.assigned], indexed.hkl[indexed.assigned]
    last = refine(crystal, detector, measured, hkl, indexed.orientation)
    predicted, _ = predict_px(crystal, detector, last.orientation, hkl)
    residual_px = float(np.linalg.norm(predicted - measured, axis=1).mean())
    return replace(indexed, orientation=last.orientation, residual_px=residual_px)
