"""Kernels that measure and subtract an image's local background and noise."""

import math

import numpy as np
from numba import njit

from beamgym.physics.arrays import Float64Array


@njit(cache=True, nogil=True)
def tile_statistics(image, ignored, tile) -> tuple[Float64Array, Float64Array]:  # type: ignore[no-untyped-def]
    """Level and noise of square tiles, spots clipped away.

    Parameters
    ----------
    image : (slow, fast) counts; ignored : (slow, fast) bool
    tile : edge of a tile in pixels

    Returns
    -------
    level, noise : (tiles along slow, tiles along fast) float64; noise is -1 where a tile has no usable pixel
    """
    rows, columns = image.shape
    down, across = (rows + tile - 1) // tile, (columns + tile - 1) // tile
    level, noise = np.zeros((down, across)), np.full((down, across), -1.0)
    values = np.empty(tile * tile)
    for i in range(down):
        for j in range(across):
            kept = 0
            for row in range(i * tile, min(rows, (i + 1) * tile)):
                for column in range(j * tile, min(columns, (j + 1) * tile)):
                    if not ignored[row, column]:
                        values[kept] = image[row, column]
                        kept += 1
            if kept < 4:
                continue
            level[i, j], noise[i, j] = clipped_mean(values, kept)
    return level, noise


@njit(cache=True, nogil=True)
def clipped_mean(values, count) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Mean and standard deviation of ``values[:count]`` with what lies far off clipped, in at most eight passes.

    The first pass is cut at the mean, because bright spots stretch the deviation itself.
    """
    mean = 0.0
    for k in range(count):
        mean += values[k]
    mean /= count
    below = 0.0
    kept = 0
    for k in range(count):
        if values[k] <= mean:
            below += (mean - values[k]) ** 2
            kept += 1
    deviation = math.sqrt(below / max(kept, 1))
    for _ in range(8):
        low, high = mean - 3.0 * deviation, mean + 2.5 * deviation
        total = squares = 0.0
        used = 0
        for k in range(count):
            offset = values[k] - mean
            if low <= values[k] <= high:
                total += offset
                squares += offset * offset
                used += 1
        if used < 4:
            break
        shift = total / used
        variance = squares / used - shift * shift
        mean += shift
        if variance < 1e-9 * shift * shift:
            # hot pixels pulled the mean so far that the difference above is rounding: sum about the new mean
            variance = 0.0
            for k in range(count):
                if low <= values[k] <= high:
                    variance += (values[k] - mean) ** 2 / used
        clipped = math.sqrt(max(0.0, variance)) * 1.02
        if used == kept and abs(clipped - deviation) < 0.01 * deviation:
            deviation = clipped
            break
        kept = used
        deviation = clipped
    return mean, deviation


@njit(cache=True, nogil=True)
def fill_gaps(level, noise) -> None:  # type: ignore[no-untyped-def]
    """Give tiles without statistics those of their nearest neighbours, in place."""
    down, across = level.shape
    for _ in range(down + across):
        missing = 0
        known = noise.copy()
        for i in range(down):
            for j in range(across):
                if known[i, j] >= 0.0:
                    continue
                total_level = total_noise = 0.0
                count = 0
                for a in range(max(0, i - 1), min(down, i + 2)):
                    for b in range(max(0, j - 1), min(across, j + 2)):
                        if known[a, b] >= 0.0:
                            total_level += level[a, b]
                            total_noise += known[a, b]
                            count += 1
                if count:
                    level[i, j], noise[i, j] = total_level / count, total_noise / count
                else:
                    missing += 1
        if missing == 0:
            break


@njit(cache=True, nogil=True)
def level_crowded(level, noise) -> None:  # type: ignore[no-untyped-def]
    """Bring tiles that stand out from their 3 x 3 neighbourhood back to its median, in place.

    A tile full of spots must not raise its own background; smaller differences are the background's own shape.
    """
    down, across = level.shape
    near, spread = np.empty(9), np.empty(9)
    known_level, known_noise = level.copy(), noise.copy()
    for i in range(down):
        for j in range(across):
            count = 0
            for a in range(max(0, i - 1), min(down, i + 2)):
                for b in range(max(0, j - 1), min(across, j + 2)):
                    near[count] = known_level[a, b]
                    spread[count] = known_noise[a, b]
                    count += 1
            middle, scatter = np.median(near[:count]), np.median(spread[:count])
            if known_noise[i, j] > 1.5 * scatter or known_level[i, j] > middle + 3.0 * scatter:
                level[i, j] = min(known_level[i, j], middle + scatter)
                noise[i, j] = scatter


@njit(cache=True, nogil=True)
def subtract(image, ignored, level, noise, tile, excess) -> None:  # type: ignore[no-untyped-def]
    """Write counts above the interpolated background in units of the local noise into ``excess`` (slow, fast) float32.

    Ignored pixels become 0. Level and noise are bilinear between the centres of tiles.
    """
    rows, columns = image.shape
    down, across = level.shape
    left = np.empty(columns, dtype=np.int64)
    share = np.empty(columns)
    for column in range(columns):
        left[column], share[column] = between(column, tile, across)
    row_level, row_noise = np.empty(across + 1), np.empty(across + 1)
    for row in range(rows):
        i, fraction = between(row, tile, down)
        below = min(i + 1, down - 1)
        for j in range(across):
            row_level[j] = level[i, j] + fraction * (level[below, j] - level[i, j])
            row_noise[j] = noise[i, j] + fraction * (noise[below, j] - noise[i, j])
        row_level[across], row_noise[across] = row_level[across - 1], row_noise[across - 1]
        for column in range(columns):
            j, part = left[column], share[column]
            background = row_level[j] + part * (row_level[j + 1] - row_level[j])
            spread = row_noise[j] + part * (row_noise[j + 1] - row_noise[j])
            excess[row, column] = (image[row, column] - background) / spread
            if ignored[row, column]:
                excess[row, column] = 0.0


@njit(cache=True, nogil=True)
def between(pixel, tile, tiles) -> tuple[int, float]:  # type: ignore[no-untyped-def]
    """Return the tile whose centre lies at or before a pixel, and how far towards the next centre it is, 0 to 1."""
    place = min(max((pixel + 0.5) / tile - 0.5, 0.0), tiles - 1.0)
    before = min(int(place), max(tiles - 2, 0))
    return before, place - before
