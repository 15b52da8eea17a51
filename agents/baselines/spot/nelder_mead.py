"""Nelder-Mead over the sites of a surface, online, started anew elsewhere as long as beam time is left."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from beamgym.agents.baselines.simplex import nelder_mead
from beamgym.agents.baselines.spot.finish import best_seen, confirm, finish_s
from beamgym.agents.baselines.spot.search import Probe, ProbeResult, Search, cost_s
from beamgym.agents.baselines.surface_sites import hexagonal_lattice
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
    dwell_s : at each site
    candidates : how many of the best sites are measured again in the end
    confirm_s : dwell of that
    """

    edge_mm: float = 0.2
    size_mm: float = 0.04
    starts: int = 8
    dwell_s: float = 0.2
    candidates: int = 6
    confirm_s: float = 1.0


NELDER_MEAD: Final = SimplexSettings()


def simplex_search(context: SpotContext, result: ProbeResult, settings: SimplexSettings = NELDER_MEAD) -> Search:
    """Run a simplex from the middle, then from the sites farthest from all measured ones; measure the best again."""
    results = [result]
    for probe in _simplex_probes(context, results, settings):
        reserve = finish_s(context, settings.candidates, settings.confirm_s, settings.edge_mm)
        if cost_s(context, result.site_mm, probe) > result.left_s - reserve:
            break
        result = yield probe
        results.append(result)
    best = best_seen(results, settings.candidates, 0.5 * settings.size_mm)
    yield from confirm(context, result, best, settings.confirm_s)


def _simplex_probes(context: SpotContext, results: list[ProbeResult], settings: SimplexSettings) -> Iterator[Probe]:
    """Yield the probes of one simplex after another; each result is appended to ``results`` in between."""
    low, high = context.stage.limits_mm.T
    starts = hexagonal_lattice(context, settings.edge_mm)
    for _ in range(settings.starts):
        begin = _farthest_from(starts, results) if len(results) > 1 else results[0].site_mm
        first = begin + settings.edge_mm * np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.75**0.5]])
        points = nelder_mead(first, settings.size_mm)
        site = next(points)
        while True:
            yield Probe(np.clip(site, low, high), settings.dwell_s)
            try:
                site = points.send(-results[-1].points())
            except StopIteration:
                break


def _farthest_from(sites_mm: Float64Array, results: list[ProbeResult]) -> Float64Array:
    """Return the site among (k, 2) that is farthest from all measured ones."""
    measured = np.array([one.site_mm for one in results])
    apart = ((sites_mm[:, None] - measured[None]) ** 2).sum(axis=2).min(axis=1)
    chosen: Float64Array = sites_mm[int(apart.argmax())]
    return chosen
