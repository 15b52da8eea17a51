"""How far off the orientation is that one frame gives: a model of the estimator's errors, drawn as spots are."""

from dataclasses import dataclass, replace

import numpy as np

from beamgym.physics.arrays import Float64Array, Int64Array, UInt64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.imperfection_kernels import draw_normals
from beamgym.physics.laue.imperfections import Imperfections
from beamgym.physics.orientation import rotation_matrix

BEAM_PER_MM, ACROSS_PER_MM, NOISE_PER_MM = 0.06, 0.55, 0.13
"""Degrees per millimetre by which a spot is off: what the camera's unknown place leaves of the turn about the beam and
of those across it, and what changes from frame to frame; on 80 instruments of Si and of Ca2RuO4 each."""
USUAL_FOUND, BY_FOUND = 0.8, 0.45
"""Share of the spots that those frames showed, and the power by which fewer of them leave more."""

BY_TILT, BY_FOUND_ALONE, LEAST_ACROSS_DEG = 0.07, 3.0, 0.002
"""Of frames that are indexed by themselves: what a tilted panel leaves of the turn across the beam, the power by which
fewer spots leave more from frame to frame, and what is left where the camera is exact; on 100 instruments of Si at each
of the levels easy, real and hard."""


@dataclass(frozen=True)
class SightErrors:
    """Standard deviations of the orientation that one frame gives, degrees.

    Parameters
    ----------
    bias_deg : (3,) about the lab's axes, the same in all frames of an episode: the camera is not where it is said to be
    noise_deg : of every frame, about each axis; or (n,), of one frame of each crystal
    """

    bias_deg: tuple[float, float, float]
    noise_deg: float | Float64Array


def sight_errors(level: Imperfections) -> SightErrors:
    """Return what a level's frames tell of an orientation, by the estimator that knows crystal and nominal camera."""
    spot_mm = level.centroid_noise_mm * (USUAL_FOUND / (1.0 - level.missing_fraction)) ** BY_FOUND
    across = ACROSS_PER_MM * spot_mm
    return SightErrors((BEAM_PER_MM * spot_mm, across, across), NOISE_PER_MM * spot_mm)


def by_matched(errors: SightErrors, matched: Int64Array, usual: int) -> SightErrors:
    """Return the errors of frames in which fewer spots than usual were matched: their noise grows as 1/sqrt(spots).

    Parameters
    ----------
    errors : of a frame with the usual number of spots
    matched : (n,) spots of each frame; frames with none count as with one
    usual : number of spots
    """
    fewer = np.sqrt(np.maximum(usual / np.maximum(matched, 1), 1.0))
    return replace(errors, noise_deg=errors.noise_deg * fewer)


def index_errors(level: Imperfections, detector: Detector) -> SightErrors:
    """Return what a level's frames tell of an orientation, each indexed by itself with the nominal camera.

    Parameters
    ----------
    level : of the instrument
    detector : the nominal panel; where it is shifted by s at a distance d, a back-reflected pattern looks turned by
        s / 2d
    """
    shift_deg = float(np.degrees(level.detector_shift_mm / (2.0 * detector.distance_mm)))
    across = float(np.hypot(shift_deg, BY_TILT * level.detector_tilt_deg)) + LEAST_ACROSS_DEG
    fewer = max(1.0, USUAL_FOUND / (1.0 - level.missing_fraction)) ** BY_FOUND_ALONE
    beam = BEAM_PER_MM * level.centroid_noise_mm
    return SightErrors((beam, across, across), NOISE_PER_MM * level.centroid_noise_mm * fewer)


def readings(
    errors: SightErrors, orientation: Float64Array, camera_keys: UInt64Array, frame_keys: UInt64Array
) -> Float64Array:
    """Return what one frame gives for orientations (n, 3, 3): the same, turned by the camera's and the frame's error.

    Parameters
    ----------
    errors : of the level
    orientation : (n, 3, 3) as the crystals stand
    camera_keys, frame_keys : (n,) of an episode's camera, and of a frame
    """
    off = draw_normals(camera_keys, 3) * np.array(errors.bias_deg)
    off = off + draw_normals(frame_keys, 3) * np.asarray(errors.noise_deg)[..., None]
    seen: Float64Array = rotation_matrix(off) @ orientation
    return seen
