"""Nelder-Mead over the places of a surface, online, begun anew elsewhere as long as beam time is left."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from beamgym.agents.baselines.simplex import nelder_mead
from beamgym.agents.baselines.spot.finish import best_seen, confirm, finish_s
from beamgym.agents.baselines.spot.search import Look, Search, Seen, cost_s
from beamgym.agents.baselines.spot.sites import hexagonal_lattice
from beamgym.envs.arpes_spot import SpotContext
from beamgym.physics.instrument import Float64Array


@dataclass(frozen=True)
class SimplexSettings:
    """How a simplex search is run.

    Parameters
    ----------
    edge_mm : of a first simplex
    size_mm : a simplex smaller than this has arrived
    starts : how many simplices are begun at most
    dwell_s : at each place
    candidates : how many of the best places are measured again in the end
    confirm_s : dwell of that
    """

    edge_mm: float = 0.2
    size_mm: float = 0.04
    starts: int = 8
    dwell_s: float = 0.2
    candidates: int = 6
    confirm_s: float = 1.0


NELDER_MEAD: Final = SimplexSettings()


def simplex_search(context: SpotContext, seen: Seen, settings: SimplexSettings = NELDER_MEAD) -> Search:
    """Climb from the middle, then from wherever is farthest from all that was seen; look again at the best."""
    found = [seen]
    for look in _climbs(context, found, settings):
        reserve = finish_s(context, settings.candidates, settings.confirm_s, settings.edge_mm)
        if cost_s(context, seen.place_mm, look) > seen.left_s - reserve:
            break
        seen = yield look
        found.append(seen)
    best = best_seen(found, settings.candidates, 0.5 * settings.size_mm)
    yield from confirm(context, seen, best, settings.confirm_s)


def _climbs(context: SpotContext, found: list[Seen], settings: SimplexSettings) -> Iterator[Look]:
    """Yield the looks of one climb after another; what each brought is appended to ``found`` in between."""
    low, high = context.stage.limits_mm.T
    starts = hexagonal_lattice(context, settings.edge_mm)
    for _ in range(settings.starts):
        begin = _loneliest(starts, found) if len(found) > 1 else found[0].place_mm
        first = begin + settings.edge_mm * np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.75**0.5]])
        points = nelder_mead(first, settings.size_mm)
        place = next(points)
        while True:
            yield Look(np.clip(place, low, high), settings.dwell_s)
            try:
                place = points.send(-found[-1].points())
            except StopIteration:
                break


def _loneliest(places_mm: Float64Array, found: list[Seen]) -> Float64Array:
    """Return that of the places (k, 2) which is farthest from all that were seen."""
    seen = np.array([one.place_mm for one in found])
    apart = ((places_mm[:, None] - seen[None]) ** 2).sum(axis=2).min(axis=1)
    chosen: Float64Array = places_mm[int(apart.argmax())]
    return chosen
