"""Imperfections of a real camera and sample, and the levels of the Laue environments."""

from dataclasses import dataclass, fields

import numpy as np

from beamgym.physics.instrument import Float64Array, UInt64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.imperfection_kernels import draw_normals
from beamgym.physics.orientation import rotation_matrix


@dataclass(frozen=True)
class Imperfections:
    """One level's numbers.

    Parameters
    ----------
    centroid_noise_mm : standard deviation of a found spot's position on the detector, each direction, mm
    missing_fraction : share of the spots that are not found, drawn anew for every frame
    false_spots : mean number of false spots a frame (Poisson)
    intensity_noise : standard deviation of ln(intensity)
    detector_shift_mm : standard deviation of the detector's centre (both directions) and distance, hidden, mm
    detector_tilt_deg : standard deviation of each of the detector's two tilts, hidden, degrees
    backlash_deg : lost motion of every rotation axis, degrees; an axis that says more of itself keeps its own
    zero_error_deg : standard deviation of each rotation axis's hidden zero error, degrees
    readback_noise_deg : standard deviation of every reading of a rotation axis, degrees
    eccentricity_mm : standard deviation by which each axis misses the sample (the sphere of confusion), mm
    counts_scale : counts relative to the level "real"
    """

    centroid_noise_mm: float = 0.1
    missing_fraction: float = 0.2
    false_spots: float = 3.0
    intensity_noise: float = 0.2
    detector_shift_mm: float = 0.1
    detector_tilt_deg: float = 0.1
    backlash_deg: float = 0.05
    zero_error_deg: float = 0.0
    readback_noise_deg: float = 0.0
    eccentricity_mm: float = 0.0
    counts_scale: float = 1.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not np.isfinite(value) or value < 0:
                raise ValueError(f"{item.name} is {value}; it must be a finite number, 0 or more")
        if self.missing_fraction >= 1:
            raise ValueError(
                f"missing_fraction is {self.missing_fraction}; it must be below 1, or no spot is ever found"
            )


LAUE_LEVELS: dict[str, Imperfections] = {
    "easy": Imperfections(
        centroid_noise_mm=0.05,
        missing_fraction=0.1,
        false_spots=1.5,
        intensity_noise=0.1,
        detector_shift_mm=0.0,
        detector_tilt_deg=0.0,
        backlash_deg=0.0,
    ),
    "real": Imperfections(),
    "hard": Imperfections(
        missing_fraction=0.5,
        false_spots=15.0,
        detector_shift_mm=0.5,
        detector_tilt_deg=0.3,
        backlash_deg=0.2,
        counts_scale=0.25,
    ),
}


def imperfections(level: str | Imperfections) -> Imperfections:
    """Return a level by name, or the given numbers themselves; raises ValueError for an unknown name."""
    if isinstance(level, Imperfections):
        return level
    if level not in LAUE_LEVELS:
        raise ValueError(f"unknown level {level!r}; choose one of {', '.join(LAUE_LEVELS)}")
    return LAUE_LEVELS[level]


def miscalibrated_detectors(nominal: Detector, level: Imperfections, keys: UInt64Array) -> Float64Array:
    """Draw the true position of the detector for each of n samples.

    Parameters
    ----------
    nominal : where everybody believes it to be
    level : gives the standard deviations
    keys : (n,) one per sample

    Returns
    -------
    (n, 9) origin_mm, fast and slow of each sample's detector
    """
    draws = draw_normals(keys, 5)
    fast, slow = np.asarray(nominal.fast), np.asarray(nominal.slow)
    axes = np.stack([fast, slow, np.cross(fast, slow)])
    tilt = rotation_matrix(level.detector_tilt_deg * (draws[:, 3:4] * fast + draws[:, 4:5] * slow))
    to_centre = 0.5 * nominal.pixel_mm * ((nominal.shape[1] - 1) * fast + (nominal.shape[0] - 1) * slow)
    shift = level.detector_shift_mm * (draws[:, :1] * axes[0] + draws[:, 1:2] * axes[1] + draws[:, 2:3] * axes[2])
    origin = np.asarray(nominal.origin_mm) + to_centre + shift - tilt @ to_centre
    return np.concatenate([origin, tilt @ fast, tilt @ slow], axis=1)
