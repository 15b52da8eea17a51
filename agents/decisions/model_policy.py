"""An SB3 model as a Policy, behind its wrappers and with its memory, while it trains or afterwards."""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecTransposeImage

from beamgym.agents.decisions.deterministic import DeterministicPolicy
from beamgym.agents.decisions.wrappers import passed_wrappers, raw_space
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth


class ModelPolicy:
    """Decides as a model does, deterministically; rows are decided together.

    Parameters
    ----------
    model : with its environment; read anew at every ``start``, so that it may learn in between
    name : as in tables
    """

    oracle = False

    def __init__(self, model: BaseAlgorithm, name: str = "training") -> None:
        self.model, self.name = model, name
        self._network: DeterministicPolicy | None = None

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n memories as an episode begins with them."""
        passed = passed_wrappers(self.model)
        plain = all(isinstance(one, VecTransposeImage) for one in passed)  # which ``predict`` does by itself
        plain = plain and not hasattr(self.model.policy, "lstm_actor")
        self._network = None if plain else DeterministicPolicy(self.model, raw_space(self.model), passed).eval()
        if self._network is None or not self._network.memory:
            return [None] * n
        return [
            {name: np.zeros(part.shape, part.dtype) for name, part in self._network.memory.items()} for _ in range(n)
        ]

    @torch.no_grad()
    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[Any], PolicyState]:
        """Return the model's deterministic actions (n, ...) and the memories after them."""
        if self._network is None:
            return predict(self.model, _of_the_space(observation, self.model.observation_space)), state
        names = list(self._network.memory)
        seen = {name: torch.as_tensor(values) for name, values in observation.items()}
        if not names:
            return self._network(seen).numpy(), state
        before = {name: torch.as_tensor(np.stack([row[name] for row in state])) for name in names}
        action, *after = self._network(seen, before)
        rows = [dict(zip(names, (part[i].numpy() for part in after), strict=True)) for i in range(len(state))]
        return action.numpy(), rows


def predict(model: BaseAlgorithm, observation: Any) -> NDArray[Any]:
    """Return a model's deterministic actions, (n, ...) or (...), for a batch of what it sees or for one."""
    action: NDArray[Any] = model.predict(observation, deterministic=True)[0]
    return action


def _of_the_space(observation: Observation, space: spaces.Space[Any]) -> Any:
    return observation if isinstance(space, spaces.Dict) else observation["observation"]
