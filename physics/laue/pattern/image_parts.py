"""What an image is made of beside its spots' list: their shape, the background, and the sensor that reads it out."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector

DTYPES = {8: np.uint8, 16: np.uint16, 32: np.uint32}
"""What a sensor of so many bits writes."""


@dataclass(frozen=True)
class SpotShape:
    """What makes a spot wide.

    Parameters
    ----------
    blur_mm : standard deviation on the detector of point spread, beam size and sample depth together, mm
    mosaic_deg : standard deviation of the mosaic blocks' tilt about each axis; 2δ radially, 2 sinθ·δ sideways
    divergence_deg : standard deviation of the beam's direction about each axis
    """

    blur_mm: float = 0.06
    mosaic_deg: float = 0.0
    divergence_deg: float = 0.0

    def __post_init__(self) -> None:
        _check_not_negative(self)
        if self.blur_mm == 0 and self.mosaic_deg == 0 and self.divergence_deg == 0:
            raise ValueError("a spot needs some width: set blur_mm, mosaic_deg or divergence_deg above 0")


@dataclass(frozen=True)
class ImageBackground:
    """What falls on the panel beside the spots, in counts per second.

    Parameters
    ----------
    hill_per_mm2 : air and thermal diffuse scattering at the beam's axis, counts/(s mm²)
    hill_width_deg : standard deviation of that hill in the angle from the beam's axis
    flat_per_mm2 : fluorescence and Compton scattering, isotropic: counts/(s mm²) where the panel is nearest
    dark_per_pixel : counts/s in every pixel, without light
    hole_mm : radius of the hole for the beam about the beam's axis; nothing is detected inside
    shadow_mm : radius of the collimator's shadow
    shadow_transmission : what passes in the shadow, 0 to 1
    """

    hill_per_mm2: float = 20.0
    hill_width_deg: float = 25.0
    flat_per_mm2: float = 5.0
    dark_per_pixel: float = 0.02
    hole_mm: float = 1.5
    shadow_mm: float = 4.0
    shadow_transmission: float = 0.3

    def __post_init__(self) -> None:
        _check_not_negative(self)
        if self.hill_width_deg == 0:
            raise ValueError("hill_width_deg must be above 0; switch the hill off with hill_per_mm2=0")
        if self.shadow_transmission > 1:
            raise ValueError(f"shadow_transmission is a share of 0 to 1, not {self.shadow_transmission!r}")

    @classmethod
    def none(cls) -> ImageBackground:
        """Return nothing: no scattering, no dark counts, no hole and no shadow."""
        return cls(0.0, 25.0, 0.0, 0.0, 0.0, 0.0, 1.0)

    def rate(self, detector: Detector) -> Float64Array:
        """Return the expected counts per second in every pixel (slow, fast), without hole and shadow."""
        _, from_axis, length, facing = _pixel_geometry(detector)
        angle_deg = np.degrees(np.arcsin(np.minimum(1.0, from_axis / length)))
        nearness = (detector.distance_mm / length) ** 3 * (facing / detector.distance_mm)
        hill = self.hill_per_mm2 * np.exp(-0.5 * (angle_deg / self.hill_width_deg) ** 2)
        rate: Float64Array = detector.pixel_mm**2 * nearness * (hill + self.flat_per_mm2)
        return rate

    def opening(self, detector: Detector) -> Float64Array:
        """Return the share of the light that reaches each pixel (slow, fast): 0 in the hole, less in the shadow."""
        _, from_axis, _, _ = _pixel_geometry(detector)
        share = np.where(from_axis < self.shadow_mm, self.shadow_transmission, 1.0)
        opening: Float64Array = np.where(from_axis < self.hole_mm, 0.0, share)
        return opening


@dataclass(frozen=True)
class Sensor:
    """How expected counts become numbers.

    Parameters
    ----------
    gain : read-out units per count
    offset : pedestal, read-out units
    read_noise : standard deviation, read-out units
    full_well : counts a pixel can hold
    bits : 8, 16 or 32; the read-out is clipped at 2**bits − 1
    hot_share, dead_share : share of pixels that read full scale, or nothing
    response_rms : relative spread of the pixels' sensitivity, not corrected for
    noise : False reads out the expected counts, rounded
    bloom : what a full pixel cannot hold runs along its column
    seed : of the hot and dead pixels and of the response: they belong to the camera, not to a frame
    """

    gain: float = 1.0
    offset: float = 10.0
    read_noise: float = 2.0
    full_well: float = 1e9
    bits: int = 16
    hot_share: float = 0.0
    dead_share: float = 0.0
    response_rms: float = 0.0
    noise: bool = True
    bloom: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _check_not_negative(self)
        if self.bits not in DTYPES:
            raise ValueError(f"bits must be 8, 16 or 32, not {self.bits!r}")
        if self.gain == 0 or self.full_well == 0:
            raise ValueError("gain and full_well must be above 0: this camera would read nothing")
        if self.bloom and not self.noise:
            raise ValueError("blooming is only simulated with noise=True")
        if self.hot_share + self.dead_share > 1:
            raise ValueError("hot_share and dead_share are shares of the pixels and cannot exceed 1 together")

    @property
    def top(self) -> int:
        """Full scale of the read-out."""
        return int(2**self.bits - 1)


def _check_not_negative(settings: Any) -> None:
    for item in fields(settings):
        value = getattr(settings, item.name)
        if not isinstance(value, bool) and not (isinstance(value, int | float) and math.isfinite(value) and value >= 0):
            raise ValueError(f"{item.name} must be a finite number ≥ 0, not {value!r}")


def _pixel_geometry(detector: Detector) -> tuple[Float64Array, Float64Array, Float64Array, Float64Array]:
    rows, columns = np.mgrid[: detector.shape[0], : detector.shape[1]]
    place = np.stack([columns, rows], axis=-1)
    point = detector.to_lab_mm(place)
    from_axis, length = np.hypot(point[..., 1], point[..., 2]), np.linalg.norm(point, axis=-1)
    return point, from_axis, length, detector.facing_mm(place)
