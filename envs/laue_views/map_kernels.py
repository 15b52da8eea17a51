"""Kernels of the gnomonic map: spots as small bright discs."""

import numba
import numpy as np

REACH = 1
"""Pixels by which a spot is drawn beyond its own, each way."""


@numba.njit(cache=True, nogil=True)
def draw_spots(rows, axis, across, up, half, out) -> None:  # type: ignore[no-untyped-def]
    """Draw spot rows as a map about a direction.

    Parameters
    ----------
    rows : (m, r, 5) spot rows: unit normal, brightness, present
    axis, across, up : (3,) unit vectors: the map's middle, and its two directions
    half : tangent of the angle at the map's edges
    out : (m, size, size) uint8, filled; of spots that meet the brighter counts
    """
    size = out.shape[1]
    for i in range(rows.shape[0]):
        for spot in range(rows.shape[1]):
            row = rows[i, spot]
            ahead = row[0] * axis[0] + row[1] * axis[1] + row[2] * axis[2]
            if row[4] == 0.0 or ahead <= 0.0:
                continue
            u = (row[0] * across[0] + row[1] * across[1] + row[2] * across[2]) / ahead
            v = (row[0] * up[0] + row[1] * up[1] + row[2] * up[2]) / ahead
            column = (u / half + 1.0) * 0.5 * size - 0.5
            line = (1.0 - v / half) * 0.5 * size - 0.5
            for y in range(int(np.round(line)) - REACH, int(np.round(line)) + REACH + 1):
                for x in range(int(np.round(column)) - REACH, int(np.round(column)) + REACH + 1):
                    if 0 <= y < size and 0 <= x < size:
                        apart = (y - line) ** 2 + (x - column) ** 2
                        grey = np.uint8(255.0 * row[3] * np.exp(-apart))
                        if grey > out[i, y, x]:
                            out[i, y, x] = grey
