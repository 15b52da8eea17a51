"""Kernel: found peaks on the panel to spot rows of the observation."""

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def write_spot_rows(position_px, counts, count, panel, pixel_mm, log_brightest, out) -> None:  # type: ignore[no-untyped-def]
    """Write spot rows [nx, ny, nz, brightness, present]; rows beyond ``count`` stay as they are.

    Parameters
    ----------
    position_px, counts, count : (n, p, 2), (n, p), (n,) found peaks, brightest first
    panel : (9,) origin_mm, fast and slow of the nominal detector
    pixel_mm : edge of a pixel, mm
    log_brightest : ln(1 + counts) at brightness 1
    out : (n, rows, 5) float32
    """
    for i in range(out.shape[0]):
        for j in range(min(count[i], out.shape[1])):
            right, down = pixel_mm * position_px[i, j, 0], pixel_mm * position_px[i, j, 1]
            x = panel[0] + right * panel[3] + down * panel[6]
            y = panel[1] + right * panel[4] + down * panel[7]
            z = panel[2] + right * panel[5] + down * panel[8]
            length = math.sqrt(x * x + y * y + z * z)
            x, y, z = (
                x / length - 1.0,
                y / length,
                z / length,
            )  # the normal bisects ray and reversed beam
            length = max(math.sqrt(x * x + y * y + z * z), np.finfo(np.float64).tiny)
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = x / length, y / length, z / length
            out[i, j, 3] = min(math.log1p(max(counts[i, j], 0.0)) / log_brightest, 1.0)
            out[i, j, 4] = 1.0
