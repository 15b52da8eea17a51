"""The algorithms that a configuration may name, as rl-zoo3 names them, and what each of them takes."""

import inspect
from functools import cache
from importlib import import_module
from typing import Any

ALGORITHMS = {
    "ppo": "stable_baselines3:PPO",
    "sac": "stable_baselines3:SAC",
    "dqn": "stable_baselines3:DQN",
    "tqc": "sb3_contrib:TQC",
    "ppo_lstm": "sb3_contrib:RecurrentPPO",
}
"""Where each one's class is."""

NOISE = ("noise_type", "noise_std")
"""rl-zoo3's own arguments, of which it makes ``action_noise``."""

PPO_KEYS = (
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
"""Arguments of algorithms that have a field of their own, whose defaults are PPO's."""

SCHEDULES = ("learning_rate", "clip_range", "clip_range_vf")
"""Arguments that may fall in the course of a training, as ``lin_…``."""

_OURS = ("policy", "env", "policy_kwargs", "verbose", "seed", "device", "tensorboard_log", "stats_window_size")


def algorithm_class(name: str) -> Any:
    """Return an algorithm's class.

    Raises
    ------
    ValueError : it is sb3-contrib's, which is not installed
    """
    module, _, attribute = ALGORITHMS[name].partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError:
        raise ValueError(f"algo {name} is sb3-contrib's: pip install 'beamgym[contrib]'") from None


@cache
def arguments_of(name: str) -> frozenset[str]:
    """Return the names of what an algorithm's class takes and a configuration may give."""
    taken = {one for one in inspect.signature(algorithm_class(name)).parameters if not one.startswith("_")}
    noise = set(NOISE) if "action_noise" in taken else set()
    return frozenset((taken - set(_OURS) - {"action_noise"}) | noise)


def takers_of(argument: str) -> list[str]:
    """Return the algorithms that take an argument, of those that are installed."""
    found = []
    for name in ALGORITHMS:
        try:
            if argument in arguments_of(name):
                found.append(name)
        except ValueError:
            continue
    return found
