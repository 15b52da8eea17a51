"""What a chooser sees: the best of the exposures so far, each with its neighbours and what is believed of its site."""

from typing import Final

import numpy as np

from beamgym.agents.baselines.spot import ProbeResult, SurveyFlight
from beamgym.agents.baselines.surface_belief import MOST
from beamgym.physics.instrument import Float32Array, Float64Array, Int64Array

CANDIDATES: Final = 32
"""Exposures that are looked at, those that read best."""

WIDTHS_MM: Final = (0.04, 0.08, 0.14, 0.25)
"""Distances within which neighbours count."""

COLUMNS: Final = 60
"""Numbers of each candidate; the first is 1 where there is one."""

SAME_MM: Final = 0.015
"""Distance within which two exposures are of one site."""

_LEAST_ERROR: Final = 0.05
_PER_DEVIATION: Final = 1.25  # standard deviation over mean absolute deviation of a Gaussian
_TOLERANCE: Final = 0.25


class Looks:
    """All exposures of an episode, and what a chooser is shown of them.

    Parameters
    ----------
    flight : whose belief of the surface is shown beside
    """

    def __init__(self, flight: SurveyFlight) -> None:
        self.flight = flight
        self._table, self._cells, self._count = np.empty((MOST, 10)), np.empty(MOST, dtype=np.int64), 0

    def take(self, result: ProbeResult) -> None:
        """Learn from an exposure that told an estimate; raises ValueError for one that did not, or one too many."""
        if self._count == MOST:
            raise ValueError(f"looks hold {MOST} exposures; they are full")
        if result.estimate is None:
            raise ValueError("an exposure without an estimate of its site is no candidate")
        flown = bool(self.flight.context.stage.on_the_fly(result.dwell_s))
        value = result.estimate[0] + (self.flight.settings.bias if flown else 0.0)
        rate = float(np.log10(1.0 + result.electrons / result.dwell_s))
        error = float(np.hypot(_LEAST_ERROR, _PER_DEVIATION * result.estimate[1]))
        own = (value, error, result.sharpness, result.background, rate, result.total, result.left_s)
        self._table[self._count] = (*result.site_mm, result.dwell_s, *own)
        self._cells[self._count] = self.flight.nearest(result.site_mm)
        self._count += 1

    @property
    def sites_mm(self) -> Float64Array:
        """(n, 2) of all exposures."""
        return self._table[: self._count, :2]

    def dwell_at(self, site_mm: Float64Array) -> float:
        """Return the longest dwell at a site (2,), s; 0 where it was not exposed."""
        near = ((self.sites_mm - site_mm) ** 2).sum(axis=1) < SAME_MM**2
        return float(self._table[: self._count, 2][near].max(initial=0.0))

    def shown(self) -> tuple[Int64Array, Float32Array]:
        """Return the candidates' numbers (m,), best first, and what is shown of them, (CANDIDATES, COLUMNS)."""
        table = self._table[: self._count]
        chosen = np.argsort(-table[:, 3], kind="stable")[:CANDIDATES]
        columns = [np.ones(len(chosen)), *_own(table, chosen), *_neighbours(table, chosen)]
        columns += [*_among(table, chosen), *self._believed(chosen)]
        out = np.zeros((CANDIDATES, COLUMNS), dtype=np.float32)
        out[: len(chosen)] = np.stack(columns, axis=1)
        return chosen, out

    def _believed(self, chosen: Int64Array) -> list[Float64Array]:
        belief, cells = self.flight.belief, self._cells[chosen]
        best = self.flight.best()
        chances, weights = belief.success(best, _TOLERANCE, self.flight.settings.independent)
        mean = belief.mean[cells]
        away = np.hypot(*(self.sites_mm[chosen] - self.flight.sites.mean(axis=0)).T)
        sure = np.full(len(chosen), float(chances @ weights))
        return [mean, belief.spread[cells], belief.mean[best] - mean, sure, away]


def _own(table: Float64Array, chosen: Int64Array) -> list[Float64Array]:
    dwell, value, error, sharpness, background, rate, total = table[chosen, 2:9].T
    same = ((table[chosen, None, :2] - table[None, :, :2]) ** 2).sum(axis=2) < SAME_MM**2
    longest = np.where(same, table[:, 2], 0.0).max(axis=1)
    return [value, error, sharpness, background, rate, total, np.log(dwell), np.log(longest)]


def _neighbours(table: Float64Array, chosen: Int64Array) -> list[Float64Array]:
    """Return weighted means over neighbours at each width, with and without the candidate itself."""
    apart = ((table[chosen, None, :2] - table[None, :, :2]) ** 2).sum(axis=2)
    weight, values = 1.0 / table[:, 4] ** 2, table[:, [3, 5, 6, 7]]
    usual, out = values[:, 0].mean(), []
    for width in WIDTHS_MM:
        kernel = np.exp(-0.5 * apart / width**2) * weight
        total = kernel.sum(axis=1)
        mean = kernel @ values / total[:, None]
        others = kernel.copy()
        others[np.arange(len(chosen)), chosen] = 0.0
        alone = (others @ values[:, 0] + 1e-3 * usual) / (others.sum(axis=1) + 1e-3)
        scatter = np.sqrt(np.maximum(kernel @ values[:, 0] ** 2 / total - mean[:, 0] ** 2, 0.0))
        rank = (mean[:, None, 0] < mean[None, :, 0]).sum(axis=1) / len(chosen)
        out += [np.log(total), *mean.T, alone, scatter, mean[:, 0] - mean[:, 0].max(), rank]
    return out


def _among(table: Float64Array, chosen: Int64Array) -> list[Float64Array]:
    """Return how candidates stand among all, and what the surface is like, the same for all of them."""
    value, count = table[chosen, 3], len(chosen)
    surface = [*np.quantile(table[:, 3], [0.5, 0.75, 0.9]), *np.quantile(table[:, 5], [0.5, 0.9])]
    surface += [np.median(table[:, 7]), np.log(len(table)), (table[0, 9] - table[-1, 9]) / 60.0]
    return [value - value[0], value[min(4, count - 1)] - value, *(np.full(count, float(each)) for each in surface)]
