"""Kernels of the peak finder: local maxima, spots grown downhill, weighted centroids."""

import math

import numpy as np
from numba import njit

from beamgym.physics.arrays import BoolArray, Float64Array, Int64Array


@njit(cache=True, nogil=True)
def find_maxima(excess, threshold) -> Int64Array:  # type: ignore[no-untyped-def]
    """Rows and columns of local maxima of the 3 x 3 sum above ``threshold`` of its own noise, brightest first.

    Summing nine pixels is close to the best filter for spots a few pixels wide and keeps one-pixel noise down.
    """
    rows, columns = excess.shape
    capacity = max(64, rows * columns // 8)
    place = np.empty(capacity, dtype=np.int64)
    value = np.empty(capacity, dtype=np.float32)
    found = 0
    cut = np.float32(3.0 * threshold)
    # three pixels of a column, for the rows above, here and below
    sums = np.zeros((3, columns), dtype=np.float32)
    for row in range(rows + 1):
        here = sums[row % 3]
        if row < rows:
            above, below = max(row - 1, 0), min(row + 1, rows - 1)
            weight_above, weight_below = np.float32(row > 0), np.float32(row < rows - 1)
            previous = np.float32(0.0)
            middle = weight_above * excess[above, 0] + excess[row, 0] + weight_below * excess[below, 0]
            for column in range(columns):
                following = np.float32(0.0)
                if column + 1 < columns:
                    following = (
                        weight_above * excess[above, column + 1]
                        + excess[row, column + 1]
                        + weight_below * excess[below, column + 1]
                    )
                here[column] = previous + middle + following
                previous, middle = middle, following
        else:
            here[:] = np.float32(-1e30)
        if row == 0:
            continue
        centre, last = sums[(row - 1) % 3], sums[(row - 2) % 3]
        for column in range(columns):
            c = centre[column]
            if c < cut:
                continue
            left, right = max(column - 1, 0), min(column + 1, columns - 1)
            if row > 1 and (last[left] >= c or last[column] >= c or last[right] >= c):
                continue
            if here[left] > c or here[column] > c or here[right] > c:
                continue
            if (column > 0 and centre[left] >= c) or (column + 1 < columns and centre[right] > c):
                continue
            if found < capacity:
                place[found] = (row - 1) * columns + column
                value[found] = c
                found += 1
    order = np.argsort(-value[:found], kind="mergesort")
    return place[:found][order]


@njit(cache=True, nogil=True)
def grow_spots(  # type: ignore[no-untyped-def]
    excess, image, ignored, maxima, saturation, noise, tile, reach, owner
) -> tuple[Float64Array, Float64Array, BoolArray]:
    """Grow each maximum downhill to a spot, reject what is none, and measure the rest.

    Parameters
    ----------
    excess : (slow, fast) float32 from ``subtract`` of background_kernels; image : (slow, fast) counts
    ignored : (slow, fast) bool
    maxima : (k,) flat pixel numbers, brightest first
    saturation : count at which a pixel is full; inf for none
    noise : (tiles, tiles) noise in counts, to turn ``excess`` back into counts; tile : their edge
    reach : furthest pixel from the summit that may belong to the spot
    owner : (slow, fast) int32 zeros; filled with 1 + the number of the maximum that took the pixel

    Returns
    -------
    position (s, 2) along fast and slow, intensity (s,) in counts, saturated (s,) bool
    """
    columns = excess.shape[1]
    position = np.empty((maxima.shape[0], 2))
    intensity = np.empty(maxima.shape[0])
    saturated = np.zeros(maxima.shape[0], dtype=np.bool_)
    stack = np.empty((2 * reach + 3) ** 2, dtype=np.int64)
    found = 0
    for number in range(maxima.shape[0]):
        row, column = summit(excess, maxima[number] // columns, maxima[number] % columns)
        if owner[maxima[number] // columns, maxima[number] % columns] or owner[row, column]:
            continue
        if is_spike(excess, row, column):
            owner[row, column] = number + 1
            continue
        size, edge = grow(excess, row, column, reach, number + 1, owner, stack)
        # a single pixel is no optics' work; what runs on is an edge of the background; what is cut has no centre
        if size < 2 or edge > reach or is_cut(ignored, row, column):
            continue
        total, x, y, spread, full = moments(excess, image, stack[:size], saturation)
        if not full:
            x, y = centroid(excess, owner, number + 1, x, y, math.sqrt(max(spread, 1.0)))
        position[found, 0], position[found, 1] = x, y
        i, j = min(row // tile, noise.shape[0] - 1), min(column // tile, noise.shape[1] - 1)
        intensity[found] = total * noise[i, j]
        saturated[found] = full
        found += 1
    return position[:found], intensity[:found], saturated[:found]


@njit(cache=True, nogil=True)
def grow(excess, top_row, top_column, reach, number, owner, stack) -> tuple[int, int]:  # type: ignore[no-untyped-def]
    """Take the pixels downhill of a summit into ``owner`` and ``stack``.

    Returns
    -------
    how many pixels, and how often the spot would have run on beyond ``reach``
    """
    rows, columns = excess.shape
    floor = max(np.float32(1.5), np.float32(0.02) * excess[top_row, top_column])
    stack[0] = top_row * columns + top_column
    owner[top_row, top_column] = number
    size, done, edge = 1, 0, 0
    while done < size:
        row, column = stack[done] // columns, stack[done] % columns
        done += 1
        # downhill, but for noise, which grows with the spot's own counts
        ceiling = 2.0 + 1.1 * excess[row, column]
        for step in range(4):
            a = row + (step == 0) - (step == 1)
            b = column + (step == 2) - (step == 3)
            if a < 0 or b < 0 or a >= rows or b >= columns or owner[a, b]:
                continue
            if excess[a, b] < floor or excess[a, b] > ceiling:
                continue
            if abs(a - top_row) > reach or abs(b - top_column) > reach:
                edge += 1
                continue
            owner[a, b] = number
            stack[size] = a * columns + b
            size += 1
    return size, edge


@njit(cache=True, nogil=True)
def moments(excess, image, pixels, saturation) -> tuple[float, float, float, float, bool]:  # type: ignore[no-untyped-def]
    """Return sum, mean along fast and slow, mean variance of the two (px²) and whether a pixel is full."""
    columns = excess.shape[1]
    full = False
    total = mean_x = mean_y = square = 0.0
    for pixel in pixels:
        row, column = pixel // columns, pixel % columns
        value = excess[row, column]
        full |= image[row, column] >= saturation
        total += value
        mean_x += value * column
        mean_y += value * row
    mean_x, mean_y = mean_x / total, mean_y / total
    for pixel in pixels:
        row, column = pixel // columns, pixel % columns
        square += excess[row, column] * ((column - mean_x) ** 2 + (row - mean_y) ** 2)
    return total, mean_x, mean_y, 0.5 * square / total, full


@njit(cache=True, nogil=True)
def summit(excess, row, column) -> tuple[int, int]:  # type: ignore[no-untyped-def]
    """Return the highest of the nine pixels around one."""
    rows, columns = excess.shape
    best_row, best_column = row, column
    for a in range(max(0, row - 1), min(rows, row + 2)):
        for b in range(max(0, column - 1), min(columns, column + 2)):
            if excess[a, b] > excess[best_row, best_column]:
                best_row, best_column = a, b
    return best_row, best_column


@njit(cache=True, nogil=True)
def is_spike(excess, row, column) -> bool:  # type: ignore[no-untyped-def]
    """Whether a pixel stands alone: its eight neighbours together hold less than optics would spread, or only noise."""
    rows, columns = excess.shape
    around = 0.0
    for a in range(max(0, row - 1), min(rows, row + 2)):
        for b in range(max(0, column - 1), min(columns, column + 2)):
            if a != row or b != column:
                around += excess[a, b]
    alone: bool = around < max(0.15 * excess[row, column], 2.8)
    return alone


@njit(cache=True, nogil=True)
def is_cut(ignored, row, column) -> bool:  # type: ignore[no-untyped-def]
    """Whether a summit touches an ignored pixel."""
    rows, columns = ignored.shape
    for a in range(max(0, row - 1), min(rows, row + 2)):
        for b in range(max(0, column - 1), min(columns, column + 2)):
            if ignored[a, b]:
                return True
    return False


@njit(cache=True, nogil=True)
def centroid(excess, owner, number, x, y, width) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Windowed centroid: the fixed point of a Gaussian-weighted mean (Bertin & Arnouts 1996, "win" parameters).

    A plain mean over a cut-off region leans towards the pixel grid; the weighted one does not, to 0.01 px.
    Pixels that belong to another spot are left out, and so are their mirror images, which keeps the mean honest.
    """
    rows, columns = excess.shape
    radius = math.ceil(3.0 * width)
    for _ in range(12):
        sum_w = sum_x = sum_y = 0.0
        row, column = round(y), round(x)
        for a in range(max(0, row - radius), min(rows, row + radius + 1)):
            for b in range(max(0, column - radius), min(columns, column + radius + 1)):
                if owner[a, b] != 0 and owner[a, b] != number:
                    continue
                across, along = 2 * row - a, 2 * column - b
                if (
                    0 <= across < rows
                    and 0 <= along < columns
                    and owner[across, along] != 0
                    and owner[across, along] != number
                ):
                    continue
                weight = math.exp(-0.5 * ((a - y) ** 2 + (b - x) ** 2) / width**2) * excess[a, b]
                sum_w += weight
                sum_x += weight * (b - x)
                sum_y += weight * (a - y)
        if sum_w <= 0.0:
            break
        # the weighted mean of a Gaussian of the same width moves half of the way: step twice
        step_x, step_y = 2.0 * sum_x / sum_w, 2.0 * sum_y / sum_w
        if abs(step_x) > 1.0 or abs(step_y) > 1.0:
            break
        x += step_x
        y += step_y
        if abs(step_x) < 1e-3 and abs(step_y) < 1e-3:
            break
    return x, y


@njit(cache=True, nogil=True)
def brightest(image, ignored, ground) -> float:  # type: ignore[no-untyped-def]
    """Highest count that is neither ignored nor a hot pixel, whose neighbours hold less than optics would spread.

    Parameters
    ----------
    image : (slow, fast) counts; ignored : (slow, fast) bool
    ground : lowest level of the background, counts
    """
    rows, columns = image.shape
    best = float(ground)
    for row in range(rows):
        for column in range(columns):
            value = float(image[row, column])
            if ignored[row, column] or not value > best:
                continue
            around = 0.0
            for a in range(max(0, row - 1), min(rows, row + 2)):
                for b in range(max(0, column - 1), min(columns, column + 2)):
                    if (a != row or b != column) and not ignored[a, b]:
                        around += max(float(image[a, b]) - ground, 0.0)
            if around >= 0.15 * (value - ground):
                best = value
    return best


@njit(cache=True, nogil=True)
def has_neighbour(marked) -> BoolArray:  # type: ignore[no-untyped-def]
    """Return (slow, fast) bool: whether one of a pixel's eight neighbours is marked as well."""
    rows, columns = marked.shape
    found = np.zeros(marked.shape, dtype=np.bool_)
    for row in range(rows):
        for column in range(columns):
            for a in range(max(0, row - 1), min(rows, row + 2)):
                for b in range(max(0, column - 1), min(columns, column + 2)):
                    found[row, column] |= marked[a, b] and (a != row or b != column)
    return found
