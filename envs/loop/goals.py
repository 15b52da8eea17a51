"""Environments whose reward is one of goals alone, so that libraries can pay a step by goals that were never asked."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.loop.instrument_env import InstrumentEnv
from beamgym.envs.loop.vector_env import InstrumentVectorEnv


class _Goals:
    """Gives ``compute_reward`` to an environment whose task :class:`HasGoals`."""

    loop: Any

    def compute_reward(self, achieved_goal: NDArray[Any], desired_goal: NDArray[Any], info: Any = None) -> Any:
        """Return what a step pays: of one goal a number, of n goals (n, ...) an array (n,).

        Parameters
        ----------
        achieved_goal, desired_goal : as in observations; what was reached, and what is asked
        info : not needed; libraries that put other goals in place of the asked ones hand one over
        """
        reached, asked = np.asarray(achieved_goal), np.asarray(desired_goal)
        if reached.ndim == 1:
            return float(self.loop.task.goal_reward(reached[None], asked[None])[0])
        return self.loop.task.goal_reward(reached, asked)


class GoalEnv(_Goals, InstrumentEnv):
    """InstrumentEnv in Gymnasium-Robotics' goal form."""


class GoalVectorEnv(_Goals, InstrumentVectorEnv):
    """InstrumentVectorEnv in the same form."""
