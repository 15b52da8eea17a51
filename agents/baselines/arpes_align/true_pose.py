"""An oracle of ArpesAlign: it knows which pose is right."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.arpes_align.acting import PlannedCut, aligning_context, cut_action, cut_in, declaration
from beamgym.envs.policy import CannotPlay, PolicyState
from beamgym.envs.task import Observation, Truth

_ARRIVED = 0.01


class TruePose:
    """Goes to the pose that the truth names, and declares there."""

    name = "true-pose"
    oracle = True

    def start(self, context: Any, n: int) -> PolicyState:
        """Remember the context; raises CannotPlay for another task."""
        return [aligning_context(context, self.name)] * n

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Return an action for each row, by the truth; raises CannotPlay without it."""
        if truth is None:
            raise CannotPlay("the oracle needs the truth, which no real instrument knows")
        actions = []
        for row, context in enumerate(state):
            here = cut_in(observation, row, context, 0).pose
            goal = np.clip(truth["goal_pose"][row], *context.limits.T)
            there = np.abs(goal - here).max() <= _ARRIVED
            planned = PlannedCut(goal, context.dwells.least_s)
            actions.append(declaration(context, here) if there else cut_action(context, here, planned))
        return np.array(actions, dtype=np.float32), state
