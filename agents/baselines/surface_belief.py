"""What is believed of every site of a surface after some exposures: a Gaussian process on ranks of scores.

Scores of sites are far from Gaussian: a fifth are below 3 points, and the best of all surfaces lie close together,
between 8 and 8.6. So each score is turned into the normal score of its rank among the sites of simulated surfaces
(normal-score kriging: J.-P. Chilès and P. Delfiner, "Geostatistics" (2012), sect. 3.4.5), and the process is of these.
"""

from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri

from beamgym.physics.instrument import Float64Array, Int64Array

_SHARES: Final = np.array(
    [0.0005, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 0.99995]
)
_POINTS: Final = np.array(
    [-1.5, 0.0, 0.48, 2.66, 3.88, 4.64, 5.21, 5.67, 6.07, 6.50, 7.09, 7.61, 8.01, 8.22, 8.34, 8.50, 8.82]
)
"""Points below which these shares of the sites of 192 surfaces of level "real" score (purpose ``tuning``)."""

_NORMAL: Final = ndtri(_SHARES)
_SURFACE: Final = 0.1  # share of the variance that is a surface's own
_LENGTH_MM: Final = 0.255
_POWER: Final = 1.4
"""Correlation of normal scores of the same surfaces, fitted at distances of 0.04 to 0.5 mm."""

_NODES, _WEIGHTS = (part for part in np.polynomial.hermite_e.hermegauss(5))
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_JITTER: Final = 1e-6
MOST: Final = 600
"""Exposures that a belief can hold."""


def normal_scores(points: Float64Array) -> Float64Array:
    """Return the normal scores of points, of the same shape."""
    return np.asarray(np.interp(points, _POINTS, _NORMAL))


def points_of(normal: Float64Array) -> Float64Array:
    """Return the points of normal scores, of the same shape."""
    return np.asarray(np.interp(normal, _NORMAL, _POINTS))


def correlation(first_mm: Float64Array, second_mm: Float64Array) -> Float64Array:
    """Return the correlation of sites (m, 2) with sites (k, 2), (m, k)."""
    apart = np.sqrt(((first_mm[:, None] - second_mm[None]) ** 2).sum(axis=2))
    return np.asarray(_SURFACE + (1.0 - _SURFACE) * np.exp(-((apart / _LENGTH_MM) ** _POWER)))


class SurfaceBelief:
    """Posterior of the normal scores at fixed sites; one exposure more costs one row.

    Parameters
    ----------
    sites_mm : (k, 2) where it is asked for, on a square lattice
    coarse : (c,) some of them, over which the best of the surface is taken

    Notes
    -----
    C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning" (2006), eq. 2.25, 2.26, A.12.
    """

    def __init__(self, sites_mm: Float64Array, coarse: Int64Array) -> None:
        self.sites_mm, self.coarse = sites_mm, coarse
        k = len(sites_mm)
        self.mean, self.variance = np.zeros(k), np.ones(k)
        self._seen_mm = np.empty((MOST, 2))
        self._lower_inverse = np.zeros((MOST, MOST))
        self._across, self._white, self._count = np.empty((MOST, k)), np.empty(MOST), 0

    @property
    def full(self) -> bool:
        """Whether it can hold no more."""
        return self._count == MOST

    def observe(self, site_mm: Float64Array, points: float, error: float) -> None:
        """Condition on points seen at a site (2,) with a standard error.

        Raises
        ------
        ValueError : when it is full
        """
        if self.full:
            raise ValueError(f"a belief holds {MOST} exposures; it is full")
        low, value, high = normal_scores(np.array([points - error, points, points + error]))
        noise, t = max(0.5 * (high - low), 0.02), self._count
        inverse, across = self._lower_inverse[:t, :t], self._across[:t]
        row = inverse @ correlation(site_mm[None], self._seen_mm[:t])[0]
        pivot = np.sqrt(max(1.0 + noise**2 - row @ row, _JITTER))
        new = (correlation(site_mm[None], self.sites_mm)[0] - row @ across) / pivot
        white = (value - row @ self._white[:t]) / pivot
        self._lower_inverse[t, :t], self._lower_inverse[t, t] = -(row @ inverse) / pivot, 1.0 / pivot
        self._across[t], self._white[t], self._seen_mm[t] = new, white, site_mm
        self.mean += new * white
        self.variance -= new**2
        self._count += 1

    @property
    def spread(self) -> Float64Array:
        """(k,) standard deviations of the normal scores."""
        return np.sqrt(np.maximum(self.variance, _JITTER))

    def expected_gain(self, points: float) -> Float64Array:
        """Return by how many points each site is expected to exceed some, (k,)."""
        gain, spread = np.zeros(len(self.mean)), self.spread
        some = np.flatnonzero(self.mean + _NODES[-1] * spread > normal_scores(np.array(points)))
        values = points_of(self.mean[some, None] + spread[some, None] * _NODES)
        gain[some] = np.maximum(values - points, 0.0) @ _WEIGHTS
        return gain

    def expected_points(self, site: int) -> tuple[float, float]:
        """Return mean and standard deviation of the points of a site."""
        values = points_of(self.mean[site] + self.spread[site] * _NODES)
        mean = float(values @ _WEIGHTS)
        return mean, float(np.sqrt(np.maximum((values - mean) ** 2 @ _WEIGHTS, 0.0)))

    def success(self, site: int, tolerance: float, independent: float) -> tuple[Float64Array, Float64Array]:
        """Return the probability that no site is better by more than a tolerance.

        Parameters
        ----------
        site : which is declared
        tolerance : points
        independent : share of the sites that count as independent of each other

        Returns
        -------
        (5,) the probabilities, were the site's points those of five nodes, and (5,) the nodes' weights, which sum to 1
        """
        others = self.coarse[self.coarse != site]
        here = points_of(self.mean[site] + np.sqrt(max(self.variance[site], _JITTER)) * _NODES)
        bound = normal_scores(here + tolerance)
        spread = np.sqrt(np.maximum(self.variance[others], _JITTER))
        below = np.log(np.maximum(ndtr((bound[:, None] - self.mean[others]) / spread), 1e-12))
        return np.exp(independent * below.sum(axis=1)), _WEIGHTS
