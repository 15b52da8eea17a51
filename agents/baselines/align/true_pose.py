"""The oracle of alignment: it knows the true orientation; only motor errors and budget limit it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.moves import declared, exposures_left, need_kind, positions_of, rotating_action
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth


class TruePose:
    """Turns the sample by exactly the missing rotation, and declares inside the tolerance."""

    name = "true-pose"
    oracle = True

    def start(self, context: Any, n: int) -> PolicyState:
        """Remember the context; raises CannotPlay where no pose is asked for."""
        need_kind(context, ("laue",), "true-pose turns a given crystal to a target; this environment has none")
        return [context] * n

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Move to the nearest reachable goal; raises ValueError without the truth."""
        if truth is None:
            raise ValueError("true-pose is an oracle: it needs the truth, which only a simulated instrument knows")
        context = state[0]
        positions, orientation = positions_of(observation, context), truth["orientation"]
        spent = exposures_left(observation, context) == 0
        goals = context.target.reachable_goals(context.goniometer, truth["mount"], positions)
        missing = goals.orientation @ np.swapaxes(orientation, -1, -2)
        error = context.target.error_deg(orientation, context.target.reachable(context.goniometer, truth["mount"]))
        return declared(rotating_action(missing, positions, context), (error <= context.tolerance_deg) | spent), state
