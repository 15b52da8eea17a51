"""An SB3 model's deterministic action as one torch module: wrappers, network, squashing, choice and clipping."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.preprocessing import preprocess_obs
from stable_baselines3.common.vec_env import VecNormalize
from torch import Tensor, nn

from beamgym.agents.decisions.algorithms import decides_by
from beamgym.agents.decisions.chain import WrapperChain
from beamgym.agents.decisions.lstm import LstmStep
from beamgym.agents.decisions.wrappers import Passed


class DeterministicPolicy(nn.Module):
    """Maps raw observations, by name, to actions within the Box, or to choices.

    Parameters
    ----------
    model : of SB3 or sb3-contrib, with a Box, Discrete or MultiDiscrete action
    observation_space : of the environment itself; where SB3 moved an image's channel to the front, so does this
    passed : what the observations passed on their way to the model, or a VecNormalize alone

    Attributes
    ----------
    memory : space of each part of its memory by name, zero at the beginning of an episode; empty for most

    Raises
    ------
    TypeError : for another kind of policy or action
    ValueError : for wrappers that do not lead to what the model sees
    """

    def __init__(
        self,
        model: BaseAlgorithm,
        observation_space: spaces.Space[Any],
        passed: Passed | VecNormalize | None = None,
    ) -> None:
        super().__init__()
        self.way = decides_by(model.policy)
        if not isinstance(model.action_space, spaces.Box | spaces.Discrete | spaces.MultiDiscrete):
            found = type(model.action_space).__name__
            raise TypeError(f"a bundle's action is a Box, Discrete or MultiDiscrete, found {found}")
        policy: Any = model.policy
        self.policy, self.actions = policy, model.action_space
        given = passed if isinstance(passed, list) else [] if passed is None else [passed]
        self.space = model.observation_space
        self.chain = WrapperChain(given, observation_space, self.space)
        self.memory = dict(self.chain.memory)
        if self.way == "recurrent":
            self.lstm = LstmStep(policy.lstm_actor)
            self.memory |= self.lstm.memory
        if isinstance(self.actions, spaces.Box):
            self.register_buffer("low", torch.from_numpy(np.array(self.actions.low)))
            self.register_buffer("high", torch.from_numpy(np.array(self.actions.high)))

    def forward(self, observation: Mapping[str, Tensor], state: Mapping[str, Tensor] | None = None) -> Any:
        """Return the actions for observations (n, ...) by name; with a memory, the actions and each part after them."""
        seen, after = self.chain(observation, state or {})
        inputs: Any = seen if isinstance(self.space, spaces.Dict) else seen["observation"]
        answer, kept = self._answer(inputs, state or {})
        action = self._bounded(answer)
        after |= kept
        return (action, *(after[name] for name in self.memory)) if self.memory else action

    def _answer(self, observation: Any, state: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the mean of the action, or the score of each choice, and the network's own memory."""
        policy: Any = self.policy
        ready = preprocess_obs(observation, policy.observation_space, normalize_images=policy.normalize_images)
        if self.way == "values":
            return policy.q_net.q_net(policy.q_net.features_extractor(ready)), {}
        if self.way == "quantiles":
            net = policy.quantile_net
            values: Tensor = net.quantile_net(net.features_extractor(ready))
            return values.reshape(-1, net.n_quantiles, int(net.action_space.n)).mean(dim=1), {}
        if self.way in ("actor", "recurrent"):
            features, kept = policy.pi_features_extractor(ready), {}
            if self.way == "recurrent":
                features, kept = self.lstm(features, state)
            return policy.action_net(policy.mlp_extractor.forward_actor(features)), kept
        features = policy.actor.features_extractor(ready)
        return policy.actor.mu(policy.actor.latent_pi(features) if self.way == "gaussian" else features), {}

    def _bounded(self, answer: Tensor) -> Tensor:
        """Return the choice with the highest score, or the mean squashed or clipped into the Box."""
        if isinstance(self.actions, spaces.Discrete):
            return answer.argmax(dim=1)
        if isinstance(self.actions, spaces.MultiDiscrete):
            ends = np.cumsum(self.actions.nvec).tolist()  # slices: a split would be an operator that no bundle may hold
            chosen = [answer[:, first:end].argmax(dim=1) for first, end in zip([0, *ends[:-1]], ends, strict=True)]
            return torch.stack(chosen, dim=1)
        if not getattr(self.policy, "squash_output", False):
            return torch.maximum(torch.minimum(answer, self.high), self.low)
        action = answer if self.way == "deterministic" else torch.tanh(answer)
        return self.low + 0.5 * (action + 1.0) * (self.high - self.low)
