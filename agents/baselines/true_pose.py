"""The oracle: it knows the true orientation, so only the motors and the budget stand between it and the goal."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.moves import declared, exposures_left, positions_of, rotate
from beamgym.agents.policy import PolicyState
from beamgym.envs.task import Observation, Truth


class TruePose:
    """Turns the sample by exactly the rotation that is missing, and declares inside the tolerance."""

    name = "true-pose"
    oracle = True

    def start(self, context: Any, n: int) -> PolicyState:
        """Remember the context."""
        return [context] * n

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Move to the nearest reachable goal; raises ValueError without the truth."""
        if truth is None:
            raise ValueError("true-pose is an oracle: it needs the truth, which only a simulated instrument knows")
        context = state[0]
        positions, orientation = positions_of(observation, context), truth["orientation"]
        goals = context.target.reachable_goals(context.goniometer, truth["mount"], positions)
        missing = goals.orientation @ np.swapaxes(orientation, -1, -2)
        error = context.target.error_deg(orientation, context.target.reachable(context.goniometer, truth["mount"]))
        done = (error <= context.tolerance_deg) | (exposures_left(observation, context) == 0)
        return declared(rotate(missing, positions, context), done), state
