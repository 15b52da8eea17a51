"""Spots found in a frame or in what a method made of it, and how well: the same finder for every method."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter, zoom
from scipy.spatial import cKDTree

from beamgym.physics.arrays import BoolArray, Float64Array

ASKED_COUNTS = 10.0
"""A spot of so many expected counts at 1× is to be found; to find a fainter one is neither right nor wrong."""

MATCH_PX = 1.5
_NEAR_PX = 3.0  # of a spot that may explain a maximum, and within which the brighter one of two is asked for alone
_EXPLAINS_COUNTS = 2.0
_TILE = 16
_FLOOR = 0.1  # counts a pixel; keeps empty surroundings from making everything significant


@dataclass(frozen=True)
class Candidates:
    """Maxima of one frame: column and row (k, 2) by centroid in pixels, and how far each stands out (k,)."""

    position: Float64Array
    score: Float64Array


@dataclass(frozen=True)
class Judged:
    """One frame: of the spots asked for (t,) the best score that found it, −inf for none, and how far off it was in
    pixels; and the scores of maxima that no spot explains (f,)."""

    found: Float64Array
    off_px: Float64Array
    false: Float64Array


def candidates(image: Float64Array, mask: BoolArray, power: float) -> Candidates:
    """Return the maxima of an image (slow, fast), by how far they rise over their surroundings to a power of these."""
    plain = np.where(mask, 0.0, image)
    ground = _surroundings(plain)
    excess = plain - ground
    top = (plain == maximum_filter(plain, 3)) & (excess > 0.0) & ~mask
    top[:2], top[-2:], top[:, :2], top[:, -2:] = False, False, False, False
    rows, columns = np.nonzero(top)
    score = excess[rows, columns] / (ground[rows, columns] + _FLOOR) ** power
    best = np.argsort(-score)[:3000]
    rows, columns, score = rows[best], columns[best], score[best]
    step = np.arange(-2, 3)
    around = np.maximum(
        excess[rows[:, None, None] + step[None, :, None], columns[:, None, None] + step[None, None, :]], 0.0
    )
    total = around.sum((1, 2))
    along = (around * step[None, None, :]).sum((1, 2)) / total
    down = (around * step[None, :, None]).sum((1, 2)) / total
    return Candidates(np.stack([columns + along, rows + down], 1), score)


def judge(found: Candidates, peaks: Float64Array, exposure: float = 1.0) -> Judged:
    """Compare maxima with the spots (k, 5) of a scene, whose counts are at 1×, counted for ``exposure``."""
    place, counts = peaks[:, :2], peaks[:, 2]
    asked = _alone(place, counts)
    if not len(found.score):
        return Judged(np.full(len(asked), -np.inf), np.full(len(asked), np.nan), np.zeros(0))
    tree = cKDTree(found.position)
    best, off = np.full(len(asked), -np.inf), np.full(len(asked), np.nan)
    for i, near in enumerate(tree.query_ball_point(place[asked], MATCH_PX)):
        if near:
            one = max(near, key=lambda j: found.score[j])
            best[i], off[i] = found.score[one], np.linalg.norm(found.position[one] - place[asked[i]])
    explaining = place[counts * exposure > _EXPLAINS_COUNTS]
    if not len(explaining):
        return Judged(best, off, found.score)
    apart = cKDTree(explaining).query(found.position)[0]
    return Judged(best, off, found.score[apart > _NEAR_PX])


def f1(frames: list[Judged], threshold: float) -> float:
    """Return the harmonic mean of precision and recall over all frames."""
    right = sum(int((one.found >= threshold).sum()) for one in frames)
    false = sum(int((one.false >= threshold).sum()) for one in frames)
    asked = sum(len(one.found) for one in frames)
    return 2.0 * right / max(1, asked + right + false)


def best_threshold(frames: list[Judged], blank: list[Candidates], false_per_frame: float = 0.01) -> float:
    """Return the threshold of the best F1 among those at which blank frames show so few maxima.

    How few is drawn out of the highest maximum of every blank frame, as if these were Gumbel-distributed; never below
    the highest that was seen, since counts have longer tails where they are few.
    """
    tops = np.array([one.score.max(initial=0.0) for one in blank])
    beta = float(tops.std()) * np.sqrt(6.0) / np.pi
    drawn = float(tops.mean()) - 0.5772 * beta - beta * np.log(-np.log1p(-false_per_frame))
    least = max(drawn, float(tops.max()) * (1.0 + 1e-9))
    values = np.concatenate([one.found[np.isfinite(one.found)] for one in frames])
    tried = np.quantile(values[values >= least], np.linspace(0.0, 0.5, 26)) if (values >= least).any() else [least]
    return max((float(each) for each in [least, *tried]), key=lambda each: f1(frames, each))


def _alone(place: Float64Array, counts: Float64Array) -> list[int]:
    """Return which spots are asked for: bright enough, and none brighter close by."""
    bright = np.nonzero(counts >= ASKED_COUNTS)[0]
    if not len(bright):
        return []
    tree = cKDTree(place)
    return [
        int(i) for i in bright if all(counts[j] <= counts[i] for j in tree.query_ball_point(place[i], 2.0 * _NEAR_PX))
    ]


def _surroundings(image: Float64Array) -> Float64Array:
    """Return the mean of tiles, spots cut off, interpolated: of nearly empty frames a median would be 0."""
    rows, columns = (length // _TILE for length in image.shape)
    tiles = image[: rows * _TILE, : columns * _TILE].reshape(rows, _TILE, columns, _TILE).swapaxes(1, 2)
    values = tiles.reshape(rows, columns, -1)
    level = values.mean(-1)
    for _ in range(4):
        level = np.minimum(values, (2.0 * level + 2.0)[..., None]).mean(-1)
    ratio = [length / count for length, count in zip(image.shape, level.shape, strict=True)]
    return np.asarray(zoom(level, ratio, order=1, grid_mode=True, mode="nearest"))
