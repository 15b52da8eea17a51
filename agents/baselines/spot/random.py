"""Random search: sites drawn at random, the best of them measured properly, the best declared."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from beamgym.agents.baselines.spot.finish import best_seen, confirm
from beamgym.agents.baselines.spot.search import Probe, ProbeResult, Search
from beamgym.agents.baselines.surface_sites import sample_disc
from beamgym.envs.arpes_spot import SpotContext


@dataclass(frozen=True)
class RandomSettings:
    """How a random search is run.

    Parameters
    ----------
    places : how many sites are drawn; tuned settings are written with this key
    dwell_s : at each
    candidates : how many of the best are measured again
    confirm_s : dwell of that
    """

    places: int = 50
    dwell_s: float = 0.2
    candidates: int = 8
    confirm_s: float = 1.0


RANDOM: Final = RandomSettings()


def random_sites(context: SpotContext, result: ProbeResult, settings: RandomSettings = RANDOM) -> Search:
    """Measure random sites, drawn from the episode's seed, so that it repeats whatever runs beside it."""
    middle, radius = sample_disc(context)
    lots = np.random.default_rng(result.bits)
    results = []
    for share, turn in lots.random((settings.places, 2)):
        way = np.sqrt(share) * np.array([np.cos(2.0 * np.pi * turn), np.sin(2.0 * np.pi * turn)])
        result = yield Probe(middle + radius * way, settings.dwell_s)
        results.append(result)
    best = best_seen(results, settings.candidates)
    yield from confirm(context, result, best, settings.confirm_s)
