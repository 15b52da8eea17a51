"""Pixels and numbers that counts do not explain: dead and hot pixels, and frames that were multiplied by a gain."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom, poisson

from beamgym.physics.arrays import BoolArray, Float64Array

FALSE_SHARE: Final = 0.01
"""Of the pixels that are suspected so many are sound, at most; of a sound detector so many frames have one at all."""

MOST_WEIGHT: Final = 50.0
"""Of an empty pixel: one alone, where a rate is too high, would else decide for the whole frame."""

_DEAD = 0.8  # of the rate beside it a pixel has at least, of any optics, in the direction where that is least
_SPREADS = 0.25  # share of a spot's counts that its brightest neighbour has, at least, of any optics
_UNEVEN = 5.0  # standard deviations
_RARE = 0.2  # of the number beside it that is too frequent
_MOST_COUNTS = 64  # beyond it every number is rare

_REACH = 2
_DIRECTIONS = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]


@dataclass(frozen=True)
class EmptyShare:
    """Share of pixels that hold nothing though a count was expected, and its standard deviation."""

    share: float
    deviation: float


def empty_share(counts: ArrayLike, rate: ArrayLike, hidden: BoolArray) -> EmptyShare:
    """Return how many pixels are empty beyond what Poisson counts of a rate leave empty.

    Parameters
    ----------
    counts, rate : the frame and what is believed to be behind it, one shape
    hidden : True where a pixel is masked

    Notes
    -----
    The score estimate of ε in (1 − ε) Poisson(rate) + ε δ(0) about ε = 0: J. van den Broek, Biometrics 51 (1995) 738.
    """
    expected, found = np.asarray(rate), np.asarray(counts)
    if hidden.any():
        expected, found = expected[~hidden], found[~hidden]
    none = np.exp(-expected.ravel().astype(np.float32))
    weight = np.minimum(np.float32(1.0) / np.maximum(none, np.float32(1e-30)), np.float32(MOST_WEIGHT))
    weighted = weight * none
    total = float((weight - weighted).sum(dtype=np.float64))
    if total <= 0.0:
        return EmptyShare(0.0, np.inf)
    deviation = float(np.sqrt(np.dot(weighted, weight - weighted)))
    score = float(weight[found.ravel() == 0.0].sum(dtype=np.float64) - weighted.sum(dtype=np.float64))
    return EmptyShare(score / total, deviation / total)


def dead_pixels(counts: Float64Array, hidden: BoolArray) -> BoolArray:
    """Return which pixels count far less than those beside them in every direction, (slow, fast).

    Parameters
    ----------
    counts : (n, slow, fast) of n frames by one detector
    hidden : (slow, fast) True where a pixel is masked

    Notes
    -----
    Beside a spot or a line there is always a direction along which the rate does not rise: the least of eight is taken.
    """
    total = np.where(hidden, np.inf, counts.sum(0))
    padded = np.pad(total, _REACH, constant_values=np.inf)
    height, width = total.shape
    least = np.full(total.shape, np.inf)
    for down, over in _DIRECTIONS:
        steps = [(_REACH + k * down, _REACH + k * over) for k in range(1, _REACH + 1)]
        least = np.minimum(least, np.sum([padded[i : i + height, j : j + width] for i, j in steps], axis=0))
    known = ~hidden & np.isfinite(least)
    beside = np.where(known, least, 0.0)
    own = np.where(known, total, 0.0)
    chance = binom.cdf(own, own + beside, _DEAD / (_DEAD + _REACH))
    return _surprising(chance, known)


def hot_pixels(counts: Float64Array, hidden: BoolArray) -> BoolArray:
    """Return which pixels stand alone above all their neighbours, as no spot of any optics does, (slow, fast).

    Parameters
    ----------
    counts : (n, slow, fast) of n frames by one detector
    hidden : (slow, fast) True where a pixel is masked
    """
    total = np.where(hidden, np.nan, counts.sum(0))
    padded = np.pad(total, 1, constant_values=np.nan)
    height, width = total.shape
    around = np.stack([padded[i : i + height, j : j + width] for i in range(3) for j in range(3) if (i, j) != (1, 1)])
    brightest = np.where(np.isnan(around), -np.inf, around).max(0)
    known = ~hidden & (np.isfinite(around).sum(0) >= 5)  # of a corner or beside a gap, a neighbour is missing
    brightest = np.where(known, brightest, 0.0)
    excess = np.nan_to_num(total) - brightest
    chance = poisson.cdf(brightest, _SPREADS * np.maximum(excess, 0.0))
    return _surprising(np.where(excess > 0.0, chance, 1.0), known)


def _surprising(chance: Float64Array, known: BoolArray) -> BoolArray:
    """Return which pixels' chances are too small for so many pixels (Y. Benjamini & Y. Hochberg, J. R. Stat. Soc. B 57
    (1995) 289)."""
    if not known.any():
        return np.zeros(known.shape, np.bool_)
    sorted_chances = np.sort(chance[known])
    allowed = FALSE_SHARE * np.arange(1, len(sorted_chances) + 1) / len(sorted_chances)
    below = np.flatnonzero(sorted_chances <= allowed)
    return np.asarray(known & (chance <= (sorted_chances[below[-1]] if len(below) else -1.0)))


def missing_numbers(counts: ArrayLike) -> tuple[int, ...]:
    """Return the numbers that are too rare for counts of any rates: what a gain, told to nobody, leaves out.

    Parameters
    ----------
    counts : whole numbers of 0 or more, any shape, masked pixels left out

    Notes
    -----
    Of Poisson counts whose rates are distributed in any way, k! times the probability of k is a moment, and moments are
    log-convex: k P(k)² ≤ (k + 1) P(k − 1) P(k + 1). A number k that is missing makes one beside it too frequent.
    """
    found = np.bincount(np.minimum(np.asarray(counts).ravel(), _MOST_COUNTS + 2).astype(np.intp))[:-1]
    if len(found) < 3:
        return ()
    k = np.arange(1, len(found) - 1)
    n = found + 0.5
    excess = np.log(k / (k + 1.0)) + 2.0 * np.log(n[1:-1]) - np.log(n[:-2]) - np.log(n[2:])
    spread = np.sqrt(4.0 / n[1:-1] + 1.0 / n[:-2] + 1.0 / n[2:])
    frequent = k[excess > _UNEVEN * spread]
    rare = {int(j) for one in frequent for j in (one - 1, one + 1) if n[j] < _RARE * n[one]}
    return tuple(sorted(rare))
