"""The oracle of the search for the best site: it knows the map of true scores and goes to its maximum."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.spot.search import Probe, action_of, cost_s, probe_results, spot_context
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth


class TrueMap:
    """Drives to the true best site and declares there; only motor errors can make it fail."""

    name = "true-map"
    oracle = True

    def start(self, context: Any, n: int) -> PolicyState:
        """Remember the context; raises CannotPlay where there is no site to find."""
        return [spot_context(context, self.name)] * n

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Go to the best site until it is good enough; raises ValueError without the truth."""
        if truth is None:
            raise ValueError("true-map is an oracle: it needs the truth, which only a simulated instrument knows")
        context, actions = state[0], np.zeros((len(state), 4), dtype=np.float32)
        shortest = context.stage.dwell_s[0]
        for i, result in enumerate(probe_results(observation, context, self.name)):
            missing = truth["best_place_mm"][i] - truth["place_mm"][i]
            goal = np.clip(result.site_mm + missing, *context.stage.limits_mm.T)
            probe = Probe(goal, shortest)
            there = truth["place_score"][i] >= truth["threshold"][i]
            done = there or cost_s(context, result.site_mm, probe) > result.left_s
            actions[i] = action_of(context, result, None if done else probe)
        return actions, state
