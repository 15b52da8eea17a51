"""Hexagonal, coarse to fine: a coarse lattice over the sample, then six sites around each of the best, ever nearer."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from beamgym.agents.baselines.spot.finish import best_seen, confirm, finish_s
from beamgym.agents.baselines.spot.search import Probe, ProbeResult, Search, cost_s
from beamgym.agents.baselines.surface_sites import hexagonal_lattice, turned
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
    parents : how many of the best sites are refined on each level
    dwell_s : at each site; the shortest is flown over
    candidates : how many of the best are measured again in the end
    confirm_s : dwell of that
    diagonal : drive the coarse lattice along diagonals
    """

    pitch_mm: float = 0.24
    levels: int = 2
    parents: int = 4
    dwell_s: float = 0.05
    candidates: int = 6
    confirm_s: float = 1.0
    diagonal: bool = False


HEXAGONAL: Final = HexagonalSettings()


def hexagonal(context: SpotContext, result: ProbeResult, settings: HexagonalSettings = HEXAGONAL) -> Search:
    """Measure the coarse lattice, refine around the best sites, and measure those that scored best again, longer."""
    results: list[ProbeResult] = []
    reserve = finish_s(context, settings.candidates, settings.confirm_s, settings.pitch_mm)
    for level in range(settings.levels + 1):
        pitch = settings.pitch_mm / 2**level
        sites = _coarse(context, settings) if level == 0 else _around(context, results, settings.parents, pitch)
        for site in sites:
            probe = Probe(site, settings.dwell_s)
            if cost_s(context, result.site_mm, probe) > result.left_s - reserve:
                break
            result = yield probe
            results.append(result)
    yield from confirm(context, result, best_seen(results, settings.candidates), settings.confirm_s)


def _coarse(context: SpotContext, settings: HexagonalSettings) -> Float64Array:
    sites = hexagonal_lattice(context, settings.pitch_mm)
    return turned(context, sites) if settings.diagonal else sites


def _around(context: SpotContext, results: list[ProbeResult], parents: int, pitch_mm: float) -> Float64Array:
    """Return six sites around each of the best, within the stage's limits, one parent after another."""
    ring = pitch_mm * np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=1)
    sites = (best_seen(results, parents, pitch_mm)[:, None] + ring).reshape(-1, 2)
    return np.asarray(np.clip(sites, *context.stage.limits_mm.T))
