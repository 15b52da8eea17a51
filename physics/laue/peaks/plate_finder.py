"""Finds the spots of neutron image plates: broad, streaked by mosaic spread, on a high background, about holes.

A picture is made coarse, its ground is taken off, and maxima are looked for at several widths at once: on one plate the
spots near the beam are thin streaks, those that go back are round and some millimetres wide.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.instrument import FrameFailed, Peaks

COARSE_EDGE = 1400
"""Pixels along the longer edge of the coarse picture: 0.7 mm on a plate a metre around."""
WIDTHS_PX = (1.0, 1.7, 2.9, 5.0)
"""Standard deviations of the filters, coarse pixels."""
GROUND_PX = 24
"""Edge of the squares whose median is the ground, coarse pixels: far wider than a spot."""
GROWN_PX = 3
"""By how much dark places grow: beside a hole the plate is not evenly lit."""
OWN_SHARE = 0.7
"""A maximum that is joined to a higher one above this share of its own height is no spot of its own."""
REGION_SHARE = 0.5
"""A spot's centre is that of what stands above this share of its height."""
REACH = 6.0
"""Half the edge of the square about a maximum in which its spot is looked at, filter widths."""
LONGEST_PX = 60.0
"""Spread of a region along its longest direction, coarse pixels, beyond which it is a line or an edge and no spot."""
LINE_RATIO = 8.0
"""A region so many times longer than wide is a line."""
DARK_SHARE = 0.25
"""A pixel below this share of the picture's median ground is in a hole or a shadow."""


@dataclass(frozen=True)
class PlatePeakFinder:
    """A configured finder for image plates, to be called on images like ``PeakFinder``.

    Parameters
    ----------
    threshold : least significance of a spot, standard deviations of the filtered ground
    max_peaks : keep this many, brightest first
    mask : (slow, fast) True where a pixel is to be ignored, or None
    saturation : count at which a pixel is full; None takes the top of an integer image's range
    """

    threshold: float = 5.0
    max_peaks: int = 200
    mask: BoolArray | None = None
    saturation: float | None = None

    def __post_init__(self) -> None:
        if not self.threshold > 0:
            raise ValueError(f"threshold must be a positive number of standard deviations, got {self.threshold!r}")
        if self.max_peaks < 1:
            raise ValueError(f"max_peaks must be at least 1, got {self.max_peaks!r}")

    def __call__(self, image: ArrayLike) -> Peaks:
        """Find the spots of one image (slow, fast); raises FrameFailed for one of which nothing can be made."""
        return self.examine(image)[0]

    def examine(self, image: ArrayLike) -> tuple[Peaks, BoolArray]:
        """Find the spots of one image (slow, fast); also return where none can be seen, (slow, fast).

        Raises
        ------
        FrameFailed : a wrong shape, values that are no real numbers, or a picture of which nothing is left
        """
        raw = np.asarray(image)
        self._check(raw)
        ignored = np.zeros(raw.shape, dtype=bool) if self.mask is None else self.mask.copy()
        if raw.dtype.kind == "f":
            ignored |= ~np.isfinite(raw)
        full = raw >= self._full(raw)
        factor = max(1, round(max(raw.shape) / COARSE_EDGE))
        values, open_ = _coarse(np.where(ignored, 0.0, raw), ~ignored, factor)
        full_share, _ = _coarse(full.astype(np.float64), ~ignored, factor)
        ground, noise, usable = _ground(values, open_)
        excess = np.where(usable, values - ground, 0.0)
        places = _maxima(excess, noise, usable, self.threshold)
        spots = [spot for spot in (_spot(excess, *place) for place in places) if spot is not None]
        found = np.array(_apart(spots), dtype=np.float64).reshape(-1, 4)
        order = np.argsort(-found[:, 2], kind="stable")[: self.max_peaks]
        found = found[order]
        position = found[:, :2] * factor + 0.5 * (factor - 1)
        column, row = np.rint(found[:, :2]).astype(np.int64).T
        peaks = Peaks(
            position_px=position[None].astype(np.float32),
            intensity=(found[:, 2] * factor**2)[None].astype(np.float32),
            count=np.array([len(found)], dtype=np.int64),
            saturated=(full_share[row, column] > 0.0)[None],
        )
        unseen = np.repeat(np.repeat(~usable, factor, axis=0), factor, axis=1)
        whole = np.ones(raw.shape, dtype=bool)
        rows, columns = min(raw.shape[0], unseen.shape[0]), min(raw.shape[1], unseen.shape[1])
        whole[:rows, :columns] = unseen[:rows, :columns]
        return peaks, whole

    def _check(self, image: NDArray[Any]) -> None:
        if image.ndim != 2 or min(image.shape) < 32:
            raise FrameFailed(
                f"an image plate's picture must have shape (slow, fast), at least 32 × 32, got {image.shape}"
            )
        if image.dtype.kind not in "uif":
            raise FrameFailed(f"a frame must hold real numbers, got {image.dtype}")
        if self.mask is not None and self.mask.shape != image.shape:
            raise FrameFailed(f"the frame has shape {image.shape}, the mask {self.mask.shape}")

    def _full(self, image: NDArray[Any]) -> float:
        if self.saturation is not None:
            return self.saturation
        return float(np.iinfo(image.dtype).max) if image.dtype.kind in "ui" else np.inf


