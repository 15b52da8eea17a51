"""Survey: drives over the sample, leaves the way for what promises to be better, and stops when it is sure enough."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import numpy as np

from beamgym.agents.baselines.spot.finish import RETURN_S
from beamgym.agents.baselines.spot.search import Probe, ProbeResult, Search, cost_s, costs_s
from beamgym.agents.baselines.surface_belief import SurfaceBelief
from beamgym.agents.baselines.surface_sites import diagonal_spiral, square_lattice
from beamgym.envs.arpes_spot import SpotContext
from beamgym.physics.instrument import Float64Array


@dataclass(frozen=True)
class SurveySettings:
    """How a survey is run.

    Parameters
    ----------
    pitch_mm : between the turns of the spiral
    hop_mm : between exposures on the way
    idle : points a second below which, the way being done, nothing is looked for any more
    margin : points by which a site is to be better to count
    sure : probability of success from which a site is declared
    worth : probability that a longer exposure makes it sure from which that is made
    independent : share of the sites that count as independent
    confirm_s : dwell of a longer exposure
    bias : points that an exposure on the fly reads too low
    noise : points of error of every exposure, beside its own
    most_s : beam time after which nothing new is looked for
    finals : sites at most that are measured longer in the end
    """

    pitch_mm: float = 0.24
    hop_mm: float = 0.12
    idle: float = 0.03
    margin: float = 0.1
    sure: float = 0.92
    worth: float = 0.3
    independent: float = 0.25
    confirm_s: float = 0.25
    bias: float = 0.15
    noise: float = 0.05
    most_s: float = 70.0
    finals: int = 3


SURVEY: Final = SurveySettings()
TOLERANCE: Final = 0.25
_GRID_MM: Final = 0.04
_ERROR_PER_DEVIATION: Final = 1.25  # standard deviation over mean absolute deviation of a Gaussian
_PLAIN_ERROR: Final = 0.5  # of an exposure on the fly where the observation tells none


def survey(context: SpotContext, result: ProbeResult, settings: SurveySettings = SURVEY) -> Search:
    """Search along a spiral, and declare as soon as the best site is probably good enough."""
    run = SurveyFlight(context, settings)
    run.take(result)
    way = list(diagonal_spiral(context, settings.pitch_mm, settings.hop_mm))
    while True:
        probe = run.next(result, way)
        if probe is None:
            break
        result = yield probe
        run.take(result)
    yield from run.finish(result)


class SurveyFlight:
    """One survey under way: what is believed, and where it goes next.

    Parameters
    ----------
    context : what is publicly known
    settings : how it is run
    """

    def __init__(self, context: SpotContext, settings: SurveySettings) -> None:
        self.context, self.settings = context, settings
        self.sites = square_lattice(context, _GRID_MM)
        even = np.round((self.sites - self.sites[0]) / _GRID_MM).astype(np.int64) % 2 == 0
        self.belief = SurfaceBelief(self.sites, np.flatnonzero(even.all(axis=1)))
        self.confirmed = np.zeros(len(self.sites), dtype=np.bool_)
        self.seen = np.zeros(len(self.sites), dtype=np.bool_)
        self.shortest = context.stage.dwell_s[0]

    def nearest(self, site_mm: Float64Array) -> int:
        """Return the number of the site of the belief that is nearest to one (2,)."""
        return int(((self.sites - site_mm) ** 2).sum(axis=1).argmin())

    def take(self, result: ProbeResult) -> None:
        """Learn from an exposure."""
        flown = bool(self.context.stage.on_the_fly(result.dwell_s))
        own = _ERROR_PER_DEVIATION * result.estimate[1] if result.estimate is not None else 0.0
        if result.estimate is None:
            own = _PLAIN_ERROR * np.sqrt(self.shortest / result.dwell_s)
        error = float(np.hypot(self.settings.noise, own))
        self.belief.observe(result.site_mm, result.points() + (self.settings.bias if flown else 0.0), error)
        here = self.nearest(result.site_mm)
        self.seen[here] = True
        self.confirmed[here] |= result.dwell_s > 0.9 * self.settings.confirm_s

    def best(self) -> int:
        """Return the seen site with the largest mean."""
        return int(np.where(self.seen, self.belief.mean, -np.inf).argmax())

    def next(self, result: ProbeResult, way: list[Float64Array]) -> Probe | None:
        """Return the next exposure; None where it is sure enough, or nothing more promises anything."""
        s = self.settings
        best = self.best()
        chances, weights = self.belief.success(best, TOLERANCE, s.independent)
        back_s = cost_s(self.context, result.site_mm, Probe(self.sites[best], s.confirm_s))
        if float(chances @ weights) >= s.sure or self.belief.full or result.left_s < back_s + 3.0:
            return None
        if self.context.beam_time_s - result.left_s > s.most_s:
            return None
        if not self.confirmed[best] and float(weights @ (chances >= s.sure)) >= s.worth:
            return Probe(self.sites[best], s.confirm_s)
        return self.onward(result, way, best)

    def onward(self, result: ProbeResult, way: list[Float64Array], best: int) -> Probe | None:
        """Return the next exposure of the way, or what promises more than a site; None where that is little."""
        while way:
            site = way[0]
            if self.seen[self.nearest(site)]:
                way.pop(0)
                continue
            probe = self.towards(result, site)
            if probe.site_mm is site:
                way.pop(0)
            return probe
        return self.promising(result, best)

    def promising(self, result: ProbeResult, best: int) -> Probe | None:
        """Return an exposure towards the largest expected gain a second; None where that is little."""
        mean, _ = self.belief.expected_points(best)
        gain = self.belief.expected_gain(mean + self.settings.margin)
        costs = costs_s(self.context, result.site_mm, self.sites, self.shortest)
        rate = np.where(self.seen, 0.0, gain / costs)
        chosen = int(rate.argmax())
        return self.towards(result, self.sites[chosen]) if rate[chosen] >= self.settings.idle else None

    def towards(self, result: ProbeResult, site_mm: Float64Array) -> Probe:
        """Return the next exposure on the fly on the way to a site."""
        away = site_mm - result.site_mm
        hops = int(np.ceil(np.hypot(*away) / (1.5 * self.settings.hop_mm)))
        if hops <= 1:
            return Probe(site_mm, self.shortest)
        return Probe(result.site_mm + away / hops, self.shortest)

    def finish(self, result: ProbeResult) -> Generator[Probe, ProbeResult, None]:
        """Measure the best site longer until the best one has been, and hold it."""
        s = self.settings
        for _ in range(s.finals):
            mean = self.belief.mean
            lead = np.where(self.seen & self.confirmed, mean, -np.inf).max()
            open_ = np.where(self.seen & ~self.confirmed, mean + 0.5 * self.belief.spread, -np.inf)
            best = int(open_.argmax())
            chances, weights = self.belief.success(self.best(), TOLERANCE, s.independent)
            if open_[best] <= lead or float(chances @ weights) >= s.sure:
                break
            probe = Probe(self.sites[best], s.confirm_s)
            if cost_s(self.context, result.site_mm, probe) > result.left_s - 3.0:
                break
            result = yield probe
            self.take(result)
        best = self.best()
        if self.nearest(result.site_mm) != best:
            yield Probe(self.sites[best], RETURN_S)
