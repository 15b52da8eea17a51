"""The first orientation of a pattern among many false peaks, or of all peaks on a camera that was found."""

from collections.abc import Iterator

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing.camera_search import FoundCamera
from beamgym.physics.laue.indexing.indexing import Indexed, Indexer
from beamgym.physics.laue.matching import STAGES_DEG, Pattern, search_thoroughly

LEAST_MERIT, LEAST_MATCHED = 9.0, 8
"""What an orientation must reach that explains few of the peaks: those of chance stay below 3."""
SAME_DEG = 0.5
"""Orientations nearer than this are one."""
MOST_ANSWERS = 3
"""Orientations of one radius that are worth refining."""


def among_false_peaks(
    indexer: Indexer, detector: Detector, position_px: Float64Array, intensity: Float64Array
) -> Iterator[Indexed]:
    """Yield orientations that more peaks agree with than chance allows, though most of the list may be false.

    Another crystal's coincidences can be as telling: whether the spots are there that an answer should show is for the
    caller to ask.

    Parameters
    ----------
    indexer : of crystal and band
    detector : the camera
    position_px, intensity : (p, 2) and (p,) the peaks
    """
    there = indexer.on(detector)
    pattern = Pattern(indexer.table, detector.plane_normals(position_px), intensity)
    known: list[Float64Array] = []
    for radius_deg in STAGES_DEG:
        for fit in sorted(search_thoroughly(pattern, radius_deg), key=lambda fit: -fit.merit)[:MOST_ANSWERS]:
            if fit.merit < LEAST_MERIT or fit.assigned.sum() < LEAST_MATCHED:
                break
            if not known or pattern.nearest_deg(fit.u, known) > SAME_DEG:
                known.append(fit.u)
                yield there.answer(pattern, fit, position_px)
        if known:
            return


def every_peak(indexer: Indexer, found: FoundCamera, position_px: Float64Array, intensity: Float64Array) -> Indexed:
    """Return the answer of all peaks for the orientation and the camera that the brightest of them gave."""
    pattern = Pattern(indexer.table, found.detector.plane_normals(position_px), intensity)
    radius = max(found.indexed.tolerance_deg, 0.25)
    fit = pattern.judge(pattern.polish(found.indexed.orientation, radius, trials=1000))
    return indexer.on(found.detector).answer(pattern, fit, position_px)
