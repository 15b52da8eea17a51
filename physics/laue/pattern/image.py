"""Images of Laue patterns: spot shape, background and the camera's own ways."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array, UInt64Array
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern.image_kernels import ReadOut, Width, render_clean, render_exposed
from beamgym.physics.laue.pattern.profile_kernels import profile_table
from beamgym.physics.laue.pattern.spots import Spots
from beamgym.physics.row_threads import over_rows

_DTYPES = {8: np.uint8, 16: np.uint16, 32: np.uint32}
_PIXEL_STREAM, _RESPONSE_STREAM = 1, 2


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
        _, from_axis, length = _pixel_geometry(detector)
        angle_deg = np.degrees(np.arcsin(np.minimum(1.0, from_axis / length)))
        nearness = (detector.distance_mm / length) ** 3
        hill = self.hill_per_mm2 * np.exp(-0.5 * (angle_deg / self.hill_width_deg) ** 2)
        rate: Float64Array = detector.pixel_mm**2 * nearness * (hill + self.flat_per_mm2)
        return rate

    def opening(self, detector: Detector) -> Float64Array:
        """Return the share of the light that reaches each pixel (slow, fast): 0 in the hole, less in the shadow."""
        _, from_axis, _ = _pixel_geometry(detector)
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
        if self.bits not in _DTYPES:
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


class ImageModel:
    """Renders lists of spots on one detector.

    Parameters
    ----------
    detector : the panel; bin it (``detector.binned(k)``) for small images
    shape : spot shape
    background : what else falls on the panel; None for nothing, no hole and no shadow
    camera : read-out; None gives the expected counts as float32, without noise

    Notes
    -----
    Spots are drawn to 4 standard deviations. Where a spot is wider than 0.7 pixels its oblique shape is kept and the
    pixel's own width added in quadrature; a narrower one is integrated exactly over the pixels, along their axes.
    """

    def __init__(
        self,
        detector: Detector,
        shape: SpotShape | None = None,
        background: ImageBackground | None = None,
        camera: Sensor | None = None,
    ) -> None:
        self.detector, self.camera = detector, camera
        self.shape = shape or SpotShape()
        self.background = background or ImageBackground.none()
        opening = self.background.opening(detector)
        response = opening * _pixel_response(camera, detector.shape) if camera else opening
        self.rate = (self.background.rate(detector) * response + self.background.dark_per_pixel).astype(np.float32)
        self.hot, self.dead = _broken_pixels(camera, detector.shape)
        self._flawed = bool(np.any(self.hot) or np.any(self.dead))
        blurred = self.shape.mosaic_deg == 0 and self.shape.divergence_deg == 0
        self._profiles = profile_table(self.shape.blur_mm / detector.pixel_mm if blurred else 0.0)
        self._dark = not np.any(self.rate)
        self._response = None if np.all(response == 1.0) else response.astype(np.float32)

    def render(
        self,
        spots: Spots,
        keys: ArrayLike | None = None,
        exposure_s: float = 1.0,
        detectors: ArrayLike | None = None,
    ) -> NDArray[Any]:
        """Draw n images.

        Parameters
        ----------
        spots : n lists on this detector, intensities in counts per second
        keys : (n,) uint64 of ``counter_rng.make_keys``: the same key brings the same noise. Needed with a camera
        exposure_s : exposure, seconds
        detectors : (n, 9) true places of the panel, which only the direction of mosaic streaks depends on

        Returns
        -------
        (n, slow, fast): float32 expected counts without a camera, else unsigned integers of the camera's bits; a fresh
        array every time
        """
        if not (math.isfinite(exposure_s) and exposure_s > 0):
            raise ValueError(f"exposure_s must be a positive number of seconds, not {exposure_s!r}")
        n = len(spots.count)
        stands = _stands(self.detector, detectors, n)
        listed = (spots.count, spots.position_px, spots.intensity, float(exposure_s), stands, self._width())
        if self.camera is None:
            return self._clean(listed, n, exposure_s)
        if not self.camera.noise:
            return self._broken(self._rounded(listed, n, exposure_s))
        if keys is None:
            raise ValueError(
                "a camera's noise needs keys: pass (n,) keys from counter_rng.make_keys(seed, episode, step)"
            )
        own = np.ascontiguousarray(keys, dtype=np.uint64)
        if own.shape != (n,):
            raise ValueError(f"keys must have shape ({n},), one per image; found {own.shape}")
        return self._exposed(listed, own, exposure_s)

    def _width(self) -> Width:
        shape = self.shape
        mosaic, divergence = math.radians(shape.mosaic_deg), math.radians(shape.divergence_deg)
        return Width(self.detector.pixel_mm, float(shape.blur_mm), mosaic, divergence, self._profiles)

    def _clean(self, listed: tuple[Any, ...], n: int, exposure_s: float) -> Float32Array:
        image = np.zeros((n, *self.detector.shape), dtype=np.float32)
        render_clean(*listed, 0.0, np.inf, image)
        if self._response is not None:
            image *= self._response
        if not self._dark:
            image += np.float32(exposure_s) * self.rate
        return image

    def _rounded(self, listed: tuple[Any, ...], n: int, exposure_s: float) -> NDArray[Any]:
        camera = self.camera
        assert camera is not None
        dtype = _DTYPES[camera.bits]
        top = min(float(camera.top), camera.full_well * camera.gain)
        if self._dark and self._response is None and camera.offset == 0 and camera.bits < 32:
            image = np.zeros((n, *self.detector.shape), dtype=dtype)  # only the pages under a spot are ever touched
            lists, scale, rest = listed[:3], listed[3] * camera.gain, listed[4:]
            render_clean(*lists, scale, *rest, 0.5, top, image)
            return image
        counts = np.minimum(self._clean(listed, n, exposure_s), camera.full_well).astype(np.float64)
        return np.clip(np.floor(counts * camera.gain + camera.offset + 0.5), 0, camera.top).astype(dtype)

    def _exposed(self, listed: tuple[Any, ...], keys: UInt64Array, exposure_s: float) -> NDArray[Any]:
        camera = self.camera
        assert camera is not None
        image = np.empty((len(keys), *self.detector.shape), dtype=_DTYPES[camera.bits])
        background = np.float32(exposure_s) * self.rate
        empty = np.exp(-background.astype(np.float64))
        response = np.empty((0, 0), dtype=np.float32) if self._response is None else self._response
        electronics = ReadOut(
            float(camera.gain),
            float(camera.offset),
            float(camera.read_noise),
            float(camera.full_well),
            float(camera.top),
            camera.bloom,
            *noise_tables(),
        )

        def expose_rows(rows: slice) -> None:
            *lists, scale, stands, width = listed
            own = stands if len(stands) == 1 else stands[rows]
            shared = (response, background, empty)
            each = (one[rows] for one in lists)
            render_exposed(*each, scale, own, width, *shared, keys[rows], electronics, image[rows])

        over_rows(len(keys), expose_rows, least=2)
        return self._broken(image)

    def _broken(self, image: NDArray[Any]) -> NDArray[Any]:
        if self._flawed and self.camera is not None:
            image[:, self.hot] = self.camera.top
            image[:, self.dead] = 0
        return image


@cache
def noise_tables() -> tuple[Float64Array, Float64Array]:
    """Return the normal distribution's inverse at 4097 even steps, its infinite ends cut off, and 1, 1/2, … 1/24."""
    from scipy.special import ndtri

    quantile: Float64Array = np.clip(ndtri(np.linspace(0.0, 1.0, 4097)), -9.0, 9.0)
    return quantile, 1.0 / np.arange(1, 25)


