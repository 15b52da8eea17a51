"""The simulated instrument's camera: images of spot lists, and the peaks found in them, in the same counts."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.instrument import Float32Array, Int64Array, Peaks, UInt64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern import ImageBackground, ImageModel, Sensor, Spots, SpotShape
from beamgym.physics.laue.peaks import PeakFinder, PlatePeakFinder

FAINTEST_COUNTS = 500.0
"""Counts below which a spot is not reported: 20 standard deviations of the background of a 10 s frame on 0.3 mm pixels,
far above what noise makes, and the threshold of the fast path, which draws no images."""

SPOT_MM = 0.25
"""Standard deviation of a spot on the panel, mm: a collimated beam of 0.5 mm and the point spread of a phosphor."""

LEAST_SPOT_PX = 0.5
"""A spot's least standard deviation in pixels: a narrower one has no sub-pixel centroid, and passes for a spike."""

HOLE_MM = 4.0
"""Radius of the hole for the beam: a collimator of 5 mm with its mount. It matters where the panel crosses the beam."""

BACKGROUND = ImageBackground(hill_per_mm2=20.0, flat_per_mm2=5.0, hole_mm=HOLE_MM, shadow_mm=0.0)
"""26 counts in a 0.32 mm pixel after 10 s about the beam, less outwards."""

NEUTRON_SPOT_MM = 1.0
"""Standard deviation of a neutron spot without mosaic spread, mm: a beam of 4 mm, the size of what of the crystal it
lights, and the plate's point spread."""

NEUTRON_BACKGROUND = ImageBackground(hill_per_mm2=0.4, flat_per_mm2=0.2, dark_per_pixel=0.0, hole_mm=6.0, shadow_mm=0.0)
"""360 counts a mm² after ten minutes about the beam, a third of them the sample's incoherent scattering."""

GAIN = 0.25
"""Read-out units a count: a spot of 1e6 counts just fills 16 bits on 0.3 mm pixels; brighter ones saturate."""

READ_NOISE = 1.0
"""Read-out units: 4 counts, no more than the background's own noise."""

PEDESTAL = 20.0
"""Read-out units without light: 20 standard deviations of the read noise, so that none of it is cut off at 0."""

Denoise = Callable[[Float64Array, BoolArray], Float64Array]
"""From counts (slow, fast), each with a variance equal to its mean, and a mask to the rate behind them."""

DENOISED_FAINTEST_COUNTS = 250.0
"""Counts below which a spot of a denoised frame is not reported: above all that noise makes of it."""

DENOISED_THRESHOLD = 20.0
"""Least significance there: what noise is left is less than the counts', and drawn into specks."""

MAX_SATURATED_SHARE = 0.05
"""A frame with a larger share of full pixels is refused. Wide, because the exposure of the simulation is fixed and a
panel of 84 × 84 pixels has few of them."""


_FULL = np.iinfo(np.uint16).max
_READ_VARIANCE = (READ_NOISE / GAIN) ** 2  # counts; added to the counts, it makes their variance their mean


