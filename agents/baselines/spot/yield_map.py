"""Yield map, as people do it: count all electrons on the fly over the sample, then measure the brightest sites.

It does not ask where the electrons come from. Dirt is bright: a layer damps the bands and adds more background than it
takes.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from beamgym.agents.baselines.spot.finish import best_apart, confirm, finish_s
from beamgym.agents.baselines.spot.search import Probe, ProbeResult, Search
from beamgym.agents.baselines.surface_sites import pitch_that_fits, sample_disc, square_lattice, tour_s
from beamgym.envs.arpes_spot import SpotContext


@dataclass(frozen=True)
class YieldMapSettings:
    """How a yield map is used.

    Parameters
    ----------
    candidates : how many of the brightest sites are measured
    confirm_s : dwell of that
    apart_mm : least distance between them
    share : of the beam time that may be spent; the map's pitch follows from it
    """

    candidates: int = 10
    confirm_s: float = 1.0
    apart_mm: float = 0.1
    share: float = 1.0


YIELD_MAP: Final = YieldMapSettings()


def yield_map(context: SpotContext, result: ProbeResult, settings: YieldMapSettings = YIELD_MAP) -> Search:
    """Map the total counts with the finest pitch that fits, then measure the brightest sites with a longer dwell."""
    dwell_s = context.stage.dwell_s[0]
    radius = float(sample_disc(context)[1].max())
    reserve = finish_s(context, settings.candidates, settings.confirm_s, 0.5 * radius)
    to_begin = tour_s(context, np.array([[0.0, 0.0], [radius, radius]]), dwell_s)
    pitch = pitch_that_fits(context, dwell_s, settings.share * context.beam_time_s - reserve - to_begin)
    results = []
    for site in square_lattice(context, pitch):
        result = yield Probe(site, dwell_s)
        results.append(result)
    sites = np.array([one.site_mm for one in results])
    best = best_apart(sites, [one.electrons for one in results], settings.candidates, settings.apart_mm)
    yield from confirm(context, result, best, settings.confirm_s)
