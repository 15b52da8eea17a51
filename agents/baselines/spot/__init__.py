"""Rivals at finding the best site of a sample, one per file."""

from collections.abc import Callable
from functools import partial

from beamgym.agents.baselines.spot.finish import ended_early
from beamgym.agents.baselines.spot.gp_ei import GP_EI, gp_ei
from beamgym.agents.baselines.spot.gp_ucb import GP_UCB, gp_ucb
from beamgym.agents.baselines.spot.hexagonal import HEXAGONAL, hexagonal
from beamgym.agents.baselines.spot.nelder_mead import NELDER_MEAD, simplex_search
from beamgym.agents.baselines.spot.pictures import PictureReader, counts_of
from beamgym.agents.baselines.spot.random import RANDOM, random_sites
from beamgym.agents.baselines.spot.raster import RASTER, raster
from beamgym.agents.baselines.spot.search import (
    Probe,
    ProbeResult,
    Search,
    SearchFunction,
    SearchPolicy,
    cost_s,
    probe_results,
)
from beamgym.agents.baselines.spot.survey import SURVEY, SurveyFlight, SurveySettings, survey
from beamgym.agents.baselines.spot.true_map import TrueMap
from beamgym.agents.baselines.spot.yield_map import YIELD_MAP, yield_map
from beamgym.envs.policy import Policy

SEARCHES: dict[str, SearchFunction] = {
    "survey": survey,
    "raster": raster,
    "random": random_sites,
    "hexagonal": hexagonal,
    "yield-map": yield_map,
    "nelder-mead": simplex_search,
    "gp-ucb": gp_ucb,
    "gp-ei": gp_ei,
}
"""Every search by the name it has in tables."""

BASELINES: dict[str, Callable[[], Policy]] = {
    **{name: partial(SearchPolicy, name, search) for name, search in SEARCHES.items()},
    "read-and-survey": partial(PictureReader, "read-and-survey", survey),
    TrueMap.name: TrueMap,
}
"""Every baseline by the name it has in tables."""

__all__ = [
    "BASELINES",
    "GP_EI",
    "GP_UCB",
    "HEXAGONAL",
    "NELDER_MEAD",
    "RANDOM",
    "RASTER",
    "SEARCHES",
    "SURVEY",
    "YIELD_MAP",
    "PictureReader",
    "Probe",
    "ProbeResult",
    "Search",
    "SearchFunction",
    "SearchPolicy",
    "SurveyFlight",
    "SurveySettings",
    "TrueMap",
    "cost_s",
    "counts_of",
    "ended_early",
    "gp_ei",
    "gp_ucb",
    "hexagonal",
    "probe_results",
    "random_sites",
    "raster",
    "simplex_search",
    "survey",
    "yield_map",
]
