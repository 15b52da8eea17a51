"""Hexagonal, coarse to fine: a coarse lattice over the sample, then six places around each of the best, ever nearer."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from beamgym.agents.baselines.spot.finish import best_seen, confirm, finish_s
from beamgym.agents.baselines.spot.search import Look, Search, Seen, cost_s
from beamgym.agents.baselines.spot.sites import hexagonal_lattice
from beamgym.envs.arpes_spot import SpotContext
from beamgym.physics.instrument import Float64Array

_TURNS = np.arange(6) * np.pi / 3.0


@dataclass(frozen=True)
class HexagonalSettings:
    """How a coarse-to-fine search is run.

    Parameters
    ----------
    pitch_mm : of the coarse lattice; it halves from level to level
    levels : how often
    parents : how many of the best places are refined on each level
    dwell_s : at each place; the shortest is flown over
    candidates : how many of the best are measured again in the end
    confirm_s : dwell of that
    """

    pitch_mm: float = 0.24
    levels: int = 2
    parents: int = 4
    dwell_s: float = 0.05
    candidates: int = 6
    confirm_s: float = 1.0


HEXAGONAL: Final = HexagonalSettings()


def hexagonal(context: SpotContext, seen: Seen, settings: HexagonalSettings = HEXAGONAL) -> Search:
    """Look at the coarse lattice, refine around the best, and look again at those that scored best."""
    found: list[Seen] = []
    reserve = finish_s(context, settings.candidates, settings.confirm_s, settings.pitch_mm)
    for level in range(settings.levels + 1):
        pitch = settings.pitch_mm / 2**level
        places = hexagonal_lattice(context, pitch) if level == 0 else _around(context, found, settings.parents, pitch)
        for place in places:
            look = Look(place, settings.dwell_s)
            if cost_s(context, seen.place_mm, look) > seen.left_s - reserve:
                break
            seen = yield look
            found.append(seen)
    yield from confirm(context, seen, best_seen(found, settings.candidates), settings.confirm_s)


def _around(context: SpotContext, found: list[Seen], parents: int, pitch_mm: float) -> Float64Array:
    """Return six places around each of the best, within the stage's limits, one parent after another."""
    ring = pitch_mm * np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=1)
    places = (best_seen(found, parents, pitch_mm)[:, None] + ring).reshape(-1, 2)
    return np.asarray(np.clip(places, *context.stage.limits_mm.T))
