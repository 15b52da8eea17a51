"""Makes the native vector environment and the model of a configuration."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.noise import NormalActionNoise, OrnsteinUhlenbeckActionNoise
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack, VecNormalize
from torch import nn

from beamgym.agents.beliefs import AlignExtractor, ProposalPolicy, SearchExtractor, stage_numbers
from beamgym.agents.configs import NOISE, PPO_KEYS, SCHEDULES, algorithm_class
from beamgym.agents.decisions import VecFlatten
from beamgym.agents.evaluation import context_of
from beamgym.agents.training.config import TrainingConfig
from beamgym.agents.training.sb3_vec import NativeVecEnv
from beamgym.envs.kinds import require_kind
from beamgym.envs.loop import InstrumentVectorEnv, cores

_LEAST_EACH = 16  # environments of a thread; with fewer, handing them out costs what it saves


def training_envs(
    env_id: str, config: TrainingConfig, count: int | None = None, autoreset_mode: str = "SameStep"
) -> InstrumentVectorEnv:
    """Make the native vector environment of a configuration.

    Parameters
    ----------
    env_id : a registered environment
    config : gives its arguments
    count : how many environments; the configuration's by default
    autoreset_mode : "SameStep" to learn in it, "Disabled" to judge in it

    Raises
    ------
    TypeError : for an environment without a native vector form
    """
    n = count or config.n_envs
    made = gym.make_vec(
        env_id,
        num_envs=n,
        vectorization_mode="vector_entry_point",
        autoreset_mode=autoreset_mode,
        threads=config.threads or min(cores(), max(1, n // _LEAST_EACH)),
        **config.env_kwargs,
        **(config.training_kwargs if autoreset_mode == "SameStep" else {}),
    )
    env = made.unwrapped
    if not isinstance(env, InstrumentVectorEnv):
        raise TypeError(f"{env_id} has no native vector form; found {type(env).__name__}")
    return env


def make_model(config: TrainingConfig, envs: InstrumentVectorEnv, seed: int) -> Any:
    """Make the model of a configuration, on the CPU, with the environments and their wrappers around it.

    Parameters
    ----------
    config : hyperparameters
    envs : with SAME_STEP autoreset
    seed : of the network's first weights and of exploration, below 2**32

    Raises
    ------
    ValueError : a policy that is for observations of another form, an extractor for another task
    """
    policy, kwargs = _policy(config, envs)
    venv = wrapped(NativeVecEnv(envs), config)
    if isinstance(policy, str):
        check_policy_name(policy, venv.observation_space, config.algo == "ppo_lstm")
    return algorithm_class(config.algo)(
        policy, venv, policy_kwargs=kwargs, seed=seed, device="cpu", **_arguments(config, envs.single_action_space)
    )


def wrapped(envs: VecEnv, config: TrainingConfig) -> VecEnv:
    """Put a configuration's wrappers around environments, in rl-zoo3's order."""
    if config.env_wrapper:
        envs = VecFlatten(envs)
    if config.normalize is not None:
        chosen = config.normalize.model_dump()
        if chosen["norm_obs_keys"] is None and isinstance(envs.observation_space, spaces.Dict):
            parts = envs.observation_space.spaces.items()
            chosen["norm_obs_keys"] = [name for name, part in parts if part.dtype != np.uint8]
        envs = VecNormalize(envs, gamma=config.algorithm_kwargs.get("gamma", config.gamma), **chosen)
    return envs if config.frame_stack is None else VecFrameStack(envs, config.frame_stack)


def check_policy_name(policy: str, space: spaces.Space[Any], recurrent: bool = False) -> None:
    """Raise ValueError for SB3's MultiInputPolicy on one array, and for the others on observations in parts."""
    if recurrent != ("Lstm" in policy):
        raise ValueError(f"policy {policy} does not fit; Lstm policies go with ppo_lstm, which needs one")
    parts, kind = isinstance(space, spaces.Dict), "Lstm" if recurrent else ""
    if parts == policy.startswith("MultiInput"):
        return
    found, wanted = ("come in parts", "MultiInput") if parts else ("are one array", "Mlp")
    raise ValueError(f"policy {policy} does not fit: the observations {found}; write policy: {wanted}{kind}Policy")


def _arguments(config: TrainingConfig, action_space: spaces.Space[Any]) -> dict[str, Any]:
    """Return what the algorithm's class is given, with schedules, noise and buffers made of their words."""
    chosen = {name: getattr(config, name) for name in PPO_KEYS} if config.algo == "ppo" else {}
    chosen |= config.algorithm_kwargs
    for name in SCHEDULES:
        if isinstance(chosen.get(name), str):
            chosen[name] = LinearSchedule(float(chosen[name].removeprefix("lin_")), 0.0, 1.0)
    if isinstance(chosen.get("train_freq"), list):
        chosen["train_freq"] = tuple(chosen["train_freq"])
    if "replay_buffer_class" in chosen:
        chosen["replay_buffer_class"] = HerReplayBuffer
    kind, width = (chosen.pop(name, None) for name in NOISE)
    if kind is not None:
        size = np.ones(action_space.shape or ())
        made = OrnsteinUhlenbeckActionNoise if "ornstein" in kind else NormalActionNoise
        chosen["action_noise"] = made(np.zeros_like(size), (width or 0.1) * size)
    return chosen


def _policy(config: TrainingConfig, envs: InstrumentVectorEnv) -> tuple[Any, dict[str, Any]]:
    network = config.policy_kwargs
    kwargs = network.sb3_arguments()
    if config.algo == "ppo":
        kwargs["log_std_init"] = network.log_std_init
    if network.net_arch is not None:
        kwargs["net_arch"] = network.net_arch
    if network.activation_fn is not None:
        kwargs["activation_fn"] = getattr(nn, network.activation_fn.rpartition(".")[2])
    if network.extractor == "align":
        kwargs["features_extractor_class"] = AlignExtractor
        kwargs["features_extractor_kwargs"] = _align_kwargs(network.extractor_kwargs, envs)
        return ProposalPolicy, kwargs
    if network.extractor == "search":
        kwargs["features_extractor_class"] = SearchExtractor
        kwargs["features_extractor_kwargs"] = {**stage_numbers(context_of(envs)), **network.extractor_kwargs}
        return ProposalPolicy, kwargs
    if network.extractor_kwargs:
        kwargs["features_extractor_kwargs"] = network.extractor_kwargs
    return config.policy, kwargs


def _align_kwargs(given: dict[str, Any], envs: InstrumentVectorEnv) -> dict[str, Any]:
    """Return the extractor's arguments with the environment's scale of actions, in which it proposes."""
    context = context_of(envs)
    wanted = "the align extractor proposes rotations: it needs LaueAlign with action 'rotation'"
    require_kind(context, ("laue",), wanted)
    if context.action != "rotation":
        raise ValueError(wanted)
    largest = context.max_rotation_deg
    if given.get("max_rotation_deg", largest) != largest:
        raise ValueError(
            f"extractor_kwargs give max_rotation_deg {given['max_rotation_deg']}, the environment has {largest}; "
            "leave it out"
        )
    return {**given, "max_rotation_deg": largest}
