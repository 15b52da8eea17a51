"""The SB3 algorithms whose models become bundles, by name; those of sb3-contrib come with the extra ``contrib``."""

from importlib import import_module

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy

_MODULES = {
    "PPO": "stable_baselines3",
    "A2C": "stable_baselines3",
    "SAC": "stable_baselines3",
    "TD3": "stable_baselines3",
    "DDPG": "stable_baselines3",
    "DQN": "stable_baselines3",
    "TQC": "sb3_contrib",
    "CrossQ": "sb3_contrib",
    "TRPO": "sb3_contrib",
    "QRDQN": "sb3_contrib",
    "RecurrentPPO": "sb3_contrib",
}
ALGORITHMS = tuple(_MODULES)
"""Names of the algorithms that can be exported."""

_POLICIES = {
    "masked": ("sb3_contrib.common.maskable.policies:MaskableActorCriticPolicy",),
    "recurrent": ("sb3_contrib.common.recurrent.policies:RecurrentActorCriticPolicy",),
    "actor": ("stable_baselines3.common.policies:ActorCriticPolicy",),
    "gaussian": (
        "stable_baselines3.sac.policies:SACPolicy",
        "sb3_contrib.tqc.policies:TQCPolicy",
        "sb3_contrib.crossq.policies:CrossQPolicy",
    ),
    "deterministic": ("stable_baselines3.td3.policies:TD3Policy",),
    "values": ("stable_baselines3.dqn.policies:DQNPolicy",),
    "quantiles": ("sb3_contrib.qrdqn.policies:QRDQNPolicy",),
}
"""Classes of policies by how they decide; the more special ones first."""


def find_algorithm(name: str) -> type[BaseAlgorithm]:
    """Return an algorithm's class.

    Parameters
    ----------
    name : one of ALGORITHMS, in any case

    Raises
    ------
    ValueError : for an unknown name, or for one whose package is not installed, with the command that installs it
    """
    key = next((known for known in ALGORITHMS if known.upper() == name.upper()), None)
    if key is None:
        raise ValueError(f"unknown algorithm {name!r}; choose from {', '.join(ALGORITHMS)}")
    try:
        module = import_module(_MODULES[key])
    except ImportError as error:
        raise ValueError(f"{key} needs sb3-contrib, which is not installed: pip install 'beamgym[contrib]'") from error
    found: type[BaseAlgorithm] = getattr(module, key)
    return found


def decides_by(policy: BasePolicy) -> str:
    """Return how a policy decides: "actor", "recurrent", "gaussian", "deterministic", "values" or "quantiles".

    Raises
    ------
    TypeError : for a policy of another kind, and for one whose choices are masked
    """
    for way, names in _POLICIES.items():
        if isinstance(policy, tuple(filter(None, map(_class, names)))):
            if way == "masked":
                break
            return way
    why = ": a mask of allowed actions is no part of the observation" if way == "masked" else ""
    raise TypeError(f"{type(policy).__name__} cannot be exported{why}; use {', '.join(ALGORITHMS)}")


def _class(name: str) -> type | None:
    """Return a class by "module:name"; None where its package is not installed."""
    module, _, attribute = name.partition(":")
    try:
        found: type = getattr(import_module(module), attribute)
    except ImportError:
        return None
    return found
