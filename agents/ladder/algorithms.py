"""Which algorithm learns a rung, unmodified; how its model and its memory of steps are kept; and how it acts."""

import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from beamgym.agents.decisions import find_algorithm
from beamgym.agents.ladder.rungs import Rung
from beamgym.physics.files import replacing

HINDSIGHT = "+HER"
"""Behind the name of an algorithm with a replay buffer: goals that were reached stand in for those that were asked."""
_MODEL, _BUFFER = "model.zip", "replay.pkl"


def new_model(rung: Rung, env: VecEnv, seed: int) -> Any:
    """Return an untrained model of a rung's algorithm; raises ValueError for an unknown one."""
    hindsight = {"replay_buffer_class": HerReplayBuffer} if rung.algorithm.endswith(HINDSIGHT) else {}
    algorithm: Any = find_algorithm(rung.algorithm.removesuffix(HINDSIGHT))
    # A copy: SB3 writes into the policy_kwargs that it is given.
    return algorithm(rung.policy, env, seed=seed, device="cpu", **hindsight, **deepcopy(dict(rung.hyper)))


def load_model(rung: Rung, env: VecEnv, folder: Path) -> Any:
    """Return a kept model with its replay buffer; episodes that were cut in it count as cut by time."""
    algorithm: Any = find_algorithm(rung.algorithm.removesuffix(HINDSIGHT))
    model = algorithm.load(folder / _MODEL, env=env, device="cpu")
    if isinstance(model, OffPolicyAlgorithm):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The last trajectory in the replay buffer")
            model.load_replay_buffer(folder / _BUFFER, truncate_last_traj=True)
    return model


def keep_model(model: Any, folder: Path) -> None:
    """Write a model, and the replay buffer that it learns from; a kill leaves the old files or the new ones."""
    if isinstance(model, OffPolicyAlgorithm):
        with replacing(folder / _BUFFER) as draft:
            model.save_replay_buffer(draft)
    with replacing(folder / _MODEL) as draft:
        model.save(draft)


class Deciding:
    """What a model decides, without noise, in episodes that begin together; its memory, where it has one, is carried.

    Parameters
    ----------
    model : of Stable-Baselines3 or sb3-contrib
    """

    def __init__(self, model: Any) -> None:
        self._model, self._memory = model, None

    def __call__(self, seen: Any) -> NDArray[Any]:
        """Return actions (n, ...) for observations (n, ...) of the next step of the same n episodes."""
        n = len(next(iter(seen.values()))) if isinstance(seen, dict) else len(seen)
        begins = np.full(n, self._memory is None)
        actions, self._memory = self._model.predict(seen, self._memory, begins, deterministic=True)
        decided: NDArray[Any] = actions
        return decided
