"""The SB3 algorithms whose models become bundles, by name; TQC comes with the extra ``contrib``."""

from importlib import import_module

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.sac.policies import SACPolicy

_MODULES = {
    "PPO": "stable_baselines3",
    "A2C": "stable_baselines3",
    "SAC": "stable_baselines3",
    "TD3": "stable_baselines3",
    "TQC": "sb3_contrib",
}
ALGORITHMS = tuple(_MODULES)
"""Names of the algorithms that can be exported."""


def find_algorithm(name: str) -> type[BaseAlgorithm]:
    """Return an algorithm's class.

    Parameters
    ----------
    name : one of ALGORITHMS, in any case

    Raises
    ------
    ValueError : for an unknown name, or for one whose package is not installed, with the command that installs it
    """
    key = name.upper()
    if key not in _MODULES:
        raise ValueError(f"unknown algorithm {name!r}; choose from {', '.join(ALGORITHMS)}")
    try:
        module = import_module(_MODULES[key])
    except ImportError as error:
        raise ValueError(f"{key} needs sb3-contrib, which is not installed: pip install 'beamgym[contrib]'") from error
    found: type[BaseAlgorithm] = getattr(module, key)
    return found


def squashed_gaussian_policies() -> tuple[type[BasePolicy], ...]:
    """Return the policies whose actor is a Gaussian's mean under tanh: SAC's, and TQC's where it is installed."""
    try:
        policy: type[BasePolicy] = import_module("sb3_contrib.tqc.policies").TQCPolicy
    except ImportError:
        return (SACPolicy,)
    return (SACPolicy, policy)