def _coarse(values: NDArray[Any], open_: BoolArray, factor: int) -> tuple[Float64Array, BoolArray]:
    """Return the mean of the open pixels in squares of ``factor``, and which squares are open for the most part."""
    rows, columns = (edge // factor * factor for edge in values.shape)

    def summed(array: NDArray[Any]) -> Float64Array:
        squares = array[:rows, :columns].astype(np.float64).reshape(rows // factor, factor, columns // factor, factor)
        total: Float64Array = squares.sum(axis=(1, 3))
        return total

    count = summed(open_)
    return summed(np.where(open_, values, 0.0)) / np.maximum(count, 1.0), count > 0.5 * factor**2


def _ground(values: Float64Array, open_: BoolArray) -> tuple[Float64Array, Float64Array, BoolArray]:
    """Return the smooth ground, the scatter of a coarse pixel about it, and where the plate is lit."""
    if open_.mean() < 0.05:
        raise FrameFailed("the mask leaves less than a twentieth of the frame; nothing can be found")
    usual = float(np.median(values[open_]))
    floor = float(np.percentile(values[open_], 0.01))
    lit = open_ & (values > floor + DARK_SHARE * (usual - floor))
    lit = ~ndimage.binary_dilation(~ndimage.binary_opening(lit, iterations=1), iterations=GROWN_PX)
    if lit.mean() < 0.05:
        raise FrameFailed("less than a twentieth of the plate is lit; nothing can be found")
    ground = _tiled(np.where(lit, values, np.nan), 0.5)
    excess = np.where(lit, values - ground, np.nan)
    low, middle = _tiled(excess, 0.16), _tiled(excess, 0.5)
    noise = np.maximum(middle - low, 1e-6 * max(float(np.nanmax(np.abs(excess))), 1e-9))
    return ground + middle, ndimage.gaussian_filter(noise, GROUND_PX), lit


def _tiled(values: Float64Array, share: float) -> Float64Array:
    """Return a quantile of squares of ``GROUND_PX``, drawn out smoothly; of NaN no account is taken."""
    rows, columns = (max(1, round(edge / GROUND_PX)) for edge in values.shape)
    tiles = np.empty((rows, columns))
    for i, down in enumerate(np.array_split(np.arange(values.shape[0]), rows)):
        for j, across in enumerate(np.array_split(np.arange(values.shape[1]), columns)):
            square = values[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
            inside = square[np.isfinite(square)]
            tiles[i, j] = np.quantile(inside, share) if inside.size > 0.1 * square.size else np.nan
    if np.isnan(tiles).any():
        nearest = ndimage.distance_transform_edt(np.isnan(tiles), return_distances=False, return_indices=True)
        tiles = tiles[tuple(nearest)]
    down = (np.arange(values.shape[0]) + 0.5) * rows / values.shape[0] - 0.5
    across = (np.arange(values.shape[1]) + 0.5) * columns / values.shape[1] - 0.5
    drawn: Float64Array = ndimage.map_coordinates(
        tiles, np.meshgrid(down, across, indexing="ij"), order=1, mode="nearest"
    )
    return drawn


def _maxima(
    excess: Float64Array, noise: Float64Array, usable: BoolArray, threshold: float
) -> list[tuple[Float64Array, float, int, int]]:
    """List (filtered picture, filter width, row, column) of maxima that stand out, the most significant first."""
    found: list[tuple[float, Float64Array, float, int, int]] = []
    for width in WIDTHS_PX:
        smooth = ndimage.gaussian_filter(excess, width)
        inside = smooth[usable] / noise[usable]
        scatter = max(float(np.median(inside) - np.quantile(inside, 0.16)), 1e-9)
        height = np.where(usable, smooth / (noise * scatter), 0.0)
        top = (height == ndimage.maximum_filter(height, size=2 * round(1.5 * width) + 1)) & (height > threshold)
        found += [(float(height[i, j]), smooth, width, int(i), int(j)) for i, j in np.argwhere(top)]
    found.sort(key=lambda one: -one[0])
    return [one[1:] for one in found]


def _spot(smooth_excess: Float64Array, smooth: Float64Array, width: float, i: int, j: int) -> tuple[float, ...] | None:
    """Return column, row, sum and extent of the spot at a maximum; None where it is a shoulder, a line or an edge."""
    reach = round(REACH * width) + 2
    top, left = max(0, i - reach), max(0, j - reach)
    window = smooth[top : i + reach + 1, left : j + reach + 1]
    height, place = smooth[i, j], (i - top, j - left)
    joined, _ = ndimage.label(window > OWN_SHARE * height)
    if window[joined == joined[place]].max() > height:
        return None
    joined, _ = ndimage.label(window > REGION_SHARE * height)
    region = joined == joined[place]
    rows, columns = np.nonzero(region)
    weight = window[region]
    row, column = np.average(rows, weights=weight), np.average(columns, weights=weight)
    covariance = np.cov(np.stack([rows, columns]), aweights=weight, bias=True) if len(rows) > 1 else np.zeros((2, 2))
    narrow, wide = np.sqrt(np.maximum(np.linalg.eigvalsh(covariance), 0.0) + 1.0 / 12.0)
    if wide > LONGEST_PX or wide > LINE_RATIO * narrow:
        return None
    part = smooth_excess[top : i + reach + 1, left : j + reach + 1]
    return float(column + left), float(row + top), float(part[region].sum() / REGION_SHARE), float(wide)


def _apart(spots: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Leave out spots that a more significant one covers: the same one at another filter width."""
    kept: list[tuple[float, ...]] = []
    for spot in spots:
        covered = any(
            (spot[0] - other[0]) ** 2 + (spot[1] - other[1]) ** 2 < (1.5 + 2.0 * max(other[3], spot[3])) ** 2
            for other in kept
        )
        if not covered and spot[2] > 0.0:
            kept.append(spot)
    return kept
