"""A baseline that moves at random."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.moves import declared, exposures_left, width
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth

DECLARE_PROBABILITY = 0.05
"""Chance to declare at each step; a spent budget declares in any case."""


class Random:
    """Uniform actions, drawn from the observation itself, so that an episode repeats whatever runs beside it."""

    name = "random"
    oracle = False

    def start(self, context: Any, n: int) -> PolicyState:
        """Remember the context."""
        return [context] * n

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Return random moves, some of them declarations."""
        n, context = len(state), state[0]
        draws = np.array([_draw(observation, i, width(context)) for i in range(n)])
        actions = (2.0 * draws - 1.0).astype(np.float32)
        actions[:, -1] = -1.0
        last_chance = exposures_left(observation, context) == 0
        return declared(actions, last_chance | (draws[:, -1] < DECLARE_PROBABILITY)), state


def _draw(observation: Observation, i: int, count: int) -> NDArray[np.float64]:
    key = 0
    for name in sorted(observation):
        key = zlib.crc32(np.ascontiguousarray(observation[name][i]).tobytes(), key)
    return np.random.default_rng(key).random(count)
