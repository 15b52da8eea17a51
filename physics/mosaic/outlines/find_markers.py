"""Finds printed markers in a photograph: rings that are ellipses, with dots in them that say which ring it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from beamgym.physics.arrays import Float64Array
from beamgym.physics.extras import need
from beamgym.physics.mosaic.outlines.markers import DOT_MM, HOLE_MM, MOST_DOTS, RING_MM

_LONGEST_PX = 2000
"""Longer pictures are made smaller for the search, in whole steps."""
_LEAST_PX = 150
"""Pixels that a ring with its hole has at least."""
_HOLE = (HOLE_MM / RING_MM) ** 2
_DOT = (DOT_MM / RING_MM) ** 2


@dataclass(frozen=True)
class SeenMarker:
    """A marker in a photograph.

    Parameters
    ----------
    dots : its number
    column_px, row_px : its middle
    area_px2 : of the ring's outer edge
    """

    dots: int
    column_px: float
    row_px: float
    area_px2: float


def find_markers(grey: Float64Array) -> list[SeenMarker]:
    """Return the markers in a photograph, each number once, the one most like a marker.

    Parameters
    ----------
    grey : (rows, columns) brightness

    Raises
    ------
    ImportError : scikit-image is not installed
    """
    step = max(1, int(np.ceil(max(grey.shape) / _LONGEST_PX)))
    small = ndimage.zoom(ndimage.gaussian_filter(grey, 0.5 * step), 1.0 / step, order=1) if step > 1 else grey
    scale = np.array(grey.shape) / np.array(small.shape)
    best: dict[int, tuple[float, SeenMarker]] = {}
    for share in (0.5, 0.35, 0.65):
        for unlike, seen in _rings(_dark(small, share)):
            if seen.dots not in best or unlike < best[seen.dots][0]:
                best[seen.dots] = (unlike, _enlarged(seen, scale))
    return [best[dots][1] for dots in sorted(best)]


def _dark(grey: Float64Array, share: float) -> NDArray[np.bool_]:
    """Return where the picture is darker than a share of the way from the darkest to the brightest nearby."""
    size = max(9, min(grey.shape) // 8)
    coarse = max(1, size // 12)
    rows, columns = (length // coarse for length in grey.shape)
    blocks = grey[: rows * coarse, : columns * coarse].reshape(rows, coarse, columns, coarse)
    window = max(3, size // coarse)
    low = ndimage.minimum_filter(blocks.min(axis=(1, 3)), window)
    high = ndimage.maximum_filter(blocks.max(axis=(1, 3)), window)
    level = ndimage.gaussian_filter(low + share * (high - low), 1.0)
    index = [
        np.minimum(np.arange(length) // coarse, part - 1) for length, part in zip(grey.shape, level.shape, strict=True)
    ]
    return np.asarray(grey < level[np.ix_(*index)])


def _rings(dark: NDArray[np.bool_]) -> list[tuple[float, SeenMarker]]:
    measure = need("skimage.measure", "mosaic")
    found = []
    for region in measure.regionprops(measure.label(dark, connectivity=1)):
        if region.area < 0.4 * _LEAST_PX or region.area > 0.05 * dark.size:
            continue
        if (seen := _as_marker(region, dark, measure)) is not None:
            found.append(seen)
    return found


def _as_marker(region: Any, dark: NDArray[np.bool_], measure: Any) -> tuple[float, SeenMarker] | None:
    """Return a dark region as a marker and how unlike one it is, or None where it is no ring with dots."""
    whole = ndimage.binary_fill_holes(np.pad(region.image, 1))
    area = float(whole.sum())
    hole = whole & ~np.pad(region.image, 1)
    if area < _LEAST_PX or not 0.6 * _HOLE < hole.sum() / area < 1.5 * _HOLE:
        return None
    row, column, ellipse = _moments(whole)
    hole_row, hole_column, _ = _moments(hole)
    radius = np.sqrt(area / np.pi)
    off_middle = float(np.hypot(row - hole_row, column - hole_column)) / radius
    unlike = abs(area / ellipse - 1.0) + off_middle
    if unlike > 0.12:
        return None
    top, left, bottom, right = region.bbox
    dots = _count_dots(hole & np.pad(dark[top:bottom, left:right], 1), area, measure)
    if dots == 0:
        return None
    return unlike, SeenMarker(dots, left - 1 + column, top - 1 + row, area)


def _moments(shape: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return the middle (row, column) of a shape, and the area of the ellipse of the same second moments."""
    rows, columns = np.nonzero(shape)
    spread = np.cov(np.vstack([rows, columns]), bias=True) + np.eye(2) / 12.0
    return float(rows.mean()), float(columns.mean()), float(4.0 * np.pi * np.sqrt(np.linalg.det(spread)))


def _count_dots(dark_in_hole: NDArray[np.bool_], area: float, measure: Any) -> int:
    """Return how many dots lie within a ring's hole; 0 where what is dark there are no dots."""
    sizes = np.bincount(measure.label(dark_in_hole, connectivity=1).ravel())[1:] / area
    dots = sizes[sizes > 0.2 * _DOT]
    like_dots = len(dots) and (dots < 2.5 * _DOT).all() and dots.max() < 3.0 * dots.min()
    return len(dots) if like_dots and len(dots) <= MOST_DOTS else 0


def _enlarged(seen: SeenMarker, scale: Float64Array) -> SeenMarker:
    """Return a marker of a picture that was made smaller as it lies in the whole one."""
    # The middle of a pixel has whole numbers.
    column, row = (seen.column_px + 0.5) * scale[1] - 0.5, (seen.row_px + 0.5) * scale[0] - 0.5
    return SeenMarker(seen.dots, float(column), float(row), float(seen.area_px2 * scale[0] * scale[1]))
