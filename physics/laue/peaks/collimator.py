"""Finds the collimator's or beam stop's shadow: a round dark region with a hard edge."""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.ndimage import maximum_filter, uniform_filter

from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array, Int64Array

SECTORS = 36
FEWEST_SECTORS = 0.6
"""Share of directions in which the edge must be seen."""


@dataclass(frozen=True)
class Shadow:
    """A round shadow.

    Parameters
    ----------
    centre_px : along fast and slow
    radius_px : of its edge
    outer_px : to where the bright rim about the edge reaches
    """

    centre_px: tuple[float, float]
    radius_px: float
    outer_px: float


def find_shadow(smooth: Float32Array, ignored: BoolArray, blur: float) -> Shadow | None:
    """Find a round region, dark against its surroundings, in the middle two thirds of a picture.

    Parameters
    ----------
    smooth : (slow, fast) picture with bright spots, smoothed by ``blur``, in standard deviations of a pixel's noise
    ignored : (slow, fast) True where a pixel says nothing
    blur : standard deviation of the smoothing, pixels

    Returns
    -------
    Shadow or None where there is none

    Notes
    -----
    Every pixel of a hard edge votes for the centres that lie down its slope (Hough 1962; Duda & Hart, Commun. ACM 15
    (1972) 11). Spots are bright and vote for nothing but their surroundings.
    """
    slope_y, slope_x = np.gradient(smooth, axis=0), np.gradient(smooth, axis=1)
    steep: Float32Array = np.hypot(slope_x, slope_y)
    steep[ignored] = 0.0
    # the noise of a smoothed slope, ten times; a hill of scattered light stays far below a hard edge
    least = max(10.0 / (math.sqrt(8.0 * math.pi) * blur**2), 3.0 * float(np.percentile(steep[::4, ::4], 90)))
    rows, columns = np.nonzero(steep > least)
    if len(rows) < 20 or len(rows) > 0.2 * steep.size:
        return None
    cosine, sine = slope_x[rows, columns] / steep[rows, columns], slope_y[rows, columns] / steep[rows, columns]
    longest = 0.25 * min(smooth.shape)
    votes = _votes(rows, columns, cosine, sine, smooth.shape, 4.0, longest)
    centre, radius, share = _best_circle(votes, rows, columns, cosine, sine, 4.0, longest)
    if share < FEWEST_SECTORS:
        return None
    return Shadow((float(centre[0]), float(centre[1])), float(radius), _rim_end(smooth, centre, radius, blur))


@njit(cache=True, nogil=True)
def _votes(rows, columns, cosine, sine, shape, shortest, longest) -> Float32Array:  # type: ignore[no-untyped-def]
    """Count, on a grid of 2 pixels over the middle of the picture, the edge pixels whose slope comes from there."""
    votes = np.zeros((shape[0] // 2 + 1, shape[1] // 2 + 1), dtype=np.float32)
    for k in range(rows.shape[0]):
        distance = shortest
        while distance <= longest:
            i, j = int(rows[k] - distance * sine[k]), int(columns[k] - distance * cosine[k])
            if shape[0] / 6 <= i < 5 * shape[0] / 6 and shape[1] / 6 <= j < 5 * shape[1] / 6:
                # a circle's length grows with its radius: every circle counts alike
                votes[i // 2, j // 2] += 1.0 / distance
            distance += 1.0
    return votes


def _best_circle(
    votes: Float32Array,
    rows: Int64Array,
    columns: Int64Array,
    cosine: Float32Array,
    sine: Float32Array,
    shortest: float,
    longest: float,
) -> tuple[Float64Array, float, float]:
    """Of the ten places with most votes, the circle whose edge is seen in most directions, refined."""
    summed = uniform_filter(votes, 3, mode="constant")
    peaks = np.flatnonzero((summed == maximum_filter(summed, 9)) & (summed > 0))
    best = (np.zeros(2), 0.0, 0.0)
    for place in peaks[np.argsort(-summed.ravel()[peaks])][:10]:
        row, column = divmod(int(place), votes.shape[1])
        circle = _fitted(
            np.array([2.0 * column + 1.0, 2.0 * row + 1.0]), rows, columns, cosine, sine, shortest, longest
        )
        if circle[2] > best[2]:
            best = circle
    return best


def _fitted(
    centre: Float64Array,
    rows: Int64Array,
    columns: Int64Array,
    cosine: Float32Array,
    sine: Float32Array,
    shortest: float,
    longest: float,
) -> tuple[Float64Array, float, float]:
    """Least-squares circle through the edge pixels about a centre, and the share of directions that have one."""
    radius, share = 0.0, 0.0
    for turn in range(4):
        x, y = columns - centre[0], rows - centre[1]
        distance = np.hypot(x, y)
        aligned = (x * cosine + y * sine > 0.85 * distance) & (distance >= shortest) & (distance <= longest)
        if aligned.sum() < 12:
            return centre, 0.0, 0.0
        if turn == 0:
            bins = np.histogram(distance[aligned], bins=np.arange(shortest, longest + 3.0, 2.0))[0]
            middles = np.arange(shortest, longest + 1.0, 2.0)[: len(bins)] + 1.0
            radius = float(middles[np.argmax(bins / middles)])
        near = aligned & (np.abs(distance - radius) < max(3.0, 0.15 * radius))
        if near.sum() < 12:
            return centre, 0.0, 0.0
        design = np.column_stack([columns[near], rows[near], np.ones(int(near.sum()))]).astype(np.float64)
        solution = np.linalg.lstsq(design, columns[near] ** 2.0 + rows[near] ** 2.0, rcond=None)[0]
        moved = 0.5 * solution[:2]
        radius = float(np.sqrt(max(solution[2] + moved @ moved, 1.0)))
        if np.hypot(*(moved - centre)) > 0.5 * radius + 4.0:
            return centre, 0.0, 0.0
        centre = moved
        sector = np.floor((np.arctan2(y[near], x[near]) / (2.0 * np.pi) + 0.5) * SECTORS).astype(int) % SECTORS
        share = len(np.unique(sector)) / SECTORS
    return centre, radius, share


def _rim_end(smooth: Float32Array, centre: Float64Array, radius: float, blur: float) -> float:
    """Where the median over all directions stops falling from the rim's top, and no less than the smoothing outside."""
    angles = np.linspace(0.0, 2.0 * np.pi, 128, endpoint=False)
    steps = np.arange(0.0, 0.6 * radius + 30.0, 0.5) + radius
    x = np.rint(centre[0] + steps[:, None] * np.cos(angles)).astype(int)
    y = np.rint(centre[1] + steps[:, None] * np.sin(angles)).astype(int)
    inside = (x >= 0) & (x < smooth.shape[1]) & (y >= 0) & (y < smooth.shape[0])
    values = np.where(inside, smooth[np.clip(y, 0, smooth.shape[0] - 1), np.clip(x, 0, smooth.shape[1] - 1)], np.nan)
    enough = inside.sum(axis=1) > 16
    profile = np.array([np.nanmedian(line) for line in values[enough]])
    if len(profile) < 10:
        return radius + 3.0 * blur
    top = int(np.argmax(profile[: max(4, len(profile) // 2)]))
    # the ground outside is a straight line through the far end
    far = np.arange(len(profile)) >= 2 * len(profile) // 3
    line = np.polyval(np.polyfit(steps[enough][far], profile[far], 1), steps[enough])
    rise = profile - line
    over = np.flatnonzero(rise[top:] < 0.1 * max(float(rise[top]), 1e-9))
    end = top + (int(over[0]) if len(over) else 0)
    return float(steps[min(end, len(steps) - 1)]) + 1.5 * blur
