"""Numbers of the spots with the intervals that hold the true ones 95 times of 100.

Each interval is the wider of two: by counting statistics, and by the scatter from run to run (delete-one jackknife),
which knows of what spots of one run have in common.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from beamgym.physics.instrument import Float64Array
from beamgym.physics.laue.level_fit.spots import SpotCounts

TAILS = (0.025, 0.975)

FALSE_SEEN = 0.03
"""How well it is known which share of false spots a finder sees: some merge with others, some are too faint."""


@dataclass(frozen=True)
class Estimate:
    """A number and the interval that holds the true one 95 times of 100."""

    value: float
    low: float
    high: float

    def holds(self, true: float) -> bool:
        """Whether the interval holds a number."""
        return self.low <= true <= self.high


@dataclass(frozen=True)
class Finder:
    """What camera and peak finder do to spots by themselves; the numbers of a camera that does nothing by default.

    Parameters
    ----------
    sigma_px : error of a place, each direction
    lost : share of sure spots that are lost
    added : false spots a frame of its own making
    spread, scale : standard deviation and factor of an intensity
    """

    sigma_px: float = 0.0
    lost: float = 0.0
    added: float = 0.0
    spread: float = 0.0
    scale: float = 1.0


def spot_estimates(counts: Sequence[SpotCounts], finder: Finder, pixel_mm: float) -> dict[str, Estimate]:
    """Return the estimates by their names in a level.

    Parameters
    ----------
    counts : of at least two runs
    finder : what is not the instrument's but the finder's
    pixel_mm : edge of a pixel
    """
    false, searched = _total(counts, "false"), _total(counts, "searched")
    sure, lost = _total(counts, "sure"), _total(counts, "lost")
    freedom, logs = _total(counts, "freedom"), np.concatenate([one.logs for one in counts])
    freedoms = max(len(logs) - 1, 1)
    error = float(logs.std(ddof=1)) / np.sqrt(len(logs))

    def rate(some: Sequence[SpotCounts]) -> float:
        return _total(some, "false") / max(_total(some, "searched"), 1e-9)

    def share(some: Sequence[SpotCounts]) -> float:
        return _total(some, "lost") / max(_total(some, "sure"), 1.0)

    def square(some: Sequence[SpotCounts]) -> float:
        return _total(some, "squares") / _total(some, "freedom")

    def scatter(some: Sequence[SpotCounts]) -> float:
        return float(np.concatenate([one.logs for one in some]).var(ddof=1))

    def level(some: Sequence[SpotCounts]) -> float:
        return float(np.concatenate([one.logs for one in some]).mean())

    def own_rate(value: float) -> float:
        return max(value - finder.added, 0.0)

    def own_share(value: float) -> float:
        return min(max(1.0 - (1.0 - value) / (1.0 - finder.lost), 0.0), 0.999)

    def own_mm(value: float) -> float:
        return float(np.sqrt(max(value - finder.sigma_px**2, 0.0))) * pixel_mm

    def own_spread(value: float) -> float:
        return float(np.sqrt(max(value - finder.spread**2, 0.0)))

    fewest = stats.chi2.ppf(TAILS[0], 2.0 * false) / 2.0 if false else 0.0
    most = stats.chi2.ppf(TAILS[1], 2.0 * false + 2.0) / 2.0
    jeffreys = stats.beta.ppf(TAILS, lost + 0.5, sure - lost + 0.5)
    return {
        "centroid_noise_mm": _wider(counts, square, _of_chi2(square(counts), freedom), own_mm),
        "missing_fraction": _wider(counts, share, (jeffreys[0] if lost else 0.0, jeffreys[1]), own_share),
        "false_spots": _wider(
            counts, rate, (fewest / searched * (1.0 - FALSE_SEEN), most / searched * (1.0 + FALSE_SEEN)), own_rate
        ),
        "intensity_noise": _wider(counts, scatter, _of_chi2(scatter(counts), freedoms), own_spread),
        "counts_scale": _wider(
            counts,
            level,
            (level(counts) - 1.96 * error, level(counts) + 1.96 * error),
            lambda value: float(np.exp(value)) / finder.scale,
        ),
    }


def reading_estimate(off: Float64Array) -> Estimate:
    """Return the standard deviation of readings about what they should be, (m,), which is 0 where all are exact."""
    square = float((off**2).mean()) if len(off) else 0.0
    low, high = _of_chi2(square, max(len(off), 1))
    return Estimate(float(np.sqrt(square)), float(np.sqrt(low)), float(np.sqrt(high)))


def _wider(
    counts: Sequence[SpotCounts],
    of: Callable[[Sequence[SpotCounts]], float],
    counted: tuple[float, float],
    own: Callable[[float], float],
) -> Estimate:
    """Return an estimate with the wider of two intervals, all freed of the finder's part."""
    value = of(counts)
    without = np.array([of([*counts[:i], *counts[i + 1 :]]) for i in range(len(counts))])
    runs = len(counts)
    error = float(np.sqrt((runs - 1) / runs * ((without - without.mean()) ** 2).sum()))
    half = float(stats.t.ppf(TAILS[1], runs - 1)) * error
    low, high = min(float(counted[0]), value - half), max(float(counted[1]), value + half)
    return Estimate(own(value), own(low), own(high))


def _of_chi2(square: float, freedom: float) -> tuple[float, float]:
    low, high = stats.chi2.ppf(TAILS, freedom)
    return float(square * freedom / high), float(square * freedom / low)


def _total(counts: Sequence[SpotCounts], name: str) -> float:
    return float(sum(getattr(one, name) for one in counts))
