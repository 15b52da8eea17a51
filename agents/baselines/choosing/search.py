"""Choosing survey: flies as the survey does; a network says which site is among the best, and when that is sure."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from beamgym.agents.baselines.choosing.chooser import shipped_chooser
from beamgym.agents.baselines.choosing.looks import SAME_MM, Looks
from beamgym.agents.baselines.spot import Probe, ProbeResult, Search, SurveyFlight, SurveySettings, cost_s
from beamgym.agents.baselines.surface_sites import diagonal_spiral
from beamgym.envs.arpes_spot import SpotContext
from beamgym.envs.policy import CannotPlay
from beamgym.physics.instrument import Float32Array, Float64Array

Judge = Callable[[Float32Array], Float64Array]
"""What is shown of the candidates → the probability of each that it is among the best."""


@dataclass(frozen=True)
class ChoosingSettings(SurveySettings):
    """How a choosing survey is run: as a survey, and besides.

    Parameters
    ----------
    certain : probability of success from which the best candidate is measured, and declared where it was
    doubtful : share of the best candidate's probability from which another one is measured longer too
    """

    idle: float = 0.003
    finals: int = 4
    certain: float = 0.9
    doubtful: float = 0.5


CHOOSING: Final = ChoosingSettings()
_SPARE_S: Final = 3.0


@dataclass(frozen=True)
class _Favourite:
    site_mm: Float64Array
    chance: float
    dwell_s: float


def choosing_survey(
    context: SpotContext,
    result: ProbeResult,
    settings: ChoosingSettings = CHOOSING,
    judge: Judge | None = None,
) -> Search:
    """Search as the survey does, and declare what the network puts first.

    Parameters
    ----------
    context, result : what is publicly known, and the first exposure
    settings : how it is run
    judge : the network; the shipped one by default

    Raises
    ------
    CannotPlay : where no estimates of sites are observed
    """
    if result.estimate is None:
        raise CannotPlay("choosing-survey needs the estimates of sites that beamgym/ArpesSpot-v1 shows")
    run = _Choosing(context, settings, judge or _shipped())
    run.take(result)
    way = list(diagonal_spiral(context, settings.pitch_mm, settings.hop_mm))
    while (probe := run.next(result, way)) is not None:
        result = yield probe
        run.take(result)
    for _ in range(settings.finals):
        last = run.final(result)
        if last is None:
            return
        result = yield last
        run.take(result)
    first = run.favourites()[0]
    if np.hypot(*(first.site_mm - result.site_mm)) >= SAME_MM:
        yield Probe(first.site_mm, settings.confirm_s)


class _Choosing:
    def __init__(self, context: SpotContext, settings: ChoosingSettings, judge: Judge) -> None:
        self.context, self.settings, self.judge = context, settings, judge
        self.flight = SurveyFlight(context, settings)
        self.looks = Looks(self.flight)

    def take(self, result: ProbeResult) -> None:
        self.flight.take(result)
        self.looks.take(result)

    def favourites(self, share: float = 1.0) -> list[_Favourite]:
        """Return the sites that are so much as the best one's share as probable, the most probable first, each once."""
        chosen, shown = self.looks.shown()
        chances, sites = self.judge(shown)[: len(chosen)], self.looks.sites_mm[chosen]
        found: list[_Favourite] = []
        for k in np.argsort(-chances, kind="stable")[: int((chances >= share * chances.max()).sum())]:
            if all(np.hypot(*(sites[k] - other.site_mm)) >= SAME_MM for other in found):
                found.append(_Favourite(sites[k], float(chances[k]), self.looks.dwell_at(sites[k])))
        return found

    def next(self, result: ProbeResult, way: list[Float64Array]) -> Probe | None:
        """Return the next exposure of the flight; None where it is over."""
        s, first = self.settings, self.favourites()[0]
        longer = Probe(first.site_mm, s.confirm_s)
        if self.flight.belief.full or result.left_s < cost_s(self.context, result.site_mm, longer) + _SPARE_S:
            return None
        if self.context.beam_time_s - result.left_s > s.most_s:
            return None
        if first.chance >= s.certain:
            return None if self._measured(first) else longer
        return self.flight.onward(result, way, self.flight.best())

    def final(self, result: ProbeResult) -> Probe | None:
        """Return the next longer exposure; None where the site that is held is to be declared."""
        s, known = self.settings, self.favourites(self.settings.doubtful)
        first = known[0]
        open_ = [each for each in known if not self._measured(each)]
        if first.chance >= s.certain and self._measured(first):
            open_ = []
        if not open_:
            here = np.hypot(*(first.site_mm - result.site_mm)) < SAME_MM
            return None if here else Probe(first.site_mm, s.confirm_s)
        probe = Probe(open_[0].site_mm, s.confirm_s)
        return probe if cost_s(self.context, result.site_mm, probe) < result.left_s - _SPARE_S else None

    def _measured(self, site: _Favourite) -> bool:
        return site.dwell_s > 0.9 * self.settings.confirm_s


@cache
def _shipped() -> Judge:
    return shipped_chooser()
