"""Yield map, as people do it: count all electrons on the fly over the sample, then measure the brightest places.

It never asks what the electrons are. Dirt is bright: a layer damps the bands and adds more background than it takes.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from beamgym.agents.baselines.spot.finish import best_apart, confirm, finish_s
from beamgym.agents.baselines.spot.search import Look, Search, Seen
from beamgym.agents.baselines.spot.sites import pitch_that_fits, sample_disc, square_lattice, tour_s
from beamgym.envs.arpes_spot import SpotContext


@dataclass(frozen=True)
class YieldMapSettings:
    """How a yield map is used.

    Parameters
    ----------
    candidates : how many of the brightest places are measured
    confirm_s : dwell of that
    apart_mm : least distance between them
    share : of the beam time that may be spent; the map's pitch follows from it
    """

    candidates: int = 10
    confirm_s: float = 1.0
    apart_mm: float = 0.1
    share: float = 1.0


YIELD_MAP: Final = YieldMapSettings()


def yield_map(context: SpotContext, seen: Seen, settings: YieldMapSettings = YIELD_MAP) -> Search:
    """Map the total counts with the finest pitch that fits, then look properly at the brightest places."""
    dwell_s = context.stage.dwell_s[0]
    radius = float(sample_disc(context)[1].max())
    reserve = finish_s(context, settings.candidates, settings.confirm_s, 0.5 * radius)
    to_begin = tour_s(context, np.array([[0.0, 0.0], [radius, radius]]), dwell_s)
    pitch = pitch_that_fits(context, dwell_s, settings.share * context.beam_time_s - reserve - to_begin)
    found = []
    for place in square_lattice(context, pitch):
        seen = yield Look(place, dwell_s)
        found.append(seen)
    places = np.array([one.place_mm for one in found])
    best = best_apart(places, [one.electrons for one in found], settings.candidates, settings.apart_mm)
    yield from confirm(context, seen, best, settings.confirm_s)
