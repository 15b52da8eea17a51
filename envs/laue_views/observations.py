"""Observations of a Laue instrument as fixed-size arrays.

A spot is a row [nx, ny, nz, brightness, present]: the unit normal of the reflecting plane in the lab frame by the
nominal detector geometry (a policy then depends on no detector), ln(1 + counts) / ln(1 + 1e6) cut at 1, and 1; missing
rows are 0. An axis is a row [fraction of travel -1..1, margin to the low limit, margin to the high limit, present],
margins in units of 180 degrees cut at 1.
"""

from functools import lru_cache

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.laue_views.observation_kernels import write_axis_rows, write_greys, write_spot_rows
from beamgym.physics.instrument import Axis, BoolArray, Float32Array, Float64Array, Frame, FrameFailed, Peaks
from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.detector import Detector
from beamgym.physics.row_threads import over_rows

SPOT_UNITS = {
    "spots": "rows [nx, ny, nz, log intensity, present]; unit plane normals in the lab frame",
    "expected": "as spots, of the target pattern at the goal pose",
    "axes": "rows [fraction of travel, margin to the low limit / 180 deg, to the high limit / 180 deg, present]",
    "last_move": "rotation vector in the lab frame / 180 deg, or steps of the travel; and 1 where it was shortened",
    "target": "goal orientation, crystal to lab, row by row; tolerance / 20 degrees",
    "image": "grey levels 0..255",
}
"""What the numbers of each part of an observation are, as bundles say it."""

SPOT_FIELDS = 5
AXIS_FIELDS = 4
MAX_AXES = 6
_BRIGHTEST = 1e6  # counts drawn as brightness 1; a whole back-reflection pattern spans 1e2 to 1e6
_MARGIN_DEG = 180.0
MEDIAN_GREY, GREY_PER_ROOT = 32, 4
"""Of an image: the grey of its median pixel, and greys per unit of the root of the read-out."""


def spot_space(rows: int) -> spaces.Box:
    """Return the space of a flat list of ``rows`` spots."""
    low = np.tile(np.array([-1, -1, -1, 0, 0], dtype=np.float32), rows)
    return spaces.Box(low, np.ones_like(low), dtype=np.float32)


def axis_space() -> spaces.Box:
    """Return the space of the axes' rows, padded to six axes."""
    low = np.tile(np.array([-1, 0, 0, 0], dtype=np.float32), MAX_AXES)
    return spaces.Box(low, np.ones_like(low), dtype=np.float32)


def brightness(counts: NDArray[np.floating]) -> Float32Array:
    """Return ln(1 + counts) on a scale where 1e6 counts are 1, cut at 1."""
    share: Float32Array = np.minimum(np.log1p(np.maximum(counts, 0.0)) / np.log1p(_BRIGHTEST), 1.0).astype(np.float32)
    return share


def spot_rows(peaks: Peaks, detector: Detector, rows: int) -> Float32Array:
    """Turn found peaks into spot rows.

    Parameters
    ----------
    peaks : of n frames, brightest first
    detector : the nominal geometry
    rows : spots kept; fewer are padded with zeros

    Returns
    -------
    (n, rows, 5) float32

    Raises
    ------
    FrameFailed : when the peaks' arrays do not fit together
    """
    return _spot_rows(peaks, detector, rows, np.arange(len(peaks.intensity)))[0]


def _spot_rows(peaks: Peaks, detector: Detector, rows: int, chosen: NDArray[np.int64]) -> tuple[Float32Array, bool]:
    """Return the spot rows of some frames, and whether all their numbers are finite."""
    m, p = peaks.intensity.shape
    fits = peaks.position_px.shape == (m, p, 2) and peaks.count.shape == (m,)
    if not fits or (peaks.count[chosen] > p).any():
        raise FrameFailed(
            f"the peaks' positions, intensities and counts have shapes {peaks.position_px.shape}, "
            f"{peaks.intensity.shape} and {peaks.count.shape}; they must be (n, p, 2), (n, p) and (n,), counts up to p"
        )
    out = np.zeros((len(chosen), rows, SPOT_FIELDS), dtype=np.float32)
    found, geometry = (
        (peaks.position_px, peaks.intensity, peaks.count),
        (detector.as_vector(), detector.pixel_mm, _bent(detector)),
    )
    logarithm = float(np.log1p(_BRIGHTEST))
    finite = over_rows(
        len(chosen), lambda part: write_spot_rows(*found, chosen[part], *geometry, logarithm, out[part]), least=64
    )
    return out, all(finite)


def _bent(detector: Detector) -> Float64Array:
    """Return radius, middle column and outward normal of a cylinder, (5,); zeros of a flat panel."""
    if not isinstance(detector, CylinderDetector):
        return np.zeros(5)
    return np.array([detector.radius_mm, 0.5 * (detector.shape[1] - 1), *detector.normal])


