"""Raster: a square lattice of exposures over the sample, its best sites measured properly, the best declared."""

from dataclasses import dataclass
from typing import Final

from beamgym.agents.baselines.spot.finish import best_seen, confirm
from beamgym.agents.baselines.spot.search import Probe, ProbeResult, Search
from beamgym.agents.baselines.surface_sites import square_lattice, turned
from beamgym.envs.arpes_spot import SpotContext


@dataclass(frozen=True)
class RasterSettings:
    """How a raster is run.

    Parameters
    ----------
    pitch_mm : of the lattice
    dwell_s : at each of its sites; the shortest is flown over
    candidates : how many of the best are measured again
    confirm_s : dwell of that
    diagonal : drive the lattice along diagonals
    """

    pitch_mm: float = 0.1
    dwell_s: float = 0.05
    candidates: int = 8
    confirm_s: float = 1.0
    diagonal: bool = False


RASTER: Final = RasterSettings()


def raster(context: SpotContext, result: ProbeResult, settings: RasterSettings = RASTER) -> Search:
    """Measure every site of the lattice, then those that scored best again, longer."""
    results = []
    sites = square_lattice(context, settings.pitch_mm)
    for site in turned(context, sites) if settings.diagonal else sites:
        result = yield Probe(site, settings.dwell_s)
        results.append(result)
    best = best_seen(results, settings.candidates)
    yield from confirm(context, result, best, settings.confirm_s)
