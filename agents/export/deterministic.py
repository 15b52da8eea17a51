"""An SB3 model's deterministic action as one torch module: normaliser, network, squashing and clipping."""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.preprocessing import preprocess_obs
from stable_baselines3.common.vec_env import VecNormalize
from stable_baselines3.td3.policies import TD3Policy
from torch import Tensor, nn

from beamgym.agents.export.algorithms import ALGORITHMS, squashed_gaussian_policies
from beamgym.envs.bundles import named_spaces


class DeterministicPolicy(nn.Module):
    """Maps raw observations, by name, to actions within the Box.

    Parameters
    ----------
    model : an SB3 model (PPO, A2C, SAC, TD3) or sb3-contrib's TQC, with a Box action
    observation_space : of the environment itself; where SB3 moved an image's channel to the front, so does this
    normaliser : VecNormalize whose observation statistics the model was trained with

    Raises
    ------
    TypeError : for another kind of policy or action
    """

    def __init__(
        self, model: BaseAlgorithm, observation_space: spaces.Space[Any], normaliser: VecNormalize | None = None
    ) -> None:
        super().__init__()
        policy: Any = model.policy
        if not isinstance(model.action_space, spaces.Box):
            raise TypeError(f"a bundle's action is a Box, found {type(model.action_space).__name__}")
        gaussian = squashed_gaussian_policies()
        if not isinstance(policy, (ActorCriticPolicy, TD3Policy, *gaussian)):
            raise TypeError(f"{type(policy).__name__} cannot be exported; use {', '.join(ALGORITHMS)}")
        self.policy = policy
        self.squashes_mean = isinstance(policy, gaussian)
        self.normalise = _Normaliser(normaliser)
        self.space = model.observation_space
        raw, seen = named_spaces(observation_space), named_spaces(model.observation_space)
        self.channel_last = [name for name in raw if raw[name].shape != seen[name].shape]
        self.register_buffer("low", torch.from_numpy(np.array(model.action_space.low)))
        self.register_buffer("high", torch.from_numpy(np.array(model.action_space.high)))

    def forward(self, observation: dict[str, Tensor]) -> Tensor:
        """Return the actions (n, a) for observations (n, ...) by name."""
        seen = self.normalise(observation)
        for name in self.channel_last:
            seen[name] = seen[name].permute(0, 3, 1, 2)
        inputs: Any = seen if isinstance(self.space, spaces.Dict) else seen["observation"]
        action = self._mean(inputs)
        if getattr(self.policy, "squash_output", False):
            return self.low + 0.5 * (action + 1.0) * (self.high - self.low)
        return torch.maximum(torch.minimum(action, self.high), self.low)

    def _mean(self, observation: Any) -> Tensor:
        policy: Any = self.policy
        ready = preprocess_obs(observation, policy.observation_space, normalize_images=policy.normalize_images)
        if isinstance(policy, ActorCriticPolicy):
            mean: Tensor = policy.action_net(policy.mlp_extractor.forward_actor(policy.pi_features_extractor(ready)))
            return torch.tanh(mean) if policy.squash_output else mean
        features = policy.actor.features_extractor(ready)
        if self.squashes_mean:
            return torch.tanh(policy.actor.mu(policy.actor.latent_pi(features)))
        action: Tensor = policy.actor.mu(features)
        return action


class _Normaliser(nn.Module):
    """VecNormalize's (x - mean) / sqrt(variance + epsilon), clipped, in double precision as numpy does it there."""

    def __init__(self, source: VecNormalize | None) -> None:
        super().__init__()
        self.names: list[str] = []
        self.clip = 0.0
        if source is None or not source.norm_obs:
            return
        self.clip = float(source.clip_obs)
        statistics: Any = source.obs_rms
        keyed = statistics if isinstance(statistics, dict) else {"observation": statistics}
        self.names = list(source.norm_obs_keys or keyed)
        for name in self.names:
            mean, variance = (np.array(values, dtype=np.float64) for values in (keyed[name].mean, keyed[name].var))
            self.register_buffer(f"mean_{name}", torch.from_numpy(mean))
            self.register_buffer(f"scale_{name}", torch.from_numpy(np.sqrt(variance + source.epsilon)))

    def forward(self, observation: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the observations with the normalised ones replaced."""
        out = dict(observation)
        for name in self.names:
            mean, scale = getattr(self, f"mean_{name}"), getattr(self, f"scale_{name}")
            shifted = (observation[name].double() - mean) / scale
            out[name] = shifted.clamp(-self.clip, self.clip).float()
        return out
