"""How searches end: the candidates are measured with a longer dwell, and the best one is gone back to; or earlier."""

from collections.abc import Generator, Sequence
from typing import Final

import numpy as np

from beamgym.agents.baselines.spot.search import Probe, ProbeResult, Search, SearchFunction, cost_s, costs_s
from beamgym.envs.arpes_spot import SpotContext
from beamgym.physics.instrument import Float64Array

RETURN_S: Final = 0.1
"""Dwell of the exposure with which a site is held again: the stage settles, and little time is lost."""

Finish = Generator[Probe, ProbeResult, ProbeResult]


def best_apart(sites_mm: Float64Array, values: Sequence[float], count: int, apart_mm: float) -> Float64Array:
    """Return the best ``count`` sites (k, 2), best first, of which no two are nearer than ``apart_mm``."""
    chosen: list[Float64Array] = []
    for i in np.argsort(-np.asarray(values), kind="stable"):
        if all(np.hypot(*(sites_mm[i] - other)) >= apart_mm for other in chosen):
            chosen.append(sites_mm[i])
        if len(chosen) == count:
            break
    return np.array(chosen).reshape(-1, 2)


def best_seen(results: Sequence[ProbeResult], count: int, apart_mm: float = 0.0) -> Float64Array:
    """Return the sites (k, 2) that scored best, best first, of which no two are nearer than ``apart_mm``."""
    return best_apart(np.array([one.site_mm for one in results]), [one.points() for one in results], count, apart_mm)


def confirm(context: SpotContext, result: ProbeResult, sites_mm: Float64Array, dwell_s: float) -> Finish:
    """Measure sites (k, 2), the nearest first, as far as time allows, then return to the best and hold it."""
    left, best = list(sites_mm), None
    while left:
        nearest = int(costs_s(context, result.site_mm, np.array(left), dwell_s).argmin())
        probe = Probe(left.pop(nearest), dwell_s)
        back = 0.0 if best is None else cost_s(context, probe.site_mm, Probe(best.site_mm, RETURN_S))
        if cost_s(context, result.site_mm, probe) + back > result.left_s:
            continue
        result = yield probe
        if best is None or result.points() > best.points():
            best = result
    if best is not None and best is not result:
        result = yield Probe(best.site_mm, RETURN_S)
    return result


def finish_s(context: SpotContext, count: int, dwell_s: float, apart_mm: float) -> float:
    """Return the beam time in seconds to set aside for measuring ``count`` sites about ``apart_mm`` apart."""
    hop = np.array([apart_mm, 0.0])
    return (count + 1) * cost_s(context, np.zeros(2), Probe(hop, dwell_s))


def ended_early(search: SearchFunction, enough: float, dwell_s: float) -> SearchFunction:
    """Return a search that measures every promising site again, longer, and ends where that is good enough.

    Parameters
    ----------
    search : any; where a site was measured again, it is told the longer measurement
    enough : points from which a site is measured again, and from which it is then declared
    dwell_s : of the longer measurement; results of that dwell or a longer one are judged as they are
    """

    def begun(context: SpotContext, result: ProbeResult) -> Search:
        inner = search(context, result)
        try:
            probe = next(inner)
            while True:
                result, ended = yield from _measured(probe, enough, dwell_s)
                if ended:
                    return
                probe = inner.send(result)
        except StopIteration:
            return

    return begun


def _measured(probe: Probe, enough: float, dwell_s: float) -> Generator[Probe, ProbeResult, tuple[ProbeResult, bool]]:
    """Measure a site, again where it promises to be good enough; return the result and whether it is."""
    result = yield probe
    if result.points() < enough:
        return result, False
    if probe.dwell_s < dwell_s:
        result = yield Probe(result.site_mm, dwell_s)
    return result, result.points() >= enough
