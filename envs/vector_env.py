"""gymnasium.vector.VectorEnv: the episode loop over a World of n samples, with Gymnasium's three autoreset modes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from beamgym.envs.episode import EpisodeLoop, Step
from beamgym.envs.seeding import EpisodeKeys
from beamgym.envs.task import Observation, Task
from beamgym.physics.instrument import BoolArray, World


class InstrumentVectorEnv(VectorEnv[Observation, NDArray[Any], NDArray[Any]]):
    """n samples of one simulated instrument, stepped together.

    Parameters
    ----------
    task : the rules, with the spaces of one environment
    world : a simulated instrument; real ones are refused, since autoreset must never move a motor
    autoreset_mode : Gymnasium's NEXT_STEP (default), SAME_STEP or DISABLED
    renderer : draws one of the samples; None where no picture is wanted
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 2}  # noqa: RUF012 - Gymnasium's own form

    def __init__(
        self,
        task: Task[Any],
        world: World,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        renderer: Any = None,
    ) -> None:
        if not isinstance(world, World):
            raise TypeError(
                f"{type(world).__name__} is no simulated World: a real instrument runs in InstrumentEnv, n = 1"
            )
        self.loop = EpisodeLoop(task, world)
        self.num_envs = world.n
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**type(self).metadata, "autoreset_mode": self.autoreset_mode}
        self.single_observation_space, self.single_action_space = task.observation_space, task.action_space
        self.observation_space = batch_space(task.observation_space, world.n)
        self.action_space = batch_space(task.action_space, world.n)
        self.render_mode = render_mode
        self._renderer = renderer
        self._keys = EpisodeKeys(world.n)
        self._ended = np.zeros(world.n, dtype=np.bool_)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin new episodes: all of them, or those of ``options["reset_mask"]`` (n,).

        Environment i of an integer seed s runs on s + i, as n single environments would.
        """
        mask = _reset_mask(options, self.num_envs)
        seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else seed
        super().reset(seed=seed if isinstance(seed, int) else None)
        self._keys.reseed(seeds, lambda: self.np_random)
        self._begin(mask)
        return self.loop.observation(), {"cost": self.loop.costs(), "_cost": mask.copy()}

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[Observation, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Step every environment; ended ones are begun anew as the autoreset mode says."""
        if self.autoreset_mode is AutoresetMode.NEXT_STEP and self._ended.any():
            return self._step_with_resets(actions)
        if self.autoreset_mode is AutoresetMode.DISABLED and self._ended.any():
            raise ValueError("an ended environment was stepped; call reset(options={'reset_mask': ended}) first")
        step = self.loop.step(actions, np.ones(self.num_envs, dtype=np.bool_))
        ended = step.verdict.terminated | step.verdict.truncated
        info = _infos(step, np.ones(self.num_envs, dtype=np.bool_))
        observation = step.observation
        if self.autoreset_mode is AutoresetMode.SAME_STEP and ended.any():
            info |= {
                "final_obs": observation,
                "_final_obs": ended,
                "final_info": _infos(step, ended),
                "_final_info": ended,
            }
            self._begin(ended)
            observation = self.loop.observation()
        else:
            self._ended = ended
        return observation, step.verdict.reward, step.verdict.terminated, step.verdict.truncated, info

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Draw every sample, as a tuple of (h, w, 3) uint8 pictures; None without a render_mode."""
        if self.render_mode is None:
            return None
        return tuple(self._renderer.draw(self.loop, i) for i in range(self.num_envs))

    def _begin(self, mask: BoolArray) -> None:
        self.loop.reset(self._keys.next(mask), mask)
        self._ended = self._ended & ~mask

    def _step_with_resets(
        self, actions: NDArray[Any]
    ) -> tuple[Observation, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        reset, acting = self._ended, ~self._ended
        step = self.loop.step(np.where(reset[:, None], 0.0, actions), acting)
        verdict = step.verdict
        self._begin(reset)
        self._ended = (verdict.terminated | verdict.truncated) & acting
        reward = np.where(acting, verdict.reward, 0.0)
        ended = verdict.terminated & acting, verdict.truncated & acting
        info = _infos(step, acting)
        first = self.loop.costs()
        info["cost"] = {name: np.where(reset, first[name], values) for name, values in step.costs.items()}
        info["_cost"] = np.ones(self.num_envs, dtype=np.bool_)
        return self.loop.observation(), reward, *ended, info


def _infos(step: Step, mask: BoolArray) -> dict[str, Any]:
    values: dict[str, Any] = {
        "cost": step.costs,
        "limited": step.limited,
        "is_success": step.verdict.is_success,
        **step.verdict.metrics,
    }
    return {**values, **{f"_{name}": mask.copy() for name in values}}


def _reset_mask(options: dict[str, Any] | None, n: int) -> BoolArray:
    if not options or "reset_mask" not in options:
        return np.ones(n, dtype=np.bool_)
    mask = np.asarray(options["reset_mask"], dtype=np.bool_)
    if mask.shape != (n,) or not mask.any():
        raise ValueError(
            f"reset_mask has shape {mask.shape} and {int(mask.sum())} True; expected ({n},) with at least one"
        )
    return mask