class LaueCamera:
    """Renders spot lists as camera images, and finds the peaks of images.

    Parameters
    ----------
    detector : the nominal panel, of any pixel size
    faintest_counts : spots of fewer counts are not reported
    max_peaks : spots reported of an image, brightest first
    threshold : least significance of a spot, in standard deviations of the local background over 3 × 3 pixels. At 5 the
        noise of 512 × 512 pixels makes about one false maximum, of half ``faintest_counts`` at most
    shape, background : of the spots, the usual ones if None; and what else falls on the panel
    denoise : what stands before the peak finder, if anything does; where it does, take ``DENOISED_FAINTEST_COUNTS`` and
        ``DENOISED_THRESHOLD``
    """

    def __init__(
        self,
        detector: Detector,
        faintest_counts: float = FAINTEST_COUNTS,
        max_peaks: int = 64,
        threshold: float = 5.0,
        denoise: Denoise | None = None,
        shape: SpotShape | None = None,
        background: ImageBackground = BACKGROUND,
    ) -> None:
        if not faintest_counts >= 0:
            raise ValueError(f"faintest_counts is {faintest_counts}; it must be 0 or more counts")
        self.detector, self.faintest_counts, self.denoise = detector, faintest_counts, denoise
        blur_mm = max(SPOT_MM, LEAST_SPOT_PX * detector.pixel_mm)
        self.model = ImageModel(
            detector,
            SpotShape(blur_mm=blur_mm) if shape is None else shape,
            background,
            Sensor(gain=GAIN, offset=PEDESTAL, read_noise=READ_NOISE, bits=16),
        )
        self.finder = PeakFinder(
            threshold=threshold,
            max_peaks=max_peaks,
            mask=_hole(detector, background.hole_mm + 0.5 * detector.pixel_mm),
            max_saturated_share=MAX_SATURATED_SHARE,
            shape=detector.shape,
            saturation=None if denoise is None else float(_FULL),
        )

    @classmethod
    def denoised(cls, detector: Detector, denoise: Denoise, max_peaks: int = 64) -> "LaueCamera":
        """Return a camera whose frames are denoised before spots are looked for."""
        return cls(detector, DENOISED_FAINTEST_COUNTS, max_peaks, DENOISED_THRESHOLD, denoise)

    def expose(
        self,
        position_px: Float32Array,
        counts: Float32Array,
        count: Int64Array,
        exposure_scale: float,
        keys: UInt64Array,
    ) -> NDArray[np.uint16]:
        """Draw m images.

        Parameters
        ----------
        position_px : (m, s, 2) spots along fast and slow, 0-based
        counts : (m, s) each spot's expected counts in this exposure
        count : (m,) how many of the s rows are spots
        exposure_scale : seconds at the full rate of counts; scales the background
        keys : (m,) random keys: the same key brings the same noise, whatever the other rows are

        Returns
        -------
        (m, slow, fast) uint16 read-out, a fresh array
        """
        rate = (counts / np.float32(exposure_scale)).astype(np.float32)
        unused = np.zeros(rate.shape, dtype=np.float32)
        spots = Spots(count, position_px, rate, unused, unused.astype(np.int32))
        drawn: NDArray[np.uint16] = self.model.render(spots, keys, exposure_scale)
        return drawn

    def find(self, images: NDArray[np.generic]) -> Peaks:
        """Find the spots of images.

        Parameters
        ----------
        images : (m, slow, fast) read-out

        Returns
        -------
        Peaks of m frames, intensities in counts, brightest first; saturated spots are flagged and their intensity is
        what did not overflow

        Raises
        ------
        FrameFailed : a wrong shape, or too many saturated pixels
        """
        taken = np.asarray(images)
        found = self.finder(self._denoised(taken) if self.denoise is not None else self._without_background(taken))
        counts = found.intensity / np.float32(GAIN)
        count = ((counts >= self.faintest_counts) & found.mask).sum(axis=1)
        kept = np.arange(counts.shape[1])[None, :] < count[:, None]
        position = np.where(kept[..., None], found.position_px, np.float32(0))
        return Peaks(position, np.where(kept, counts, np.float32(0)), count, found.saturated & kept)

    def _without_background(self, images: NDArray[np.generic]) -> NDArray[np.generic]:
        """Subtract the empty camera's image, scaled to each frame, as one does with a background frame.

        On coarse pixels the hill is too steep for the squares in which the finder measures the background. Full pixels
        stay full; other shapes and types are left to the finder, which refuses them.
        """
        if not self._is_own(images):
            return images
        empty = np.float32(GAIN) * self.model.rate
        plain = np.empty_like(images)
        for image_in, image_out in zip(images, plain, strict=True):
            signal = image_in - np.float32(PEDESTAL)
            seconds = np.median(signal[::3, ::3] / empty[::3, ::3])
            signal -= np.rint(seconds * empty) - np.float32(PEDESTAL)
            np.clip(signal, 0, _FULL, out=signal)
            image_out[:] = np.where(image_in == _FULL, np.float32(_FULL), signal)
        return plain

    def _denoised(self, images: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return the rate in read-out units, the empty camera's taken off; full pixels stay full."""
        if not self._is_own(images) or self.denoise is None:
            return images
        hole = np.zeros(self.detector.shape, np.bool_) if self.finder.mask is None else self.finder.mask
        empty = self.model.rate.astype(np.float64)
        out = np.empty(images.shape, np.float32)
        for image_in, image_out in zip(images, out, strict=True):
            read = image_in.astype(np.float64)
            counts = np.maximum((read - PEDESTAL) / GAIN + _READ_VARIANCE, 0.0)
            rate = self.denoise(np.rint(counts), hole) - _READ_VARIANCE
            seconds = np.nanmedian((rate / empty)[::3, ::3])
            image_out[:] = np.where(hole, 0.0, GAIN * (rate - seconds * empty))
            image_out[image_in == _FULL] = _FULL
        return out

    def _is_own(self, images: NDArray[np.generic]) -> bool:
        return images.dtype == np.uint16 and images.shape[1:] == self.detector.shape


class PlateCamera(LaueCamera):
    """A neutron camera with an image plate: spots are broad, and looked for as on one; see ``neutron_camera``."""

    def find(self, images: NDArray[np.generic]) -> Peaks:
        """Find the spots of images (m, slow, fast), as ``LaueCamera.find`` does."""
        finder = PlatePeakFinder(self.finder.threshold, self.finder.max_peaks, self.finder.mask)
        found = [finder(image) for image in np.asarray(images)]
        room = max((int(peaks.count[0]) for peaks in found), default=0)
        out = Peaks(
            np.zeros((len(found), room, 2), np.float32),
            np.zeros((len(found), room), np.float32),
            np.zeros(len(found), np.int64),
            np.zeros((len(found), room), np.bool_),
        )
        for k, peaks in enumerate(found):
            counts = peaks.intensity[0] / np.float32(GAIN)
            count = int((counts >= self.faintest_counts).sum())
            out.count[k] = count
            out.position_px[k, :count] = peaks.position_px[0, :count]
            out.intensity[k, :count] = counts[:count]
            out.saturated[k, :count] = peaks.saturated[0, :count]
        return out


def neutron_camera(detector: Detector, mosaic_deg: float = 0.3, max_peaks: int = 64) -> PlateCamera:
    """Return a neutron camera: spots as wide as a crystal of a centimetre makes them, on its incoherent scattering.

    Parameters
    ----------
    detector : the nominal plate, flat or bent
    mosaic_deg : standard deviation of the sample's mosaic blocks about each axis: 0.2 to 1 for such crystals
    max_peaks : spots reported of an image, brightest first
    """
    shape = SpotShape(blur_mm=max(NEUTRON_SPOT_MM, LEAST_SPOT_PX * detector.pixel_mm), mosaic_deg=mosaic_deg)
    return PlateCamera(detector, max_peaks=max_peaks, shape=shape, background=NEUTRON_BACKGROUND)


def _hole(detector: Detector, radius_mm: float) -> NDArray[np.bool_] | None:
    """Return the pixels (slow, fast) within a radius of the beam's axis; None where there are none."""
    rows, columns = np.mgrid[: detector.shape[0], : detector.shape[1]]
    point = detector.to_lab_mm(np.stack([columns, rows], axis=-1))
    inside = np.hypot(point[..., 1], point[..., 2]) < radius_mm
    return inside if inside.any() else None