def axis_rows(positions: Float64Array, axes: tuple[Axis, ...]) -> Float32Array:
    """Turn positions (n, k) into axis rows (n, 24), padded to six axes; raises ValueError for more axes.

    An axis whose limits leave it no travel stands in its middle, 0.
    """
    if len(axes) > MAX_AXES:
        raise ValueError(f"the goniometer has {len(axes)} axes; observations hold at most {MAX_AXES}")
    out = np.zeros((len(positions), MAX_AXES, AXIS_FIELDS), dtype=np.float32)
    write_axis_rows(np.ascontiguousarray(positions, dtype=np.float64), _limits_of(axes), _MARGIN_DEG, out)
    return out.reshape(len(positions), -1)


@lru_cache(maxsize=64)
def _limits_of(axes: tuple[Axis, ...]) -> Float64Array:
    """Return (k, 2) the lowest and highest position of each axis."""
    return np.array([axis.limits for axis in axes], dtype=np.float64)


class SpotView:
    """The found peaks as a flat list of spot rows, under the key "spots".

    Parameters
    ----------
    detector : the nominal geometry
    rows : spots kept, brightest first
    """

    key = "spots"

    def __init__(self, detector: Detector, rows: int = 64) -> None:
        self.detector, self.rows = detector, rows
        self.space = spot_space(rows)

    def encode(self, frame: Frame, mask: BoolArray) -> Float32Array:
        """Return (m, rows * 5) for the m rows of the frame where ``mask`` is True."""
        rows, finite = _spot_rows(frame.peaks(), self.detector, self.rows, np.flatnonzero(mask))
        if not finite:
            raise FrameFailed("the frame's peaks hold NaN or infinity; mask dead pixels, or drop those peaks")
        return rows.reshape(len(rows), -1)


class ImageView:
    """The camera's image as (size, size, 1) uint8, under the key "image"."""

    key = "image"

    def __init__(self, size: int = 84) -> None:
        self.size = size
        self.space = spaces.Box(0, 255, (size, size, 1), dtype=np.uint8)

    def encode(self, frame: Frame, mask: BoolArray) -> NDArray[np.uint8]:
        """Return (m, size, size, 1) for the m rows of the frame where ``mask`` is True."""
        if frame.image is None:
            raise FrameFailed("this instrument gives found peaks only; make it with frames='rendered' to get images")
        if _is_read_out(frame.image, self.size):
            return _greys(frame.image, np.flatnonzero(mask))
        return image_to_uint8(frame.image[mask], self.size)


def image_to_uint8(image: NDArray[np.generic], size: int) -> NDArray[np.uint8]:
    """Bin images (n, rows, columns) to (n, size, size, 1) and compress counts by a square root around each median.

    The square root makes Poisson noise even; the median goes to 32 and the scale is fixed, so that the same counts give
    the same grey in every frame. Raises ValueError when the image is smaller than ``size``, FrameFailed when a pixel is
    not finite.
    """
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        raise FrameFailed("the frame holds NaN or infinity; give dead pixels a finite value")
    if min(image.shape[1:]) < size:
        raise ValueError(f"the camera's images of {image.shape[1:]} pixels are smaller than the {size} asked for")
    if _is_read_out(image, size):
        return _greys(image, np.arange(len(image)))
    small = image.astype(np.float32)
    if small.shape[1:] != (size, size):
        small = bin_mean(small, size)
    root = np.sqrt(np.maximum(small, 0.0))
    level = np.median(root.reshape(len(root), -1), axis=1)[:, None, None]
    grey: NDArray[np.uint8] = np.clip(MEDIAN_GREY + GREY_PER_ROOT * (root - level), 0, 255).astype(np.uint8)[..., None]
    return grey


def _is_read_out(image: NDArray[np.generic], size: int) -> bool:
    return image.dtype == np.uint16 and image.shape[1:] == (size, size)


def _greys(image: NDArray[np.generic], rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Compress the named images of (m, size, size) uint16; the same numbers as any other type's, ten times as fast."""
    grey = np.empty((len(rows), *image.shape[1:]), dtype=np.uint8)
    whole, median, per_root = np.ascontiguousarray(image), np.float32(MEDIAN_GREY), np.float32(GREY_PER_ROOT)
    over_rows(len(rows), lambda part: write_greys(whole, rows[part], median, per_root, grey[part]))
    return grey[..., None]


def bin_mean(image: Float32Array, size: int) -> Float32Array:
    """Bin images (n, rows, columns) to (n, size, size) by the mean."""
    for axis in (1, 2):
        edges = np.linspace(0, image.shape[axis], size + 1).astype(np.int64)
        shape = [1, 1, 1]
        shape[axis] = size
        sums = np.add.reduceat(image, edges[:-1], axis=axis)
        image = (sums / np.diff(edges).reshape(shape).astype(np.float32)).astype(np.float32, copy=False)
    return image
