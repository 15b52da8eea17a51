"""Kernels: found peaks to spot rows of the observation, camera images to grey ones."""

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def write_spot_rows(position_px, counts, count, chosen, panel, pixel_mm, bent, log_brightest, out) -> bool:  # type: ignore[no-untyped-def]
    """Write spot rows [nx, ny, nz, brightness, present] of some frames; rows beyond ``count`` stay as they are.

    Parameters
    ----------
    position_px, counts, count : (m, p, 2), (m, p), (m,) found peaks, brightest first
    chosen : (n,) which of the frames
    panel : (9,) origin_mm, fast and slow of the nominal detector
    pixel_mm : edge of a pixel, mm
    bent : (5,) radius of a cylinder, 0 of a flat panel; its middle column, px, and outward normal there
    log_brightest : ln(1 + counts) at brightness 1
    out : (n, rows, 5) float32

    Returns
    -------
    whether all of it is finite
    """
    finite = True
    for i in range(out.shape[0]):
        k = chosen[i]
        for j in range(min(count[k], out.shape[1])):
            right, down, drop = pixel_mm * position_px[k, j, 0], pixel_mm * position_px[k, j, 1], 0.0
            if bent[0] > 0.0:
                angle = (right - pixel_mm * bent[1]) / bent[0]
                right = pixel_mm * bent[1] + bent[0] * math.sin(angle)
                drop = 2.0 * bent[0] * math.sin(0.5 * angle) ** 2
            x = panel[0] + right * panel[3] + down * panel[6]
            y = panel[1] + right * panel[4] + down * panel[7]
            z = panel[2] + right * panel[5] + down * panel[8]
            if drop > 0.0:
                x, y, z = x - drop * bent[2], y - drop * bent[3], z - drop * bent[4]
            length = math.sqrt(x * x + y * y + z * z)
            # The normal bisects ray and reversed beam.
            x, y, z = x / length - 1.0, y / length, z / length
            length = max(math.sqrt(x * x + y * y + z * z), np.finfo(np.float64).tiny)
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = x / length, y / length, z / length
            out[i, j, 3] = min(math.log1p(max(counts[k, j], 0.0)) / log_brightest, 1.0)
            out[i, j, 4] = 1.0
            finite &= math.isfinite(out[i, j, 0] + out[i, j, 1] + out[i, j, 2] + out[i, j, 3])
    return finite


@njit(cache=True, nogil=True, error_model="numpy")
def write_axis_rows(positions, limits, margin_deg, out) -> None:  # type: ignore[no-untyped-def]
    """Write axis rows [fraction of travel, margin to the low limit, to the high limit, 1]; those beyond k stay.

    Parameters
    ----------
    positions, limits : (n, k) and (k, 2) lowest and highest
    margin_deg : a margin drawn as 1
    out : (n, rows, 4) float32
    """
    for i in range(positions.shape[0]):
        for axis in range(positions.shape[1]):
            place, low, high = positions[i, axis], limits[axis, 0], limits[axis, 1]
            if high > low:
                out[i, axis, 0] = _within(2.0 * (place - low) / (high - low) - 1.0, -1.0)
            out[i, axis, 1] = _within((place - low) / margin_deg, 0.0)
            out[i, axis, 2] = _within((high - place) / margin_deg, 0.0)
            out[i, axis, 3] = 1.0


@njit(cache=True, error_model="numpy", inline="always")
def _within(value, least):  # type: ignore[no-untyped-def]  # noqa: ANN202 - numba kernels carry no annotations
    """Cut a value to ``least`` … 1; NaN stays."""
    if value < least:
        return least
    return 1.0 if value > 1.0 else value


@njit(cache=True, nogil=True, error_model="numpy")
def write_greys(image, rows, median_grey, grey_per_root, out) -> None:  # type: ignore[no-untyped-def]
    """Compress counts by a square root around each image's median, in single precision.

    Parameters
    ----------
    image : (m, size, size) uint16 read-out
    rows : (n,) which of the images
    median_grey, grey_per_root : float32 grey of the median, and greys per unit of the root
    out : (n, size, size) uint8
    """
    histogram = np.zeros(65536, dtype=np.int32)
    for k in range(rows.shape[0]):
        counts, grey = image[rows[k]].reshape(-1), out[k].reshape(-1)
        level = _median_root(counts, histogram)
        for i in range(counts.shape[0]):
            value = median_grey + grey_per_root * (np.sqrt(np.float32(counts[i])) - level)
            grey[i] = np.uint8(min(max(value, np.float32(0.0)), np.float32(255.0)))


@njit(cache=True, nogil=True, error_model="numpy")
def _median_root(counts, histogram):  # type: ignore[no-untyped-def]  # noqa: ANN202 - numba kernels carry no annotations
    """Return the median of √counts (p,) uint16: roots keep the order, so it is found by a histogram, left empty."""
    for i in range(counts.shape[0]):
        histogram[counts[i]] += 1
    half, below, lower = counts.shape[0] // 2, 0, -1
    least = half + counts.shape[0] % 2  # so many are at most as bright as the lower middle one
    for value in range(65536):
        below += histogram[value]
        if lower < 0 and below >= least:
            lower = value
        if below > half:
            break
    for i in range(counts.shape[0]):
        histogram[counts[i]] = 0
    return (np.sqrt(np.float32(lower)) + np.sqrt(np.float32(value))) / np.float32(2.0)
