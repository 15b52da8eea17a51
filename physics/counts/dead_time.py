"""A counter that is blind for a while after each count."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammainc

from beamgym.physics.arrays import Float64Array
from beamgym.physics.counts.models import check_mean


@dataclass(frozen=True)
class DeadTime:
    """A counter with a fixed dead time that further events do not prolong (non-paralysable).

    Parameters
    ----------
    dead_time_s : after each count, seconds
    exposure_s : of the frame, seconds; the counter is ready when it begins

    Notes
    -----
    The k-th count comes (k − 1) τ later than the k-th event of a Poisson process would, so that at least k counts fall
    into T with probability P(k, λ (T − (k − 1) τ)), P the regularised incomplete gamma function (J. W. Müller, Nucl.
    Instrum. Methods 112 (1973) 47, for a counter that is free at the start).
    """

    dead_time_s: float
    exposure_s: float

    def __post_init__(self) -> None:
        """Check it."""
        if not (np.isfinite(self.dead_time_s) and self.dead_time_s >= 0.0):
            raise ValueError(f"a dead time of {self.dead_time_s:g} s: give seconds, 0 or more")
        if not (np.isfinite(self.exposure_s) and self.exposure_s > 0.0):
            raise ValueError(f"an exposure of {self.exposure_s:g} s: give seconds, above 0")

    def draw(self, mean: ArrayLike, generator: np.random.Generator) -> Float64Array:
        """Return one frame of whole counts; ``mean`` is what a counter without dead time would be expected to count."""
        m = check_mean(mean)
        left = 1.0 - generator.random(m.shape)  # (0, 1]: the largest k that at least this share of frames reach
        low, high = np.zeros(m.shape), np.full(m.shape, self._most(m))
        while (high - low > 0.5).any():
            middle = np.ceil(0.5 * (low + high))
            enough = self.at_least(middle, m) >= left
            low, high = np.where(enough, middle, low), np.where(enough, high, middle - 1.0)
        return low

    def at_least(self, counts: ArrayLike, mean: ArrayLike) -> Float64Array:
        """Return the probability of so many counts or more, of the common shape."""
        k, m = np.broadcast_arrays(np.asarray(counts, dtype=np.float64), check_mean(mean))
        open_share = 1.0 - (k - 1.0) * self.dead_time_s / self.exposure_s
        inside = np.clip(m * open_share, 0.0, None)
        return np.where(k <= 0.0, 1.0, np.where(open_share > 0.0, gammainc(np.maximum(k, 1.0), inside), 0.0))

    def expected(self, mean: ArrayLike) -> Float64Array:
        """Return the expected counts for long exposures: mean / (1 + mean · τ / T)."""
        m = check_mean(mean)
        return np.asarray(m / (1.0 + m * self.dead_time_s / self.exposure_s))

    def variance(self, mean: ArrayLike) -> Float64Array:
        """Return the variance for long exposures: mean / (1 + mean · τ / T)³ (Müller 1973)."""
        m = check_mean(mean)
        return np.asarray(m / (1.0 + m * self.dead_time_s / self.exposure_s) ** 3)

    def log_likelihood(self, frame: ArrayLike, mean: ArrayLike) -> Float64Array:
        """Return the log probability; −inf for more counts than the dead time leaves room for."""
        n = np.asarray(frame, dtype=np.float64)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.maximum(self.at_least(n, mean) - self.at_least(n + 1.0, mean), 0.0)))

    def _most(self, mean: Float64Array) -> float:
        """Return a number of counts that no frame exceeds."""
        largest = float(mean.max(initial=0.0))
        by_chance = largest + 40.0 * np.sqrt(largest + 1.0) + 80.0
        by_time = self.exposure_s / self.dead_time_s + 2.0 if self.dead_time_s > 0.0 else np.inf
        return float(np.ceil(min(by_chance, by_time)))
