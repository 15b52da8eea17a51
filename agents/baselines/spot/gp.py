"""A Gaussian process over the sites of a stage, and the Bayesian searches that use it.

The process is exact and grows by one observation at a time. Prior covariance: Matern-5/2; source of all formulas:
C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning" (2006), eq. 2.23-2.26, 4.17, A.12.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import solve_triangular

from beamgym.agents.baselines.spot.finish import best_apart, confirm, finish_s
from beamgym.agents.baselines.spot.search import Probe, ProbeResult, Search, cost_s, costs_s
from beamgym.agents.baselines.surface_sites import hexagonal_lattice, square_lattice
from beamgym.envs.arpes_spot import SpotContext
from beamgym.physics.instrument import Float64Array

GRID_MM: Final = 0.05
"""Pitch of the sites that the searches choose from: the beam's height."""

_NOISE_DWELL_S = 0.2

FLOOR: Final = 3.0
"""Points below which scores count as equal: the steep edge of the sample would spoil the fit elsewhere."""

LEAST_SPREAD: Final = 1.0
"""Least standard deviation of the prior, points."""

MOST: Final = 512
"""Observations that a process can hold; far more than a beam time allows."""


@dataclass(frozen=True)
class GpSettings:
    """How a Bayesian search is run.

    Parameters
    ----------
    length_mm : length scale of the score over the surface
    cost_weight : of a second of beam time in the acquisition; see the searches
    stop : acquisition at which no site justifies its exposure; see the searches
    first_mm : pitch of the hexagonal lattice that is measured first; mean and spread of the prior are its scores'
    dwell_s : of an exposure of the search
    noise : standard deviation of a score observed with a dwell of 0.2 s, points; it falls with the root of the dwell
    candidates : how many of the best sites are measured again in the end
    confirm_s : dwell of that
    apart_mm : least distance between them
    """

    length_mm: float
    cost_weight: float
    stop: float
    first_mm: float = 0.26
    dwell_s: float = 0.2
    noise: float = 0.5
    candidates: int = 6
    confirm_s: float = 1.0
    apart_mm: float = 0.09

    def noise_at(self, dwell_s: float) -> float:
        """Return the standard deviation of a score observed with a dwell, points."""
        return self.noise * float(np.sqrt(_NOISE_DWELL_S / dwell_s))


@dataclass(frozen=True)
class Posterior:
    """Posterior of the process at its sites: mean (k,) and standard deviation (k,) in points."""

    mean: Float64Array
    sd: Float64Array

    @property
    def best(self) -> float:
        """The largest mean, points."""
        return float(self.mean.max())


Acquisition = Callable[[Posterior, Float64Array, GpSettings], Float64Array]
"""(posterior, cost in seconds (k,), settings) → value of each site (k,), −inf where it is not to be measured."""


def matern(first_mm: Float64Array, second_mm: Float64Array, length_mm: float) -> Float64Array:
    """Return the Matern-5/2 correlation of sites (m, 2) with sites (k, 2), (m, k); eq. 4.17."""
    apart = np.sqrt(((first_mm[:, None] - second_mm[None]) ** 2).sum(axis=2)) * (np.sqrt(5.0) / length_mm)
    return np.asarray((1.0 + apart + apart**2 / 3.0) * np.exp(-apart))


class GaussianProcess:
    """Exact regression on fixed sites, one observation after another, at the cost of one row each.

    Parameters
    ----------
    sites_mm : (k, 2) where it is asked for
    length_mm : length scale
    mean, spread : of the prior, points
    """

    def __init__(self, sites_mm: Float64Array, length_mm: float, mean: float, spread: float) -> None:
        self.sites_mm, self.length_mm, self.mean, self.spread = sites_mm, length_mm, mean, spread
        self._seen_mm = np.empty((MOST, 2))
        self._lower = np.zeros((MOST, MOST))
        self._across = np.empty((MOST, len(sites_mm)))
        self._white = np.empty(MOST)
        self._count = 0
        self._means = np.full(len(sites_mm), mean)
        self._variances = np.full(len(sites_mm), spread**2)

    def observe(self, site_mm: Float64Array, value: float, noise: float) -> None:
        """Condition on a value at a site (2,) with noise of a standard deviation; raises ValueError when it is full."""
        t = self._count
        if t == MOST:
            raise ValueError(f"a process holds {MOST} observations; it is full")
        lower, across = self._lower[:t, :t], self._across[:t]
        row = self.spread**2 * matern(site_mm[None], self._seen_mm[:t], self.length_mm)[0]
        if t:
            row = solve_triangular(lower, row, lower=True, check_finite=False)
        pivot = np.sqrt(max(self.spread**2 + noise**2 - row @ row, 1e-9))
        here = self.spread**2 * matern(site_mm[None], self.sites_mm, self.length_mm)[0]
        self._lower[t, :t], self._lower[t, t] = row, pivot
        self._across[t] = (here - row @ across) / pivot
        self._white[t] = (value - self.mean - row @ self._white[:t]) / pivot
        self._means += self._across[t] * self._white[t]
        self._variances -= self._across[t] ** 2
        self._seen_mm[t] = site_mm
        self._count += 1

    @property
    def full(self) -> bool:
        """Whether it can hold no more."""
        return self._count == MOST

    def posterior(self) -> Posterior:
        """Return mean and standard deviation at the sites; eq. 2.25 and 2.26."""
        return Posterior(self._means.copy(), np.sqrt(np.maximum(self._variances, 1e-12)))


def bayesian_search(
    context: SpotContext, result: ProbeResult, settings: GpSettings, acquisition: Acquisition
) -> Search:
    """Measure a coarse lattice, then the largest acquisition until it falls below ``stop``, then the best again.

    What is needed for the end is set aside, so that a search that never finds its end ends in time.
    """
    sites, first = square_lattice(context, GRID_MM), [result]
    reserve = finish_s(context, settings.candidates, settings.confirm_s, 4.0 * GRID_MM)
    for site in hexagonal_lattice(context, settings.first_mm):
        probe = Probe(site, settings.dwell_s)
        if cost_s(context, result.site_mm, probe) <= result.left_s - reserve:
            result = yield probe
            first.append(result)
    process = _begun(sites, first, settings)
    while not process.full:
        costs = costs_s(context, result.site_mm, sites, settings.dwell_s)
        values = acquisition(process.posterior(), costs, settings)
        chosen = int(np.where(costs <= result.left_s - reserve, values, -np.inf).argmax())
        if values[chosen] == -np.inf or costs[chosen] > result.left_s - reserve:
            break
        result = yield Probe(sites[chosen], settings.dwell_s)
        _take(process, result, settings)
    means = process.posterior().mean.tolist()
    yield from confirm(
        context, result, best_apart(sites, means, settings.candidates, settings.apart_mm), settings.confirm_s
    )


def _begun(sites_mm: Float64Array, first: list[ProbeResult], settings: GpSettings) -> GaussianProcess:
    values = np.maximum([one.points() for one in first], FLOOR)
    process = GaussianProcess(sites_mm, settings.length_mm, float(values.mean()), max(values.std(), LEAST_SPREAD))
    for one in first:
        _take(process, one, settings)
    return process


def _take(process: GaussianProcess, result: ProbeResult, settings: GpSettings) -> None:
    process.observe(result.site_mm, max(result.points(), FLOOR), settings.noise_at(result.dwell_s))
