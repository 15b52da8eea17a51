"""The row of `beamgym speed` for a decision of the estimating policy."""

import statistics
import time
from typing import Any

from beamgym.scripts.speeds.work import SelfTimed

EPISODES, FRAMES = 16, 4
TOLERANCE_DEG = 0.02
"""So narrow that no episode is declared before it has four frames."""


def calibrating_ms(seed: int) -> SelfTimed:
    """One decision with four frames of 64 spots: estimate from all, choose a goal, aim; silicon, level "hard"."""
    import gymnasium as gym

    from beamgym.agents.baselines.align import Calibrating

    env = gym.make("beamgym/LaueAlign-v0", level="hard", tolerance_deg=TOLERANCE_DEG)
    policy = Calibrating()
    _decision_ms(env, policy, seed + EPISODES)
    return SelfTimed(lambda: statistics.median(_decision_ms(env, policy, seed + i) for i in range(EPISODES)))


def _decision_ms(env: Any, policy: Any, seed: int) -> float:
    """Return the CPU time of the decision on the last frame of an episode, milliseconds."""
    import numpy as np

    observation, _ = env.reset(seed=seed)
    state = policy.start(env.unwrapped.loop.task.context, 1)
    for frame in range(FRAMES):
        one = {name: np.asarray(value)[None] for name, value in observation.items()}
        begun = time.process_time()
        action, state = policy.act(one, state)
        spent_ms = 1e3 * (time.process_time() - begun)
        if frame < FRAMES - 1:
            observation, *_ = env.step(action[0])
    return spent_ms
