"""The pattern of one place: every grain that the beam lights, at its height, streaked where a crystal is bent."""

import numpy as np
from scipy.spatial import cKDTree

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.camera import SPOT_MM
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.mosaic.plate.crystals import Grain, PlateCrystal
from beamgym.physics.mosaic.plate.footprint import Lit
from beamgym.physics.mosaic.plate_frame import PLATE_TO_LAB

PIECES = np.array([[0.0, 0.0], [0.3, 0.0], [-0.3, 0.0], [0.0, 0.3], [0.0, -0.3]])
"""Points of the spot, in diameters, whose lattices make a bent crystal's pattern."""
ONE_SPOT_MM = 0.5
"""Spots nearer than this on the panel are found as one: twice a spot's width."""
CENTROID_SHARE = 0.3
"""How far a streaked spot's centroid scatters, as a share of the streak: it is uneven."""

Pattern = tuple[Float64Array, Float64Array, Float64Array]
"""Places (s, 2) px, intensities (s,) counts per second, and widths beyond a spot's own (s,) px."""


def spots_of(
    model: LaueModel, lit: Lit, point_mm: Float64Array, diameter_mm: float, panel: Float64Array, *, streaks: bool
) -> Pattern:
    """Return the spots of all grains under the beam.

    Parameters
    ----------
    model : of the material, with the camera
    lit : what the beam lights at ``point_mm``
    point_mm : (2,) where the beam is, plate frame
    diameter_mm : of the beam
    panel : (9,) where the camera stands as the plate's plane sees it
    streaks : True leaves the pieces of a bent crystal's spots apart, as an image shows them; otherwise one spot each
    """
    parts = [
        _of_grain(model, crystal, grain, float(share), point_mm, diameter_mm, panel, streaks=streaks)
        for crystal, shares in zip(lit.crystals, lit.shares, strict=True)
        for grain, share in zip(crystal.grains, shares, strict=True)
        if share > 0.0
    ]
    if not parts:
        return np.zeros((0, 2)), np.zeros(0), np.zeros(0)
    joined = tuple(np.concatenate([part[k] for part in parts]) for k in range(3))
    whole: Pattern = (joined[0], joined[1], joined[2])
    return whole if streaks or len(parts) == 1 else _one_where_near(*whole, ONE_SPOT_MM / model.detector.pixel_mm)


def seen_from(panel: Float64Array, height_mm: float) -> Float64Array:
    """Return a panel (9,) as a crystal sees it whose face stands so much nearer to the source than the plate."""
    moved = panel.copy()
    moved[:3] -= PLATE_TO_LAB @ np.array([0.0, 0.0, height_mm])
    return moved


def _of_grain(
    model: LaueModel,
    crystal: PlateCrystal,
    grain: Grain,
    share: float,
    point_mm: Float64Array,
    diameter_mm: float,
    panel: Float64Array,
    *,
    streaks: bool,
) -> Pattern:
    bent = bool(crystal.bend_deg_per_mm.any())
    points = point_mm + (PIECES if bent else PIECES[:1]) * diameter_mm
    u = np.stack([PLATE_TO_LAB @ crystal.orientation_at(grain, point) for point in points])
    there = seen_from(panel, crystal.height_mm)
    spots = model.spots(u, np.broadcast_to(there, (len(u), 9)))
    real = spots.mask
    place = spots.position_px[real].astype(np.float64)
    intensity = spots.intensity[real].astype(np.float64) * share / len(points)
    blur = 2.0 * np.radians(crystal.mosaic_deg) * model.detector.distance_mm / model.detector.pixel_mm
    if streaks or not bent:
        return place, intensity, np.full(len(intensity), blur)
    ray, which = np.unique(spots.ray[real], return_inverse=True)
    total = np.bincount(which, intensity, len(ray))
    middle = np.stack([np.bincount(which, intensity * place[:, k], len(ray)) / total for k in (0, 1)], axis=1)
    length = np.sqrt(np.bincount(which, intensity * ((place - middle[which]) ** 2).sum(axis=1), len(ray)) / total)
    # a streak's intensity is spread out, so that less of it stands out of the background
    thinned = total / np.sqrt(1.0 + (length * model.detector.pixel_mm / SPOT_MM) ** 2)
    return middle, thinned, np.hypot(blur, length)


def _one_where_near(place: Float64Array, intensity: Float64Array, width: Float64Array, near_px: float) -> Pattern:
    """Join spots that lie too near to each other to be found apart, at their centre of intensity."""
    order = np.argsort(-intensity, kind="stable")
    place, intensity, width = place[order], intensity[order], width[order]
    owner = np.arange(len(intensity))
    for a, b in sorted(map(tuple, cKDTree(place).query_pairs(near_px, output_type="ndarray").tolist())):
        if owner[b] == b:
            owner[b] = owner[a]
    total = np.asarray(np.bincount(owner, intensity, len(intensity)), dtype=np.float64)
    kept = np.flatnonzero(owner == np.arange(len(intensity)))
    joined: Float64Array = np.stack(
        [np.bincount(owner, intensity * place[:, k], len(intensity))[kept] / total[kept] for k in (0, 1)], axis=1
    )
    return joined, total[kept], width[kept]
