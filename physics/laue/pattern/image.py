"""Images of Laue patterns: spot shape, background and the camera's own ways."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array, UInt64Array
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.laue.cylinder import CylinderDetector, radius_of
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern.image_kernels import ReadOut, Width, render_clean, render_exposed
from beamgym.physics.laue.pattern.image_parts import DTYPES, ImageBackground, Sensor, SpotShape
from beamgym.physics.laue.pattern.profile_kernels import profile_table
from beamgym.physics.laue.pattern.spots import Spots
from beamgym.physics.row_threads import over_rows

_CLOSED, _NEAR_SEAM = 0.98, 0.45  # of a cylinder's circumference: covered by a closed one, from the middle to its seam
_PIXEL_STREAM, _RESPONSE_STREAM = 1, 2


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
        spots = _over_the_seam(spots, self.detector)
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
        middle = 0.5 * (self.detector.shape[1] - 1)
        return Width(
            self.detector.pixel_mm,
            float(shape.blur_mm),
            mosaic,
            divergence,
            self._profiles,
            radius_of(self.detector),
            middle,
        )

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
        dtype = DTYPES[camera.bits]
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
        image = np.empty((len(keys), *self.detector.shape), dtype=DTYPES[camera.bits])
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


def _over_the_seam(spots: Spots, detector: Detector) -> Spots:
    """Return the spots with a copy of those near the seam of a closed cylinder, which show at its other end too."""
    if not isinstance(detector, CylinderDetector) or detector.shape[1] < _CLOSED * detector.period_px:
        return spots
    column = spots.position_px[..., 0]
    near = np.abs(column - 0.5 * (detector.shape[1] - 1)) > _NEAR_SEAM * detector.period_px
    copied = spots.position_px.copy()
    copied[..., 0] -= np.sign(column - 0.5 * (detector.shape[1] - 1)) * np.float32(detector.period_px)
    order = np.argsort(~np.concatenate([spots.mask, spots.mask & near], axis=1), axis=1, kind="stable")

    def both(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
        joined = np.concatenate([first, second], axis=1)
        return np.take_along_axis(joined, order if joined.ndim == 2 else order[..., None], axis=1)

    own = (spots.intensity, spots.energy_kev, spots.ray)
    count = spots.count + (spots.mask & near).sum(axis=1)
    return Spots(count, both(spots.position_px, copied), *(both(part, part) for part in own))


def _stands(detector: Detector, detectors: ArrayLike | None, n: int) -> Float64Array:
    if detectors is None:
        return detector.as_vector()[None, :]
    stands = np.ascontiguousarray(detectors, dtype=np.float64)
    if stands.shape != (n, 9):
        raise ValueError(f"detectors must have shape ({n}, 9), origin_mm then fast then slow; found {stands.shape}")
    return stands
