"""The adapter that feeds a native vector environment to Stable-Baselines3.

SB3 takes no Gymnasium vector environment. This gives it one, without a Python loop over the environments: only those
whose episode ended are touched one by one.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv

from beamgym.envs.loop import InstrumentVectorEnv

Indices = int | Iterable[int] | None


class NativeVecEnv(VecEnv):
    """SB3's VecEnv over an :class:`InstrumentVectorEnv` that resets within the step.

    The infos of running episodes are empty. That of an ended one holds what SB3 reads: ``terminal_observation``,
    ``TimeLimit.truncated``, ``is_success`` and ``episode`` (so that no VecMonitor is needed), beside the environment's
    own ``cost``, ``limited`` and metrics of the last step.

    Parameters
    ----------
    env : made with ``autoreset_mode="SameStep"``
    """

    def __init__(self, env: InstrumentVectorEnv) -> None:
        if not isinstance(env, InstrumentVectorEnv):
            # A bundle is made of the model and of SB3's wrappers around this; what lies within would be left out.
            raise TypeError(
                f"{type(env).__name__} is no native vector environment; give what gym.make_vec makes, and put SB3's "
                "wrappers, such as VecNormalize, around NativeVecEnv"
            )
        mode = env.metadata.get("autoreset_mode")
        if mode is not AutoresetMode.SAME_STEP:
            raise ValueError(
                f"the vector environment resets by {mode}; SB3 needs SAME_STEP: make it with autoreset_mode='SameStep'"
            )
        self.env = env
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)
        self._actions: NDArray[Any] | None = None
        self._returns = np.zeros(self.num_envs)
        self._lengths = np.zeros(self.num_envs, dtype=np.int64)
        self._started = time.time()

    @classmethod
    def make(cls, env_id: str, n_envs: int = 64, seed: int | None = None, **options: Any) -> "NativeVecEnv":
        """Make the native vector of an environment, ready for Stable-Baselines3.

        Parameters
        ----------
        env_id : a registered environment with a native vector form, such as "beamgym/LaueAlign-v0"
        n_envs : environments stepped together
        seed : of the first environment, the next ones following; a model's own ``seed`` replaces it
        options : what ``gym.make_vec`` takes besides: the environment's options, ``threads``, ``render_mode``

        Raises
        ------
        TypeError : an unknown option, or an environment without a native vector form
        """
        for name in get_close_matches("n_envs", options, n=1, cutoff=0.75):
            raise TypeError(
                f"NativeVecEnv.make takes no {name}; the keyword is n_envs, as in SB3: n_envs={options[name]}"
            )
        made = gym.make_vec(
            env_id,
            num_envs=n_envs,
            vectorization_mode="vector_entry_point",
            autoreset_mode=AutoresetMode.SAME_STEP,
            **options,
        ).unwrapped
        if not isinstance(made, InstrumentVectorEnv):
            raise TypeError(f"{env_id} has no native vector form; found {type(made).__name__}")
        envs = cls(made)
        if seed is not None:
            envs.seed(seed)
        return envs

    def reset(self) -> Any:
        """Begin all episodes anew, by the seeds of the last ``seed()``, which serve once; return the observations."""
        seeds = None if all(seed is None for seed in self._seeds) else self._seeds
        observation, infos = self.env.reset(seed=seeds, options=self._shared_options())
        self.reset_infos = _rows(infos, np.arange(self.num_envs))
        self._reset_seeds()
        self._reset_options()
        self._returns[:], self._lengths[:] = 0.0, 0
        return observation

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions (n, a) for ``step_wait``."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Step all environments; the observation of an ended one is the first of its next episode."""
        if self._actions is None:
            raise ValueError("step_wait() was called without actions; call step_async(actions) first")
        observation, reward, terminated, truncated, infos = self.env.step(self._actions)
        done = terminated | truncated
        self._returns += reward
        self._lengths += 1
        rows: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        ended = np.flatnonzero(done)
        if len(ended):
            cut_off = (truncated & ~terminated)[ended].tolist()
            for i, info, cut in zip(ended.tolist(), _rows(infos["final_info"], ended), cut_off, strict=True):
                rows[i] = self._ended_info(i, info, infos["final_obs"][i], cut)
        self._returns[done], self._lengths[done] = 0.0, 0
        return observation, reward.astype(np.float32), done, rows

    def close(self) -> None:
        """Close the vector environment."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """Return an attribute of the vector environment, once per asked index; it is the same for all."""
        return [getattr(self.env, attr_name)] * len(self._indices(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Set an attribute of the vector environment, which all its rows share; a part of them cannot have another."""
        if len(self._indices(indices)) != self.num_envs:
            raise ValueError(f"{attr_name!r} is shared by all {self.num_envs} environments; set it without indices")
        setattr(self.env, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Indices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of the vector environment once, and return its result once per asked index."""
        result = getattr(self.env, method_name)(*method_args, **method_kwargs)
        return [result] * len(self._indices(indices))

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: Indices = None
    ) -> list[bool]:
        """Answer True for Monitor, since the episode statistics are given here, and False for every other wrapper."""
        return [wrapper_class is Monitor] * len(self._indices(indices))

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """Return one picture per environment; None each where there is no render_mode."""
        return self.env.render() or [None] * self.num_envs

    def _ended_info(self, i: int, info: dict[str, Any], last: Any, cut_off: bool) -> dict[str, Any]:
        """Complete an ended episode's info by its last observation and its statistics."""
        info["terminal_observation"] = last
        info["TimeLimit.truncated"] = cut_off
        elapsed = round(time.time() - self._started, 6)
        info["episode"] = {"r": float(self._returns[i]), "l": int(self._lengths[i]), "t": elapsed}
        return info

    def _shared_options(self) -> dict[str, Any] | None:
        if any(options != self._options[0] for options in self._options):
            raise ValueError(
                "the environments were given different reset options; a native vector environment takes one set"
            )
        return self._options[0] or None

    def _indices(self, indices: Indices) -> list[int]:
        return [int(i) for i in self._get_indices(indices)]


def _rows(infos: Mapping[str, Any], chosen: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return the infos of some environments from Gymnasium's vector form: arrays with a ``_name`` mask beside each.

    What an environment's mask says nothing of is left out of its row.
    """
    rows: list[dict[str, Any]] = [{} for _ in chosen]
    for name, values in infos.items():
        if name.startswith("_"):
            continue
        known = infos[f"_{name}"][chosen].tolist()
        cells = _rows(values, chosen) if isinstance(values, Mapping) else np.asarray(values)[chosen].tolist()
        for row, cell, there in zip(rows, cells, known, strict=True):
            if there:
                row[name] = cell
    return rows
