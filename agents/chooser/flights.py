"""Flights that a chooser learns from: surveys that end anyhow, and of each some looks with the truth."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np

from beamgym.agents.baselines.choosing import CANDIDATES, CHOOSING, ChoosingSettings, Judge, Looks, choosing_survey
from beamgym.agents.baselines.spot import Probe, ProbeResult, Search, SearchPolicy, SurveyFlight, cost_s, probe_results
from beamgym.agents.baselines.surface_sites import diagonal_spiral
from beamgym.agents.evaluation import Purpose, acted, first_seed, make_vector_env
from beamgym.envs.arpes_spot import SpotContext
from beamgym.envs.loop import InstrumentVectorEnv
from beamgym.envs.policy import start_episodes
from beamgym.physics.instrument import BoolArray, Float32Array, Float64Array

ENV_ID: Final = "beamgym/ArpesSpot-v1"
SIDE_BY_SIDE: Final = 50
EACH: Final = 4
"""Looks of a flight, the last at its end."""

_DWELLS_S: Final = (0.1, 0.25, 0.25, 0.5)
_FIRST_S: Final = 8.0
_NOISE: Final = 0.15


@dataclass(frozen=True, eq=False)
class Looked:
    """What m looks showed, and the truth.

    Parameters
    ----------
    shown : (m, CANDIDATES, COLUMNS)
    beyond : (m, CANDIDATES) points of the site exposed beyond what is needed to be among the best
    last : (m,) whether the flight ended there
    """

    shown: Float32Array
    beyond: Float32Array
    last: BoolArray

    @property
    def good(self) -> BoolArray:
        """(m, CANDIDATES) whether the site is among the best."""
        return self.beyond >= 0.0


def joined(parts: list[Looked]) -> Looked:
    """Return looks one after another."""
    columns = zip(*((one.shown, one.beyond, one.last) for one in parts), strict=True)
    return Looked(*(np.concatenate(column) for column in columns))


def fly(
    purpose: Purpose,
    seed: int,
    first: int,
    count: int,
    judge: Judge | None = None,
    progress: Callable[[int], None] | None = None,
) -> Looked:
    """Fly over surfaces and look back.

    Parameters
    ----------
    purpose, seed, first, count : whose surfaces, and which of them
    judge : a chooser that decides on the flights; without one they end anyhow
    progress : called with the number of flights that have just ended
    """
    env = make_vector_env(ENV_ID, min(SIDE_BY_SIDE, count), "real", {})
    parts = []
    start = first_seed(purpose, seed) + first
    for at in range(start, start + count, env.num_envs):
        seeds = range(at, min(at + env.num_envs, start + count))
        parts.append(_flown(env, seeds, judge))
        if progress is not None:
            progress(len(seeds))
    env.close()
    return joined(parts)


def _practice(context: SpotContext, result: ProbeResult, judge: Judge | None) -> Search:
    rng = np.random.default_rng([result.bits, 17])
    settings = replace(
        CHOOSING,
        idle=float(rng.choice([0.01, 0.01, 0.02, 0.03])),
        finals=int(rng.integers(2, 6)),
        confirm_s=float(rng.choice(_DWELLS_S)),
        most_s=float(rng.uniform(25.0, 50.0)),
        certain=float(rng.uniform(0.85, 1.05)),
    )
    if judge is None:
        return _anyhow(context, result, settings, rng)
    return choosing_survey(context, result, settings, judge)


def _anyhow(context: SpotContext, result: ProbeResult, settings: ChoosingSettings, rng: np.random.Generator) -> Search:
    """Fly as a survey that is never sure, measuring some of what reads best longer, at random, and more in the end."""
    flight = SurveyFlight(context, settings)
    flight.take(result)
    way = list(diagonal_spiral(context, settings.pitch_mm, settings.hop_mm))
    while context.beam_time_s - result.left_s < settings.most_s:
        best = flight.best()
        longer = rng.random() < 0.02 and not flight.confirmed[best]
        probe = Probe(flight.sites[best], settings.confirm_s) if longer else flight.onward(result, way, best)
        if probe is None:
            break
        result = yield probe
        flight.take(result)
    for _ in range(settings.finals):
        promise = flight.belief.mean + _NOISE * rng.normal(size=len(flight.belief.mean))
        site = int(np.where(flight.seen & ~flight.confirmed, promise, -np.inf).argmax())
        probe = Probe(flight.sites[site], settings.confirm_s)
        if cost_s(context, result.site_mm, probe) > result.left_s:
            break
        result = yield probe
        flight.take(result)


def _flown(env: InstrumentVectorEnv, seeds: range, judge: Judge | None) -> Looked:
    n, m, loop = env.num_envs, len(seeds), env.loop
    env.reset(seed=[seeds[i % m] for i in range(n)])
    context = env.contexts[0]
    policy = SearchPolicy("practice", partial(_practice, judge=judge))
    memory = start_episodes(policy, context, [seeds[i % m] for i in range(n)])
    seen: list[list[ProbeResult]] = [[] for _ in range(n)]
    beyond: list[list[float]] = [[] for _ in range(n)]
    active, observation = np.arange(n) < m, env.parts_shown(loop.observation())
    while active.any():
        world: Any = loop.instrument
        truth, results = world.truth(), probe_results(observation, context, policy.name)
        rows = np.flatnonzero(active)
        for i in rows:
            seen[i].append(results[i])
            beyond[i].append(float(truth["place_score"][i] - truth["threshold"][i]))
        actions = acted(policy, env, observation, dict(enumerate(memory)), active)
        step = loop.step(actions, active)
        active &= ~(step.verdict.terminated | step.verdict.truncated)
        observation = env.parts_shown(step.observation)
    return joined([_looks(context, seen[i], np.array(beyond[i]), seeds[i]) for i in range(m)])


def _looks(context: SpotContext, seen: list[ProbeResult], beyond: Float64Array, seed: int) -> Looked:
    """Look back at random times of a flight, and at its end."""
    used = np.array([context.beam_time_s - one.left_s for one in seen])
    draws = np.random.default_rng([seed, 19]).uniform(min(_FIRST_S, used[-1]), used[-1], EACH - 1)
    numbers = [*np.searchsorted(used, np.sort(draws)).tolist(), len(seen) - 1]
    looks, shown, of = Looks(SurveyFlight(context, CHOOSING)), [], []
    for k, result in enumerate(seen):
        looks.flight.take(result)
        looks.take(result)
        for _ in range(numbers.count(k)):
            chosen, table = looks.shown()
            row = np.full(CANDIDATES, -2.0, dtype=np.float32)
            row[: len(chosen)] = beyond[chosen]
            shown.append(table)
            of.append(row)
    return Looked(np.stack(shown), np.stack(of), np.arange(EACH) == EACH - 1)
