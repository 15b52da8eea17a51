"""Tunes the searches for a spot on surfaces that neither a training nor a benchmark uses, by successive halving.

K. Jamieson and A. Talwalkar, AISTATS (2016): every setting is tried on a few surfaces, the better ones on more of them,
and the last ones on all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any, Final

import numpy as np

from beamgym.agents.baselines.spot import (
    GP_EI,
    GP_UCB,
    HEXAGONAL,
    NELDER_MEAD,
    RANDOM,
    RASTER,
    SEARCHES,
    SURVEY,
    YIELD_MAP,
    SearchPolicy,
)
from beamgym.agents.evaluation.evaluator import Episodes, context_of, joined, run_episodes, summarise
from beamgym.agents.evaluation.metrics import budget_in
from beamgym.agents.evaluation.seeds import first_seed
from beamgym.envs.loop import InstrumentVectorEnv

FAILURE: Final = 3.0
"""Budgets that a failed episode counts as: 1 % of success equals about 2.5 s of the usual beam time."""

RUNGS: Final = (0.15, 0.4, 1.0)
"""Shares of the surfaces after which settings are dropped."""

KEPT: Final = 3
"""One setting in this many is kept at each rung."""


def _around(settings: Any, **values: Sequence[float]) -> tuple[Any, ...]:
    """Return the settings with every combination of the values."""
    return tuple(replace(settings, **dict(zip(values, chosen, strict=True))) for chosen in product(*values.values()))


GRIDS: Final[dict[str, tuple[Any, ...]]] = {
    "raster": (
        *_around(RASTER, pitch_mm=(0.1, 0.12, 0.14), candidates=(4, 8), confirm_s=(0.5, 1.0)),
        *_around(RASTER, pitch_mm=(0.15, 0.18), dwell_s=(0.2,)),
    ),
    "random": _around(RANDOM, places=(35, 50), candidates=(4, 8)),
    "hexagonal": _around(HEXAGONAL, pitch_mm=(0.24, 0.28), parents=(3, 4), dwell_s=(0.05, 0.2), candidates=(4, 6)),
    "yield-map": _around(YIELD_MAP, candidates=(10, 20), confirm_s=(0.3, 1.0), apart_mm=(0.1, 0.25)),
    "nelder-mead": _around(NELDER_MEAD, edge_mm=(0.2, 0.35), starts=(4, 8)),
    "gp-ucb": _around(GP_UCB, length_mm=(0.15, 0.22), cost_weight=(0.4, 1.0), stop=(0.4, 0.7)),
    "gp-ei": _around(GP_EI, length_mm=(0.15, 0.22), cost_weight=(0.5, 1.0), stop=(0.01, 0.03)),
    "survey": _around(SURVEY, pitch_mm=(0.2, 0.24, 0.28), hop_mm=(0.1, 0.12), sure=(0.9, 0.92, 0.95)),
}
"""The settings tried, by the rival's name."""


@dataclass(frozen=True)
class Tried:
    """Results of one setting.

    Parameters
    ----------
    settings : of the rival
    surfaces : how many it was tried on
    success_rate : share of them
    beam_s_median : a failed episode counting as the full budget
    penalised_s : mean beam time, a failed episode counting as three budgets; what is made small
    """

    settings: Any
    surfaces: int
    success_rate: float
    beam_s_median: float
    penalised_s: float


def tune(
    name: str, env: InstrumentVectorEnv, surfaces: int, seed: int = 0, progress: Callable[[int], None] | None = None
) -> list[Tried]:
    """Try a rival's settings.

    Parameters
    ----------
    name : of the rival, in ``GRIDS``
    env : of searches for a spot, without autoreset
    surfaces : for the settings that get so far; number i has the environment seed ``first_seed("tuning", seed) + i``
    seed : the user's number
    progress : called with the number of episodes that have just ended

    Returns
    -------
    The settings that were tried on all surfaces, the best first

    Raises
    ------
    ValueError : an unknown rival, too few surfaces
    """
    if name not in GRIDS:
        raise ValueError(f"{name!r} has nothing to tune; choose from {', '.join(GRIDS)}")
    if surfaces < 10:
        raise ValueError(f"{surfaces} surfaces are too few to tune on; give at least 10")
    left, done = list(GRIDS[name]), 0
    episodes: dict[Any, list[Episodes]] = {}
    ranked: list[Tried] = []
    for rung in RUNGS:
        until = round(rung * surfaces)
        for settings in left:
            policy = SearchPolicy(name, partial(SEARCHES[name], settings=settings))
            more = _played(policy, env, done, until, seed, progress)
            episodes[settings] = [*episodes.get(settings, []), *more]
        ranked = sorted((_tried(name, one, episodes[one], env) for one in left), key=lambda tried: tried.penalised_s)
        left = [tried.settings for tried in ranked[: max(1, len(ranked) // KEPT)]]
        done = until
    return ranked


def episodes_needed(name: str, surfaces: int) -> int:
    """Return how many episodes ``tune`` runs."""
    total, left, done = 0, len(GRIDS[name]), 0
    for rung in RUNGS:
        until = round(rung * surfaces)
        total, left, done = total + left * (until - done), max(1, left // KEPT), until
    return total


def _played(
    policy: SearchPolicy,
    env: InstrumentVectorEnv,
    begin: int,
    end: int,
    seed: int,
    progress: Callable[[int], None] | None,
) -> list[Episodes]:
    first = first_seed("tuning", seed)
    starts = range(first + begin, first + end, env.num_envs)
    return [run_episodes(policy, env, range(at, min(at + env.num_envs, first + end)), progress) for at in starts]


def _tried(name: str, settings: Any, parts: list[Episodes], env: InstrumentVectorEnv) -> Tried:
    budget = budget_in(context_of(env))
    result = summarise(SearchPolicy(name, SEARCHES[name]), joined(parts), budget)
    spent = np.where(result.episodes.success, result.episodes.instrument_s, FAILURE * budget.beam_time_s)
    return Tried(settings, len(spent), result.success_rate, result.beam_s_median, float(spent.mean()))
