"""At which distances the zones of some frames are sharpest: no lattice is needed for that."""

import numpy as np

from beamgym.physics.laue.stated_camera import POSITION_PX, zone_sharpness
from beamgym.physics.laue.zone_search.views import Views

SHARE = 0.2
"""Largest error of the stated distance, relative."""
STEP_MM, FINE_STEP_MM = 0.25, 0.05
WIDENED = 3.0
"""By how much errors are widened on the coarse grid."""
BRIGHTEST, FRAMES = 60, 2
"""Spots of a frame, and frames, whose zones are looked at."""


def sharp_distances(views: Views, most: int = 3) -> list[float]:
    """Return the distances, mm, at which most triples of planes share a zone; the sharpest first."""
    stated = views.camera.distance_mm
    coarse = np.arange(stated * (1.0 - SHARE), stated * (1.0 + SHARE) + 0.5 * STEP_MM, STEP_MM)
    sharpness = np.array([_sharpness(views, distance, WIDENED) for distance in coarse])
    found = []
    for number in np.argsort(-sharpness, kind="stable")[:most]:
        fine = coarse[number] + np.arange(-STEP_MM, STEP_MM + 0.5 * FINE_STEP_MM, FINE_STEP_MM)
        exact = [_sharpness(views, distance, 1.0) for distance in fine]
        found.append((max(exact), float(fine[int(np.argmax(exact))])))
    return [distance for _, distance in sorted(found, reverse=True)]


def _sharpness(views: Views, distance_mm: float, widened: float) -> float:
    camera, scale = views.camera_at(distance_mm), widened * views.error_px / POSITION_PX
    largest = sorted(views.frames, key=lambda view: -len(view.position_px))[:FRAMES]
    return sum(zone_sharpness(view.position_px[:BRIGHTEST], camera, scale) for view in largest)
