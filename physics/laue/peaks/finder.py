"""From images to lists of spots: sub-pixel centroids, intensities, saturated ones flagged, hot pixels left out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arrays import BoolArray
from beamgym.physics.instrument import FrameFailed, Peaks
from beamgym.physics.laue.peaks import background_kernels, kernels


@dataclass(frozen=True)
class PeakFinder:
    """A configured peak finder, to be called on images: the form that Frame.finder takes.

    Parameters
    ----------
    threshold : least significance of a spot, in standard deviations of the local background over 3 × 3 pixels
    max_peaks : keep this many, brightest first
    mask : (slow, fast) True where a pixel is to be ignored (beam hole, dead modules), or None; what such pixels hold
        enters no statistic and need not be finite
    saturation : count at which a pixel is full; None takes the top of an integer image's range
    max_saturated_share : a frame with a larger share of full pixels is refused
    tile_px : edge of the squares in which background and noise are measured; None picks 16 to 32 by the image's size
    max_radius_px : pixels further from a spot's summit do not belong to it
    shape : (slow, fast) that frames must have, or None
    """

    threshold: float = 5.0
    max_peaks: int = 200
    mask: BoolArray | None = None
    saturation: float | None = None
    max_saturated_share: float = 0.01
    tile_px: int | None = None
    max_radius_px: int = 15
    shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not self.threshold > 0:
            raise ValueError(f"threshold must be a positive number of standard deviations, got {self.threshold!r}")
        if self.max_peaks < 1:
            raise ValueError(f"max_peaks must be at least 1, got {self.max_peaks!r}")
        if not 0.0 <= self.max_saturated_share <= 1.0:
            raise ValueError(f"max_saturated_share is a share between 0 and 1, got {self.max_saturated_share!r}")

    def __call__(self, images: ArrayLike) -> Peaks:
        """Find the spots of images (n, slow, fast) or (slow, fast); see ``find_peaks``."""
        stack = self._checked(np.asarray(images))
        found = [self._one(image) for image in stack]
        longest = max((len(intensity) for _, intensity, _ in found), default=0)
        peaks = Peaks(
            position_px=np.zeros((len(found), longest, 2), dtype=np.float32),
            intensity=np.zeros((len(found), longest), dtype=np.float32),
            count=np.array([len(intensity) for _, intensity, _ in found], dtype=np.int64),
            saturated=np.zeros((len(found), longest), dtype=bool),
        )
        for n, (position, intensity, saturated) in enumerate(found):
            peaks.position_px[n, : len(intensity)] = position
            peaks.intensity[n, : len(intensity)] = intensity
            peaks.saturated[n, : len(intensity)] = saturated
        return peaks

    def _checked(self, images: NDArray[Any]) -> NDArray[Any]:
        if images.ndim == 2:
            images = images[None]
        if images.ndim != 3 or images.shape[1] < 3 or images.shape[2] < 3:
            raise FrameFailed(f"a frame must have shape (slow, fast) or (n, slow, fast), got {images.shape}")
        wanted = self.mask.shape if self.mask is not None else self.shape
        if wanted is not None and images.shape[1:] != tuple(wanted):
            raise FrameFailed(f"the frame has shape {images.shape[1:]}, the detector {tuple(wanted)}")
        if images.dtype.kind not in "uif" or images.dtype.itemsize > 8:
            raise FrameFailed(f"a frame must hold real numbers, got {images.dtype}")
        # the kernels know this machine's byte order and floats of 32 and 64 bits
        native = np.dtype(np.float32) if images.dtype.name == "float16" else images.dtype.newbyteorder("=")
        return images if images.dtype == native and images.dtype.isnative else images.astype(native)

    def _one(self, image: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64], BoolArray]:
        ignored = (
            np.zeros(image.shape, dtype=bool) if self.mask is None else np.ascontiguousarray(self.mask, dtype=bool)
        )
        if image.dtype.kind == "u" and image.dtype.itemsize >= 4:
            # no counter reaches the top of 32 bits: pixel detectors mark their gaps so
            ignored = ignored | (image >= np.iinfo(image.dtype).max - 1)
        saturation = self._saturation(image.dtype)
        self._check_values(image, ignored, saturation)
        counts = np.ascontiguousarray(image)
        tile = self.tile_px or int(np.clip(min(image.shape) // 12, 12, 32))
        level, noise = background_kernels.tile_statistics(counts, ignored, tile)
        if not (noise >= 0.0).any():
            raise FrameFailed("the mask leaves no pixel of the frame; nothing can be found")
        background_kernels.fill_gaps(level, noise)
        background_kernels.level_crowded(level, noise)
        # an image without noise still needs a scale: a ten-thousandth of its range
        span = kernels.brightest(counts, ignored, level.min()) - float(level.min())
        noise = np.maximum(noise, max(1e-4 * span, 1e-12))
        excess = np.empty(image.shape, dtype=np.float32)
        background_kernels.subtract(counts, ignored, level, noise, tile, excess)
        maxima = kernels.find_maxima(excess, self.threshold)
        owner = np.zeros(image.shape, dtype=np.int32)
        position, intensity, saturated = kernels.grow_spots(
            excess, counts, ignored, maxima, saturation, noise, tile, self.max_radius_px, owner
        )
        order = np.argsort(-intensity, kind="stable")[: self.max_peaks]
        return position[order], intensity[order], saturated[order]

    def _saturation(self, dtype: np.dtype[Any]) -> float:
        if self.saturation is not None:
            return float(self.saturation)
        return float(np.iinfo(dtype).max) if dtype.kind in "ui" else np.inf

    def _check_values(self, image: NDArray[Any], ignored: BoolArray, saturation: float) -> None:
        if image.dtype.kind == "f":
            with np.errstate(over="ignore", invalid="ignore"):
                whole = bool(np.isfinite(np.sum(image)))
            bad = 0 if whole else int((~np.isfinite(image) & ~ignored).sum())
            if bad:
                raise FrameFailed(f"{bad} pixels of the frame are not finite; mask dead pixels")
        if np.isfinite(saturation):
            full = (image >= saturation) & ~ignored
            used = max(ignored.size - int(np.count_nonzero(ignored)), 1)
            share = float(np.count_nonzero(full)) / used
            if share > self.max_saturated_share:
                share = float(np.count_nonzero(full & kernels.has_neighbour(full))) / used
            if share > self.max_saturated_share:
                raise FrameFailed(
                    f"{100 * share:.1f} % of the pixels are saturated, more than {100 * self.max_saturated_share:g} %: "
                    "expose for less time, or mask them where they mark gaps between modules"
                )


def find_peaks(images: ArrayLike, threshold: float = 5.0, max_peaks: int = 200, **options: object) -> Peaks:
    """Find the spots of Laue images.

    Parameters
    ----------
    images : (n, slow, fast) or (slow, fast) counts, integers or floats
    threshold : least significance of a spot, in standard deviations of the local background over 3 × 3 pixels
    max_peaks : keep this many, brightest first
    options : the other parameters of PeakFinder

    Returns
    -------
    Peaks of n frames, brightest first; a frame without spots has count 0

    Raises
    ------
    FrameFailed : values that are not finite, a wrong shape, or too many saturated pixels

    Notes
    -----
    Background and noise are clipped means of square tiles, interpolated. Spots are grown downhill from local maxima of
    the 3 × 3 sum; a pixel that stands alone is a spike. Centroids are Gaussian-weighted (Bertin & Arnouts, Astron.
    Astrophys. Suppl. 117 (1996) 393), saturated ones plain.
    """
    return PeakFinder(threshold=threshold, max_peaks=max_peaks, **options)(images)  # type: ignore[arg-type]
