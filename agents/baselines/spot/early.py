"""Any search, ended as soon as a site is good enough: early stopping and sequential confirmation for every rival."""

from collections.abc import Generator

from beamgym.agents.baselines.spot.search import Probe, ProbeResult, Search, SearchFunction
from beamgym.envs.arpes_spot import SpotContext


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
