"""Raster: a square lattice of exposures over the sample, its best places measured properly, the best declared."""

from dataclasses import dataclass
from typing import Final

from beamgym.agents.baselines.spot.finish import best_seen, confirm
from beamgym.agents.baselines.spot.search import Look, Search, Seen
from beamgym.agents.baselines.spot.sites import square_lattice
from beamgym.envs.arpes_spot import SpotContext


@dataclass(frozen=True)
class RasterSettings:
    """How a raster is run.

    Parameters
    ----------
    pitch_mm : of the lattice
    dwell_s : at each of its places; the shortest is flown over
    candidates : how many of the best are measured again
    confirm_s : dwell of that
    """

    pitch_mm: float = 0.1
    dwell_s: float = 0.05
    candidates: int = 8
    confirm_s: float = 1.0


RASTER: Final = RasterSettings()


def raster(context: SpotContext, seen: Seen, settings: RasterSettings = RASTER) -> Search:
    """Look at every place of the lattice, then again at those that scored best."""
    found = []
    for place in square_lattice(context, settings.pitch_mm):
        seen = yield Look(place, settings.dwell_s)
        found.append(seen)
    best = best_seen(found, settings.candidates)
    yield from confirm(context, seen, best, settings.confirm_s)
