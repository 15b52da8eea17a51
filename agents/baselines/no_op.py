"""A baseline that declares at once: how often a random start is already aligned."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.moves import declared, width
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth


class NoOp:
    """Moves nothing and declares."""

    name = "no-op"
    oracle = False

    def start(self, context: Any, n: int) -> PolicyState:
        """Remember how long an action is."""
        return [width(context)] * n

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Declare."""
        actions = np.zeros((len(state), state[0]), dtype=np.float32)
        return declared(actions, np.ones(len(state), dtype=np.bool_)), state
