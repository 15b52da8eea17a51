"""Noise of detectors: how a frame is drawn from expected counts, and how probable a frame is.

Every model takes expected counts ``mean`` of any shape, and a numpy Generator that the caller has seeded.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, xlogy

from beamgym.physics.arrays import Float64Array

_LARGEST_MEAN = 1e15  # above it whole numbers are no longer told apart


@runtime_checkable
class CountingModel(Protocol):
    """What a detector makes of expected counts."""

    def draw(self, mean: ArrayLike, generator: np.random.Generator) -> Float64Array:
        """Return one frame, of the shape of ``mean``."""
        ...

    def variance(self, mean: ArrayLike) -> Float64Array:
        """Return the variance of what ``draw`` returns, of the shape of ``mean``."""
        ...

    def log_likelihood(self, frame: ArrayLike, mean: ArrayLike) -> Float64Array:
        """Return the log probability (density) of every pixel, of the common shape."""
        ...


def check_mean(mean: ArrayLike) -> Float64Array:
    """Return expected counts as float64; raises ValueError for ones below 0, not finite, or above 1e15."""
    found = np.asarray(mean, dtype=np.float64)
    if not (np.isfinite(found) & (found >= 0.0) & (found <= _LARGEST_MEAN)).all():
        raise ValueError("expected counts are to be finite, at least 0 and at most 1e15; clip or mask the others")
    return found


@dataclass(frozen=True)
class Poisson:
    """Independent events, each counted once: photon and neutron counters below saturation."""

    def draw(self, mean: ArrayLike, generator: np.random.Generator) -> Float64Array:
        """Return one frame of whole counts."""
        return generator.poisson(check_mean(mean)).astype(np.float64)

    def variance(self, mean: ArrayLike) -> Float64Array:
        """Return the mean."""
        return check_mean(mean)

    def log_likelihood(self, frame: ArrayLike, mean: ArrayLike) -> Float64Array:
        """Return log Poisson(frame; mean)."""
        n, m = np.asarray(frame, dtype=np.float64), check_mean(mean)
        return np.asarray(xlogy(n, m) - m - gammaln(n + 1.0))


@dataclass(frozen=True)
class Gaussian:
    """The noise of textbooks: a normal number added to each pixel, whatever its counts.

    Parameters
    ----------
    sigma : standard deviation, counts
    """

    sigma: float

    def __post_init__(self) -> None:
        """Check it."""
        if not (np.isfinite(self.sigma) and self.sigma > 0.0):
            raise ValueError(f"sigma = {self.sigma:g} counts: a standard deviation is above 0")

    def draw(self, mean: ArrayLike, generator: np.random.Generator) -> Float64Array:
        """Return one frame; its numbers are not whole and may be below 0."""
        m = check_mean(mean)
        return np.asarray(generator.normal(m, self.sigma))

    def variance(self, mean: ArrayLike) -> Float64Array:
        """Return sigma² everywhere."""
        return np.full_like(check_mean(mean), self.sigma**2)

    def log_likelihood(self, frame: ArrayLike, mean: ArrayLike) -> Float64Array:
        """Return the log density."""
        return _log_normal(np.asarray(frame, dtype=np.float64), check_mean(mean), np.asarray(self.sigma**2))


@dataclass(frozen=True)
class Gained:
    """An integrating detector: gain · Poisson + offset + read noise, as image plates and CCDs give it.

    Parameters
    ----------
    gain : numbers that one count adds
    read_noise : standard deviation of the read-out, numbers
    offset : numbers of an unexposed pixel
    """

    gain: float
    read_noise: float = 0.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        """Check it."""
        if not (np.isfinite(self.gain) and self.gain > 0.0):
            raise ValueError(f"a gain of {self.gain:g}: give the numbers that one count adds, above 0")
        if not (np.isfinite(self.read_noise) and self.read_noise >= 0.0):
            raise ValueError(f"a read noise of {self.read_noise:g}: give a standard deviation of 0 or more")

    def draw(self, mean: ArrayLike, generator: np.random.Generator) -> Float64Array:
        """Return one frame, in the detector's numbers."""
        counts = Poisson().draw(mean, generator)
        return self.offset + self.gain * counts + self.read_noise * generator.standard_normal(counts.shape)

    def variance(self, mean: ArrayLike) -> Float64Array:
        """Return gain² · mean + read_noise²."""
        return np.asarray(self.gain**2 * check_mean(mean) + self.read_noise**2)

    def log_likelihood(self, frame: ArrayLike, mean: ArrayLike) -> Float64Array:
        """Return the log density, summed over the number of counts that may be behind a pixel.

        Without read noise it is the Poisson probability of the counts; −inf between whole ones. With it, the sum of
        A. Foi et al., IEEE Trans. Image Process. 17 (2008) 1737, eq. 1, over eight standard deviations.
        """
        numbers, m = np.broadcast_arrays(np.asarray(frame, dtype=np.float64), check_mean(mean))
        counts = (numbers - self.offset) / self.gain
        if self.read_noise == 0.0:
            whole = np.rint(counts)
            exact = (np.abs(counts - whole) <= 1e-6 * np.maximum(np.abs(whole), 1.0)) & (whole >= 0.0)
            return np.where(exact, Poisson().log_likelihood(np.maximum(whole, 0.0), m), -np.inf)
        width = self.read_noise / self.gain
        reach = int(np.ceil(8.0 * width)) + 1
        middle, total = np.rint(counts), np.full(m.shape, -np.inf)
        for step in range(-reach, reach + 1):
            n = middle + step
            term = Poisson().log_likelihood(np.maximum(n, 0.0), m) + _log_normal(counts, n, np.asarray(width**2))
            total = np.logaddexp(total, np.where(n >= 0.0, term, -np.inf))
        return np.asarray(total - np.log(self.gain))


@dataclass(frozen=True)
class NegativeBinomial:
    """Counts of a source whose rate varies from pulse to pulse: Poisson numbers of gamma-distributed means.

    Parameters
    ----------
    size : r; the variance is mean + mean² / r, so that large ones come near Poisson
    """

    size: float

    def __post_init__(self) -> None:
        """Check it."""
        if not (np.isfinite(self.size) and self.size > 0.0):
            raise ValueError(f"a size of {self.size:g}: the negative binomial's r is finite and above 0")

    def draw(self, mean: ArrayLike, generator: np.random.Generator) -> Float64Array:
        """Return one frame of whole counts."""
        m = check_mean(mean)
        return generator.poisson(generator.gamma(self.size, m / self.size)).astype(np.float64)

    def variance(self, mean: ArrayLike) -> Float64Array:
        """Return mean + mean² / r."""
        m = check_mean(mean)
        return np.asarray(m + m**2 / self.size)

    def log_likelihood(self, frame: ArrayLike, mean: ArrayLike) -> Float64Array:
        """Return the log probability."""
        n, m, r = np.asarray(frame, dtype=np.float64), check_mean(mean), self.size
        ways = gammaln(n + r) - gammaln(r) - gammaln(n + 1.0)
        return np.asarray(ways + r * np.log(r / (r + m)) + xlogy(n, m / (r + m)))


def _log_normal(value: Float64Array, mean: Float64Array, variance: Float64Array) -> Float64Array:
    return np.asarray(-0.5 * ((value - mean) ** 2 / variance + np.log(2.0 * np.pi * variance)))
