"""What observations pass through between an environment and a model: read off SB3's wrappers, refused where unknown."""

import re
from collections.abc import Collection
from typing import Any, Literal

import numpy as np
from gymnasium import Wrapper, spaces
from gymnasium.spaces.utils import flatten_space
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import (
    DummyVecEnv,
    SubprocVecEnv,
    VecCheckNan,
    VecEnv,
    VecFrameStack,
    VecMonitor,
    VecNormalize,
    VecTransposeImage,
    VecVideoRecorder,
)
from stable_baselines3.common.vec_env.base_vec_env import VecEnvWrapper

from beamgym.envs.bundles import named_spaces


class VecFlatten(VecEnvWrapper):
    """FlattenObservation for a whole vector at once: the parts of a Dict in one row of numbers each.

    Parameters
    ----------
    venv : whose observations are a Dict of Boxes
    """

    def __init__(self, venv: VecEnv) -> None:
        super().__init__(venv, observation_space=flatten_space(venv.observation_space))
        self._names = list(named_spaces(venv.observation_space))

    def reset(self) -> Any:
        """Begin all episodes anew; return the observations (n, d)."""
        return self._flat(self.venv.reset())

    def step_wait(self) -> Any:
        """Step all environments; last observations of ended episodes are flattened too."""
        observation, reward, done, infos = self.venv.step_wait()
        for info in infos:
            if "terminal_observation" in info:
                last = {name: values[None] for name, values in info["terminal_observation"].items()}
                info["terminal_observation"] = self._flat(last)[0]
        return self._flat(observation), reward, done, infos

    def _flat(self, observation: Any) -> NDArray[Any]:
        rows = [np.reshape(observation[name], (len(observation[name]), -1)) for name in self._names]
        flat: NDArray[Any] = np.concatenate(rows, axis=1).astype(self.observation_space.dtype)
        return flat


FLATTEN = "FlattenObservation"
"""Gymnasium's wrapper that makes one row of numbers of a Dict; the only known one of its sort."""

Normaliser = VecNormalize | Literal[False] | None
Passed = list[Any]
"""SB3's wrappers, and FLATTEN, in the order in which an observation passes them."""

_TAKEN_OVER = (VecNormalize, VecFrameStack, VecTransposeImage)
_WITHOUT_EFFECT = (VecMonitor, VecCheckNan, VecVideoRecorder)
HARMLESS = frozenset(
    {
        "Autoreset",
        "ClipReward",
        "HumanRendering",
        "Monitor",
        "NormalizeReward",
        "OrderEnforcing",
        "PassiveEnvChecker",
        "RecordEpisodeStatistics",
        "RecordVideo",
        "RenderCollection",
        "TimeLimit",
        "TransformReward",
    }
)
"""Wrappers of single environments that change neither what is seen nor what is done."""


def passed_wrappers(model: BaseAlgorithm, normaliser: Normaliser = None, harmless: Collection[str] = ()) -> Passed:
    """Return what a model's observations have passed through.

    Parameters
    ----------
    model : with the environment that it was trained in
    normaliser : a VecNormalize whose statistics take the place of the one around the environment, or that was there
        where the model has no environment any more; False says that there was none
    harmless : names of further wrappers that change neither observations nor actions

    Raises
    ------
    ValueError : in one line, for a model without an environment of which nobody says what it saw, and for a wrapper
        that would be missing in a bundle
    """
    env: VecEnv | None = model.get_env()
    if env is None:
        if normaliser is None:
            raise ValueError(
                "the model has no environment, so nothing tells whether its observations were normalised: call "
                "model.set_env(env) with the wrapped one, or give normaliser=VecNormalize.load(…), False for none"
            )
        return [normaliser] if normaliser else []
    found: Passed = []
    while isinstance(env, VecEnvWrapper):
        if isinstance(env, _TAKEN_OVER):
            found.insert(0, env)
        elif isinstance(env, VecFlatten):
            found.insert(0, FLATTEN)
        elif not isinstance(env, _WITHOUT_EFFECT) and type(env).__name__ not in harmless:
            raise ValueError(_missing(type(env).__name__))
        env = env.venv
    flat = _single_wrappers(env, harmless)
    return flat + _with(found, normaliser)


def raw_space(model: BaseAlgorithm) -> spaces.Space[Any]:
    """Return the observation space of the model's environment, before anything is done to it.

    Raises
    ------
    ValueError : for a model without an environment
    """
    env = model.get_env()
    if env is None:
        raise ValueError("the model has no environment; give the observation_space of the one it was trained in")
    while isinstance(env, VecEnvWrapper):
        env = env.venv
    single: Any = env.envs[0] if isinstance(env, DummyVecEnv) else env
    while isinstance(single, Wrapper):
        single = single.env
    space: spaces.Space[Any] = single.observation_space
    return space


def flat_parts(model: BaseAlgorithm) -> tuple[str, ...]:
    """Return the names of the parts that a model's environment joins to one array itself; none where it does not."""
    env = model.get_env()
    try:
        return () if env is None else tuple(env.get_attr("flat_parts", 0)[0])
    except AttributeError:  # an environment of somebody else
        return ()


def _with(found: Passed, normaliser: Normaliser) -> Passed:
    """Put given statistics in the place of those around the environment, or first where there are none."""
    if normaliser is None:
        return found
    if not any(isinstance(one, VecNormalize) for one in found):
        return [normaliser, *found] if normaliser else found
    if normaliser is False:
        raise ValueError("normaliser=False, but a VecNormalize stands around the model's environment; leave it out")
    return [normaliser if isinstance(one, VecNormalize) else one for one in found]


def _single_wrappers(env: VecEnv, harmless: Collection[str]) -> Passed:
    """Return [FLATTEN] where single environments are flattened; raises ValueError for any wrapper that is not known."""
    names = _names(env)
    strange = [name for name in names if name not in HARMLESS and name != FLATTEN and name not in harmless]
    if strange:
        raise ValueError(_missing(strange[0]))
    return [FLATTEN] if FLATTEN in names else []


def _names(env: VecEnv) -> list[str]:
    """Return the names of the wrappers around a vector's single environments, the outermost first."""
    if isinstance(env, SubprocVecEnv):
        text = str(env.env_method("__str__", indices=0)[0])
        return list(re.findall(r"<(\w+)", text)[:-1])
    names, single = [], env.envs[0] if isinstance(env, DummyVecEnv) else None
    while isinstance(single, Wrapper):
        names.append(type(single).__name__)
        single = single.env
    return names


def _missing(name: str) -> str:
    return (
        f"the model saw its environment through {name}, which a bundle would lack; train with VecNormalize, "
        f"VecFrameStack or FlattenObservation, or give harmless=[{name!r}] where it changes nothing seen or done"
    )
