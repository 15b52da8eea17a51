"""A baseline that moves at random."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.moves import declared, exposures_left, width
from beamgym.envs.laue_align import DECLARE
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth

DECLARE_PROBABILITY = 0.05
"""Chance to declare at each step; a spent budget declares in any case."""


@dataclass(frozen=True)
class _Drawing:
    """What an episode is played with; ``seed`` is None where it has none."""

    context: Any
    seed: int | None
    step: int = 0


class Random:
    """Uniform actions, drawn from the episode's seed and the number of the step, so that no rounding moves them.

    Where nobody knows a seed, as on an instrument, they are drawn from the observation's bits. Either way an episode
    repeats, whatever runs beside it.
    """

    name = "random"
    oracle = False

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n memories that draw from what is observed."""
        return [_Drawing(context, None)] * n

    def start_from(self, context: Any, seeds: Sequence[int]) -> PolicyState:
        """Return a memory for each seed, which draws from that."""
        return [_Drawing(context, seed) for seed in seeds]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[Any], PolicyState]:
        """Return random moves, or choices (n,) where actions are those, some of them declarations."""
        context = state[0].context
        chooses = width(context) == 1  # of a decision; others end with the number that declares
        count = 2 if chooses else width(context)
        draws = np.array([_draw(observation, i, each, count) for i, each in enumerate(state)])
        declares = (_left(observation, state) == 0) | (draws[:, -1] < DECLARE_PROBABILITY)
        after = [_Drawing(context, each.seed, each.step + 1) for each in state]
        if chooses:
            return np.where(declares, DECLARE, (draws[:, 0] * DECLARE).astype(np.int64)), after
        actions = (2.0 * draws - 1.0).astype(np.float32)
        actions[:, -1] = -1.0
        return declared(actions, declares), after


def _left(observation: Observation, state: PolicyState) -> NDArray[np.int64]:
    """Return how many more frames the budget holds (n,), by counting where it is not observed by itself."""
    if "budget" in observation:
        return exposures_left(observation, state[0].context)
    return np.array([each.context.exposures - 1 - each.step for each in state])


def _draw(observation: Observation, i: int, drawing: _Drawing, count: int) -> NDArray[np.float64]:
    if drawing.seed is not None:
        return np.random.default_rng([drawing.seed, drawing.step]).random(count)
    key = 0
    for name in sorted(observation):
        key = zlib.crc32(np.ascontiguousarray(observation[name][i]).tobytes(), key)
    return np.random.default_rng(key).random(count)
