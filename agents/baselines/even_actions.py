"""What baselines share that draw every number of an action evenly."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth


class EvenActions:
    """Even actions, drawn from the episode's seed and the number of the step."""

    name = "random"
    oracle = False

    def check(self, context: Any) -> None:
        """Raise CannotPlay for the context of another task."""
        raise NotImplementedError("the baseline of a task says which contexts it plays")

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n memories that draw as the first n seeds do; raises CannotPlay for another task."""
        return self.start_from(context, range(n))

    def start_from(self, context: Any, seeds: Sequence[int]) -> PolicyState:
        """Return a memory for each seed, which draws from that."""
        self.check(context)
        return [(context, int(seed), 0) for seed in seeds]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Return an action of even numbers for each row."""
        drawn = [
            np.random.default_rng([seed, step]).uniform(-1.0, 1.0, known.action_size) for known, seed, step in state
        ]
        return np.array(drawn, dtype=np.float32), [(known, seed, step + 1) for known, seed, step in state]