def _check_not_negative(settings: Any) -> None:
    for item in fields(settings):
        value = getattr(settings, item.name)
        if not isinstance(value, bool) and not (isinstance(value, int | float) and math.isfinite(value) and value >= 0):
            raise ValueError(f"{item.name} must be a finite number ≥ 0, not {value!r}")


def _pixel_geometry(detector: Detector) -> tuple[Float64Array, Float64Array, Float64Array]:
    rows, columns = np.mgrid[: detector.shape[0], : detector.shape[1]]
    point = detector.to_lab_mm(np.stack([columns, rows], axis=-1))
    return point, np.hypot(point[..., 1], point[..., 2]), np.linalg.norm(point, axis=-1)


def _pixel_uniform(camera: Sensor, shape: tuple[int, int], stream: int) -> Float64Array:
    keys = make_keys(camera.seed, np.arange(shape[0] * shape[1]), 0, stream)
    uniform: Float64Array = ((keys >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    return uniform.reshape(shape)


def _pixel_response(camera: Sensor, shape: tuple[int, int]) -> Float64Array:
    if camera.response_rms == 0:
        return np.ones(shape)
    from scipy.special import ndtri

    spread = ndtri(_pixel_uniform(camera, shape, _RESPONSE_STREAM))
    response: Float64Array = np.maximum(0.0, 1.0 + camera.response_rms * spread)
    return response


def _broken_pixels(camera: Sensor | None, shape: tuple[int, int]) -> tuple[BoolArray, BoolArray]:
    if camera is None or camera.hot_share + camera.dead_share == 0:
        nowhere = np.zeros(shape, dtype=np.bool_)
        return nowhere, nowhere.copy()
    uniform = _pixel_uniform(camera, shape, _PIXEL_STREAM)
    hot: BoolArray = uniform < camera.hot_share
    dead: BoolArray = uniform > 1.0 - camera.dead_share
    return hot, dead


def _stands(detector: Detector, detectors: ArrayLike | None, n: int) -> Float64Array:
    if detectors is None:
        return detector.as_vector()[None, :]
    stands = np.ascontiguousarray(detectors, dtype=np.float64)
    if stands.shape != (n, 9):
        raise ValueError(f"detectors must have shape ({n}, 9), origin_mm then fast then slow; found {stands.shape}")
    return stands
