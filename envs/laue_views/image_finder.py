"""Finds the spots of an observed image: grey levels back to counts, then the peak finder on the image's own panel."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.laue_views.observations import GREY_PER_ROOT, MEDIAN_GREY, bin_mean
from beamgym.physics.instrument import BoolArray, Float32Array, Float64Array, Peaks
from beamgym.physics.laue.camera import GAIN, PEDESTAL, LaueCamera
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.peaks import PeakFinder

SECONDS = np.geomspace(0.1, 1000.0, 80)
"""Exposures, in seconds at the level "real", among which that of an image is looked for: 12 % apart."""
FAINTEST_COUNTS = 500.0
"""Spots of fewer counts are not reported, as by the camera itself."""


def image_panel(detector: Detector, size: int) -> Detector:
    """Return the same panel with ``size`` pixels on its shorter edge: no image is finer than what is observed."""
    factor = min(detector.shape) / size
    corner = detector.to_lab_mm([0.5 * (factor - 1), 0.5 * (factor - 1)])
    shape = (round(detector.shape[0] / factor), round(detector.shape[1] / factor))
    return Detector(corner, detector.fast, detector.slow, detector.pixel_mm * factor, shape, detector.name)


@dataclass(frozen=True, eq=False)
class ImageFinder:
    """Finds the spots of images as ``ImageView`` encodes them.

    Parameters
    ----------
    detector : the nominal panel, as the context has it
    size : edge of the images, pixels
    max_peaks : spots reported of an image, brightest first
    threshold : least significance of a spot, in standard deviations of the local background over 3 × 3 pixels

    Notes
    -----
    An image says by how much the root of a pixel's read-out differs from that of the median, not what the median is.
    That follows from the background: the more counts it has, the more the roots of its bright and dark parts differ.
    """

    detector: Detector
    size: int
    max_peaks: int = 64
    threshold: float = 5.0

    @cached_property
    def panel(self) -> Detector:
        """The panel in whose pixels spots are reported."""
        return image_panel(self.detector, self.size)

    @cached_property
    def camera(self) -> LaueCamera:
        """The camera that draws such images."""
        return LaueCamera(self.panel)

    @cached_property
    def background(self) -> Float32Array:
        """Read-out units a second of the empty camera, (size, size)."""
        rate: Float32Array = np.float32(GAIN) * bin_mean(self.camera.model.rate[None], self.size)[0]
        return rate

    @cached_property
    def finder(self) -> PeakFinder:
        """What finds peaks once the background is gone."""
        hole = self.camera.finder.mask
        mask: BoolArray | None = None
        if hole is not None:
            mask = bin_mean(hole[None].astype(np.float32), self.size)[0] > 0.0
        return PeakFinder(threshold=self.threshold, max_peaks=self.max_peaks, mask=mask, shape=(self.size, self.size))

    def find(self, images: NDArray[np.uint8]) -> Peaks:
        """Find the spots of images (n, size, size, 1).

        Returns
        -------
        Peaks of n frames in pixels of ``panel``, intensities in counts, brightest first; a spot so bright that its grey
        is cut at 255 is reported weaker than it is
        """
        found = self.finder(np.stack([self.signal(image[..., 0]) for image in images]))
        counts = found.intensity / np.float32(GAIN)
        kept = found.mask & (counts >= FAINTEST_COUNTS)
        position = np.where(kept[..., None], self._on_panel(found.position_px), 0.0).astype(np.float32)
        return Peaks(position, np.where(kept, counts, np.float32(0)), kept.sum(axis=1), found.saturated & kept)

    def signal(self, image: NDArray[np.uint8]) -> Float32Array:
        """Return the read-out units (size, size) above background and pedestal of one image (size, size)."""
        seconds = self.seconds(image)
        empty = PEDESTAL + seconds * self.background
        level = float(np.median(np.sqrt(empty)))
        # Grey levels are rounded down.
        root = np.maximum(level + (image + 0.5 - MEDIAN_GREY) / GREY_PER_ROOT, 0.0)
        signal: Float32Array = (root**2 - empty).astype(np.float32)
        return signal

    def seconds(self, image: NDArray[np.uint8]) -> float:
        """Return the exposure, in seconds at the level "real", whose background is most like an image (size, size)."""
        misfit = np.abs(self._greys - (image[::2, ::2] + 0.5)).mean(axis=(1, 2))
        return float(SECONDS[np.argmin(misfit)])

    @cached_property
    def _greys(self) -> Float64Array:
        """The empty camera's grey levels by exposure, every second pixel: (80, size / 2, size / 2)."""
        root = np.sqrt(PEDESTAL + SECONDS[:, None, None] * self.background)
        level = np.median(root, axis=(1, 2), keepdims=True)
        greys: Float64Array = MEDIAN_GREY + GREY_PER_ROOT * (root - level)[:, ::2, ::2]
        return greys

    def _on_panel(self, position_px: Float32Array) -> Float64Array:
        """Return positions in pixels of the panel, whose longer edge has more of them than the image."""
        out = np.empty(position_px.shape)
        for axis, length in enumerate((self.panel.shape[1], self.panel.shape[0])):
            edges = np.linspace(0, length, self.size + 1).astype(np.int64)
            out[..., axis] = np.interp(position_px[..., axis] + 0.5, np.arange(self.size + 1), edges) - 0.5
        return out
