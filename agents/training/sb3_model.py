"""Makes the native vector environment and the PPO model of a configuration."""

from typing import Any

import gymnasium as gym
from stable_baselines3 import PPO

from beamgym.agents.beliefs import AlignExtractor, ProposalPolicy, SearchExtractor, stage_numbers
from beamgym.agents.evaluation import context_of
from beamgym.agents.training.config import TrainingConfig
from beamgym.agents.training.sb3_vec import NativeVecEnv
from beamgym.envs.kinds import require_kind
from beamgym.envs.loop import InstrumentVectorEnv, cores

_PPO_KEYS = (
    "learning_rate",
    "n_steps",
    "batch_size",
    "n_epochs",
    "gamma",
    "gae_lambda",
    "clip_range",
    "ent_coef",
    "vf_coef",
    "max_grad_norm",
    "target_kl",
)

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


def make_model(config: TrainingConfig, envs: InstrumentVectorEnv, seed: int) -> PPO:
    """Make the PPO model of a configuration, on the CPU.

    Parameters
    ----------
    config : hyperparameters
    envs : with SAME_STEP autoreset
    seed : of the network's first weights and of exploration, below 2**32
    """
    policy, kwargs = _policy(config, envs)
    chosen = {name: getattr(config, name) for name in _PPO_KEYS}
    return PPO(policy, NativeVecEnv(envs), policy_kwargs=kwargs, seed=seed, device="cpu", **chosen)


def _policy(config: TrainingConfig, envs: InstrumentVectorEnv) -> tuple[Any, dict[str, Any]]:
    network = config.policy_kwargs
    kwargs: dict[str, Any] = {"log_std_init": network.log_std_init}
    if network.net_arch is not None:
        kwargs["net_arch"] = network.net_arch
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
