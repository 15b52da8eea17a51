"""Kernels of the laboratory finder: hot pixels, maxima that rise above their saddles, widths and shapes."""

import math

import numpy as np
from numba import njit

from beamgym.physics.arrays import Float64Array, Int64Array


@njit(cache=True, nogil=True)
def second_differences(image, ignored) -> Float64Array:  # type: ignore[no-untyped-def]
    """Mixed second difference of every pixel: blind to slopes and hills, as noisy as one pixel where noise is white.

    Pixels at the border or beside an ignored one become 0.
    """
    rows, columns = image.shape
    out = np.zeros((rows, columns), dtype=np.float32)
    for a in range(1, rows - 1):
        for b in range(1, columns - 1):
            if ignored[a, b]:
                continue
            cross = image[a - 1, b] + image[a + 1, b] + image[a, b - 1] + image[a, b + 1]
            corners = image[a - 1, b - 1] + image[a - 1, b + 1] + image[a + 1, b - 1] + image[a + 1, b + 1]
            out[a, b] = (4.0 * image[a, b] - 2.0 * cross + corners) / 6.0
    return out


@njit(cache=True, nogil=True)
def repair_spikes(excess, ignored) -> int:  # type: ignore[no-untyped-def]
    """Give pixels that stand alone, above or below, the median of their neighbours, in place; return how many.

    ``excess`` is in standard deviations. A spot of optics lights its neighbours too; so does none of these.
    """
    rows, columns = excess.shape
    around = np.empty(8, dtype=np.float32)
    found = 0
    places = np.empty((256, 2), dtype=np.int64)
    values = np.empty(256, dtype=np.float32)
    for a in range(rows):
        for b in range(columns):
            value = excess[a, b]
            if abs(value) < 6.0 or ignored[a, b]:
                continue
            sign = np.float32(1.0) if value > 0 else np.float32(-1.0)
            count = 0
            total = np.float32(0.0)
            lowest = np.float32(1e30)
            highest = np.float32(-1e30)
            for i in range(max(a - 1, 0), min(a + 2, rows)):
                for j in range(max(b - 1, 0), min(b + 2, columns)):
                    if i == a and j == b:
                        continue
                    near = sign * excess[i, j]
                    around[count] = near
                    count += 1
                    total += near
                    lowest = min(lowest, near)
                    highest = max(highest, near)
            height = sign * value
            if height <= highest:
                continue
            on_ground = total < max(0.2 * height, 5.0)
            on_flank = total - count * lowest < max(0.2 * (height - lowest), 0.0)
            if on_ground or on_flank:
                if found == places.shape[0]:
                    places = np.concatenate((places, np.empty_like(places)))
                    values = np.concatenate((values, np.empty_like(values)))
                places[found, 0], places[found, 1] = a, b
                values[found] = sign * np.median(around[:count])
                found += 1
    for k in range(found):
        excess[places[k, 0], places[k, 1]] = values[k]
    return found


@njit(cache=True, nogil=True)
def repair_steep(excess, ignored) -> None:  # type: ignore[no-untyped-def]
    """Give bright pixels on top or on the flank of a wide spot the median of their neighbours, in place.

    The top of a Gaussian at least one pixel wide stands above the median of its eight neighbours by twice their range.
    """
    rows, columns = excess.shape
    around = np.empty(8, dtype=np.float32)
    for a in range(1, rows - 1):
        for b in range(1, columns - 1):
            value = excess[a, b]
            if value < 6.0 or ignored[a, b]:
                continue
            count = 0
            lowest, highest = np.float32(1e30), np.float32(-1e30)
            for i in range(a - 1, a + 2):
                for j in range(b - 1, b + 2):
                    if i != a or j != b:
                        around[count] = excess[i, j]
                        count += 1
                        lowest, highest = min(lowest, excess[i, j]), max(highest, excess[i, j])
            middle = np.median(around)
            if value - middle > 3.0 * (highest - lowest) + 4.0 and value > highest:
                excess[a, b] = middle


@njit(cache=True, nogil=True)
def standing_maxima(  # type: ignore[no-untyped-def]
    significance, floor, depth, share
) -> tuple[Int64Array, Float64Array, Float64Array, Int64Array]:
    """Maxima that rise far enough above the saddle to anything higher, from the highest down.

    Pixels above ``floor`` are taken from the highest down and join the maximum they touch. Where two maxima meet, the
    lower one lives on as a spot of its own only if it rises above the meeting point by ``depth`` and by ``share`` of
    itself; else it was noise on the flank, the halo or the flat top of the higher one.

    Returns
    -------
    maxima (k,) flat pixel numbers, height (k,), rise above the saddle (k,), owner (slow, fast) 1 + number of the
    maximum, 0 below the floor
    """
    rows, columns = significance.shape
    flat = significance.ravel()
    candidates = np.flatnonzero(flat > floor)
    order = candidates[np.argsort(-flat[candidates])]
    number = np.full(rows * columns, -1, dtype=np.int64)
    parent = np.empty(order.shape[0], dtype=np.int64)
    top = np.empty(order.shape[0], dtype=np.int64)
    rise = np.empty(order.shape[0])
    alive = np.zeros(order.shape[0], dtype=np.bool_)
    labels = 0
    for pixel in order:
        a, b = pixel // columns, pixel % columns
        value = flat[pixel]
        mine = -1
        for i in range(max(a - 1, 0), min(a + 2, rows)):
            for j in range(max(b - 1, 0), min(b + 2, columns)):
                other = number[i * columns + j]
                if other < 0 or (i == a and j == b):
                    continue
                other = _root(parent, other)
                if mine < 0:
                    mine = other
                    continue
                if other == mine:
                    continue
                high, low = mine, other
                if flat[top[low]] > flat[top[high]]:
                    high, low = low, high
                ascend = flat[top[low]] - value
                if alive[low] and ascend >= max(depth, share * flat[top[low]]):
                    # both stay: the meeting pixel goes to the higher one, and the fence between them stands
                    rise[low] = min(rise[low], ascend)
                    mine = high
                elif alive[low]:
                    alive[low] = False
                    parent[low] = high
                    mine = high
                else:
                    parent[low] = high
                    mine = high
        if mine < 0:
            mine = labels
            parent[mine], top[mine], rise[mine], alive[mine] = mine, pixel, value, True
            labels += 1
        number[pixel] = mine
    name = np.zeros(labels, dtype=np.int64)
    count = 0
    for k in range(labels):
        if alive[k] and parent[k] == k:
            count += 1
            name[k] = count
    maxima, height, standing = np.empty(count, dtype=np.int64), np.empty(count), np.empty(count)
    for k in range(labels):
        if name[k]:
            maxima[name[k] - 1], height[name[k] - 1], standing[name[k] - 1] = top[k], flat[top[k]], rise[k]
    owner = np.zeros((rows, columns), dtype=np.int64)
    for pixel in order:
        owner[pixel // columns, pixel % columns] = name[_root(parent, number[pixel])]
    return maxima, height, standing, owner


@njit(cache=True)
def _root(parent, label) -> int:  # type: ignore[no-untyped-def]
    while parent[label] != label:
        parent[label] = parent[parent[label]]
        label = parent[label]
    return int(label)


@njit(cache=True, nogil=True)
def measure_spots(excess, owner, maxima, width, widest) -> Float64Array:  # type: ignore[no-untyped-def]
    """Adaptive moments of each maximum: the Gaussian whose own weighted moments are those of the picture.

    Parameters
    ----------
    excess : (slow, fast) above the local background, in standard deviations
    owner : (slow, fast) from ``standing_maxima``; pixels of other spots, and their mirror images, are left out
    maxima : (k,) flat pixel numbers
    width : the width to begin with; widest : the widest to be followed, pixels (standard deviation)

    Returns
    -------
    (k, 5): x, y, standard deviation (geometric mean of the two axes), ratio of the axes (≥ 1), height of the Gaussian

    Notes
    -----
    Bernstein & Jarvis, Astron. J. 123 (2002) 583; Hirata & Seljak, MNRAS 343 (2003) 459, with round weights.
    """
    rows, columns = excess.shape
    out = np.zeros((maxima.shape[0], 5))
    for k in range(maxima.shape[0]):
        number = owner[maxima[k] // columns, maxima[k] % columns]
        y, x = float(maxima[k] // columns), float(maxima[k] % columns)
        y0, x0 = y, x
        sigma = width
        axes, height = 1.0, 0.0
        for _ in range(25):
            # narrower windows than this see the grid of pixels more than the spot
            window_width = max(sigma, 0.8)
            radius = math.ceil(3.0 * window_width)
            row, column = round(y), round(x)
            s0 = sx = sy = sxx = syy = sxy = sw2 = 0.0
            for a in range(max(0, row - radius), min(rows, row + radius + 1)):
                for b in range(max(0, column - radius), min(columns, column + radius + 1)):
                    dx, dy = b - x, a - y
                    r2 = dx * dx + dy * dy
                    if r2 > 9.0 * window_width * window_width + 1.0:
                        continue
                    if owner[a, b] != 0 and owner[a, b] != number:
                        continue
                    mirror_a, mirror_b = 2 * row - a, 2 * column - b
                    if mirror_a < 0 or mirror_a >= rows or mirror_b < 0 or mirror_b >= columns:
                        continue
                    if owner[mirror_a, mirror_b] != 0 and owner[mirror_a, mirror_b] != number:
                        continue
                    window = math.exp(-0.5 * r2 / (window_width * window_width))
                    weight = window * excess[a, b]
                    sw2 += window * window
                    s0 += weight
                    sx += weight * dx
                    sy += weight * dy
                    sxx += weight * dx * dx
                    syy += weight * dy * dy
                    sxy += weight * dx * dy
            if s0 <= 0.0:
                break
            mean_x, mean_y = sx / s0, sy / s0
            xx, yy, xy = sxx / s0 - mean_x**2, syy / s0 - mean_y**2, sxy / s0 - mean_x * mean_y
            # weighted variance of a Gaussian: 1/(1/own² + 1/window²); solved for its own
            half, split = 0.5 * (xx + yy), math.sqrt(0.25 * (xx - yy) ** 2 + xy**2)
            big = _unweighted(half + split, window_width, widest)
            small = _unweighted(half - split, window_width, widest)
            axes = math.sqrt(big / small)
            height = s0 / sw2
            fresh = min(max((big * small) ** 0.25, 0.3), widest)
            # a weighted mean goes only part of the way
            part = 1.0 + (fresh / window_width) ** 2
            step_x, step_y = min(max(part * mean_x, -1.0), 1.0), min(max(part * mean_y, -1.0), 1.0)
            x, y = x + step_x, y + step_y
            change = abs(fresh - sigma)
            sigma = 0.5 * (sigma + fresh)
            if abs(x - x0) > 3.0 * width + 2.0 or abs(y - y0) > 3.0 * width + 2.0:
                break
            if change < 0.01 * sigma and abs(step_x) + abs(step_y) < 2e-3:
                break
        out[k, 0], out[k, 1], out[k, 2], out[k, 3], out[k, 4] = x, y, sigma, axes, height
    return out


@njit(cache=True)
def _unweighted(weighted, window, widest) -> float:  # type: ignore[no-untyped-def]
    """Own variance of a Gaussian whose variance under a Gaussian window is ``weighted``, within sensible bounds."""
    most = 1.0 / (1.0 / window**2 + 1.0 / widest**2)
    weighted = min(max(weighted, 0.02), most)
    own = 1.0 / (1.0 / weighted - 1.0 / window**2)
    return float(min(max(own, 0.06), widest**2))


@njit(cache=True, nogil=True)
def measure_rings(smooth, spots, sectors) -> tuple[Float64Array, Float64Array]:  # type: ignore[no-untyped-def]
    """What surrounds each spot at 2.6 of its own widths, as shares of its height above the ring's lower quarter.

    Parameters
    ----------
    smooth : (slow, fast) picture smoothed a little
    spots : (k, 5) from ``measure_spots``
    sectors : in how many directions to look, a multiple of 2

    Returns
    -------
    filled (k,) share of directions that are higher than half of the spot; through (k,) the lower end of the
    highest line through the spot, as a share of its height
    """
    rows, columns = smooth.shape
    filled, through = np.zeros(spots.shape[0]), np.zeros(spots.shape[0])
    ring, ranked = np.empty(sectors), np.empty(sectors)
    for k in range(spots.shape[0]):
        x, y, reach = spots[k, 0], spots[k, 1], max(2.6 * spots[k, 2], 2.0)
        for s in range(sectors):
            angle = 2.0 * math.pi * s / sectors
            total, used = 0.0, 0
            for part in (0.9, 1.0, 1.15):
                column = round(x + part * reach * math.cos(angle))
                row = round(y + part * reach * math.sin(angle))
                if 0 <= row < rows and 0 <= column < columns:
                    total += smooth[row, column]
                    used += 1
            ring[s] = total / used if used else -1e30
            ranked[s] = ring[s]
        ranked.sort()
        first = 0
        while first < sectors - 1 and ranked[first] < -1e29:
            first += 1
        ground = ranked[first + (sectors - first) // 4]
        centre_row, centre_column = min(max(round(y), 0), rows - 1), min(max(round(x), 0), columns - 1)
        height = max(smooth[centre_row, centre_column] - ground, 1e-6)
        count = 0
        best = -1e30
        for s in range(sectors):
            if ring[s] > -1e29 and ring[s] - ground > 0.5 * height:
                count += 1
            opposite = ring[(s + sectors // 2) % sectors]
            lower = min(ring[s], opposite)
            best = max(best, (lower - ground) / height)
        filled[k], through[k] = count / (sectors - first), best
    return filled, through


@njit(cache=True, nogil=True)
def aperture_sums(excess, spots, saturated_from) -> tuple[Float64Array, Int64Array]:  # type: ignore[no-untyped-def]
    """Sum within three own widths of each spot above the median of the ring around it, and how many pixels are full.

    Parameters
    ----------
    excess : (slow, fast) in the units of the sum
    spots : (k, 5) from ``measure_spots``
    saturated_from : (slow, fast) bool, full pixels
    """
    rows, columns = excess.shape
    total, full = np.zeros(spots.shape[0]), np.zeros(spots.shape[0], dtype=np.int64)
    for k in range(spots.shape[0]):
        x, y, inner = spots[k, 0], spots[k, 1], max(3.0 * spots[k, 2], 1.5)
        outer = inner + max(2.0 * spots[k, 2], 2.5)
        radius = math.ceil(outer)
        row, column = round(y), round(x)
        values = np.empty((2 * radius + 1) ** 2)
        around = 0
        sum_, pixels = 0.0, 0
        for a in range(max(0, row - radius), min(rows, row + radius + 1)):
            for b in range(max(0, column - radius), min(columns, column + radius + 1)):
                r2 = (a - y) ** 2 + (b - x) ** 2
                if r2 <= inner * inner:
                    sum_ += excess[a, b]
                    pixels += 1
                    full[k] += saturated_from[a, b]
                elif r2 <= outer * outer:
                    values[around] = excess[a, b]
                    around += 1
        ground = np.median(values[:around]) if around else 0.0
        total[k] = sum_ - pixels * ground
    return total, full


@njit(cache=True, nogil=True)
def hardest_steps(excess, spots) -> Float64Array:  # type: ignore[no-untyped-def]
    """(k,) largest difference of two neighbouring pixels within two widths of each spot, as a share of its height."""
    rows, columns = excess.shape
    out = np.zeros(spots.shape[0])
    for k in range(spots.shape[0]):
        row, column, radius = round(spots[k, 1]), round(spots[k, 0]), math.ceil(2.0 * spots[k, 2])
        low, high, step = 1e30, -1e30, 0.0
        for a in range(max(0, row - radius), min(rows - 1, row + radius + 1)):
            for b in range(max(0, column - radius), min(columns - 1, column + radius + 1)):
                value = float(excess[a, b])
                low, high = min(low, value), max(high, value)
                step = max(step, abs(value - excess[a + 1, b]), abs(value - excess[a, b + 1]))
        out[k] = step / max(high - low, 1e-6)
    return out
