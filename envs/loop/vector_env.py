"""gymnasium.vector.VectorEnv: the episode loop over a World of n samples, with Gymnasium's three autoreset modes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from beamgym.envs.loop.episode import EpisodeLoop, LoopStep
from beamgym.envs.loop.flat import Flat
from beamgym.envs.loop.seeding import EpisodeKeys, checked_options, checked_seed, seeds_of
from beamgym.envs.task import Observation, Task, action_rows
from beamgym.physics.instrument import BoolArray, World
from beamgym.physics.row_threads import sharing_rows


class InstrumentVectorEnv(VectorEnv[Observation, NDArray[Any], NDArray[Any]]):
    """n samples of one simulated instrument, stepped together.

    Parameters
    ----------
    task : the rules, with the spaces of one environment
    world : a simulated instrument; real ones are refused, since autoreset must never move a motor
    autoreset_mode : Gymnasium's NEXT_STEP (default), SAME_STEP or DISABLED
    renderer : draws one of the samples; None where no picture is wanted
    threads : over how many threads the long kernels share the samples out; no bit depends on it
    flat : observe one array in place of a Dict; see :class:`Flat`
    history : last observations that are shown together, with the actions between them; see :class:`History`
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 2}  # noqa: RUF012 - Gymnasium's own form

    def __init__(
        self,
        task: Task[Any],
        world: World,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        renderer: Any = None,
        threads: int = 1,
        flat: bool = False,
        history: int = 1,
    ) -> None:
        if not isinstance(world, World):
            raise TypeError(
                f"{type(world).__name__} is no simulated World: a real instrument runs in InstrumentEnv, n = 1"
            )
        self.loop: EpisodeLoop[Any] = EpisodeLoop(task, world, history)
        self.num_envs = self.loop.instrument.n
        self.autoreset_mode = checked_autoreset(autoreset_mode)
        self.metadata = {**type(self).metadata, "autoreset_mode": self.autoreset_mode}
        space = self.loop.observation_space
        self._flat = Flat(space) if flat else None
        self.single_action_space = task.action_space
        self.single_observation_space = self._flat.space if self._flat else space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(task.action_space, self.num_envs)
        self.render_mode = render_mode
        self._renderer, self.threads = renderer, threads
        self._keys = EpisodeKeys(self.num_envs)
        self._ended = np.zeros(self.num_envs, dtype=np.bool_)
        self._begun = np.zeros(self.num_envs, dtype=np.bool_)

    @property
    def flat_parts(self) -> tuple[str, ...]:
        """Names of the parts that the observation's one array is made of, in order; none where it is a Dict."""
        return self._flat.names if self._flat else ()

    @property
    def contexts(self) -> tuple[Any, ...]:
        """What everybody at each sample's instrument knows at present: n times the same, unless crystals are drawn."""
        return self.loop.contexts

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin new episodes: all of them, or those of ``options["reset_mask"]`` (n,).

        Environment i of an integer seed s runs on s + i, as n single environments would. Other options say where sample
        and motors are to begin, for instruments that take it: "mount" (3, 3) or (n, 3, 3), "positions" (k,) or (n, k).
        """
        seeds, start = seeds_of(seed, self.num_envs), checked_options(options)
        mask = self._reset_mask(start.pop("reset_mask", None))
        keys = self._keys.copy()  # of a reset that is refused nothing remains
        keys.reseed(seeds, lambda: self.np_random, mask)
        seeded = None if seeds is None else np.array([each is not None for each in seeds])
        with sharing_rows(self.threads):
            self._begin(keys.next(mask), mask, start, seeded)
        self._keys, self._begun = keys, self._begun | mask
        super().reset(seed=None if isinstance(seed, Sequence | np.ndarray) else checked_seed(seed))
        info = _masked({"cost": self.loop.costs()}, mask)
        for name, (values, rows) in self.loop.advice().items():
            info |= _masked({name: values}, mask & rows)
        return self.shown(self.loop.observation()), info

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[Observation, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Step every environment; ended ones are begun anew as the autoreset mode says.

        Raises
        ------
        TypeError, ValueError : actions that cannot be, environments that have not begun, or that have ended without
            autoreset
        """
        if not self._begun.all():
            raise ValueError(f"environment {np.argmin(self._begun)} has not begun; call reset() before step()")
        with sharing_rows(self.threads):
            return self._stepped(actions)

    def _stepped(
        self, actions: NDArray[Any]
    ) -> tuple[Observation, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        if self.autoreset_mode is AutoresetMode.NEXT_STEP and self._ended.any():
            return self._step_with_resets(actions)
        if self.autoreset_mode is AutoresetMode.DISABLED and self._ended.any():
            raise ValueError("an ended environment was stepped; call reset(options={'reset_mask': ended}) first")
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            return self._renewed(actions)
        step = self.loop.step(actions, np.ones(self.num_envs, dtype=np.bool_))
        self._ended = step.verdict.terminated | step.verdict.truncated
        return self.shown(step.observation), *_judged(step), _infos(step, np.ones(self.num_envs, dtype=np.bool_))

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Draw every sample, as a tuple of (h, w, 3) uint8 pictures; None without a render_mode."""
        if self.render_mode is None:
            return None
        return tuple(self._renderer.draw(*self.loop.of(i)) for i in range(self.num_envs))

    def shown(self, observation: Observation) -> Any:
        """Return observations by name as they are given out: one array where they are flat."""
        return self._flat(observation) if self._flat else observation

    def parts_shown(self, observation: Observation) -> Observation:
        """Return what is given out, by name; what has no parts is named "observation"."""
        seen = self.shown(observation)
        return seen if isinstance(seen, dict) else {"observation": seen}

    def _begin(
        self,
        keys: NDArray[np.uint64],
        mask: BoolArray,
        start: dict[str, Any] | None = None,
        seeded: BoolArray | None = None,
    ) -> None:
        self.loop.reset(keys, mask, start, seeded)
        self._ended = self._ended & ~mask

    def _reset_mask(self, given: Any) -> BoolArray:
        """Return which environments begin anew, (n,); raises TypeError or ValueError for a mask that cannot be."""
        if given is None:
            return np.ones(self.num_envs, dtype=np.bool_)
        mask = np.asarray(given)
        if mask.dtype != np.bool_:
            raise TypeError(f"reset_mask holds {mask.dtype}; give {self.num_envs} of True and False")
        if mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(
                f"reset_mask has shape {mask.shape} and {int(mask.sum())} True; expected ({self.num_envs},) with at "
                "least one"
            )
        return mask.copy()

    def _renewed(
        self, actions: NDArray[Any]
    ) -> tuple[Observation, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Step, and reset what ended: its last observation and info move to final_obs and final_info."""
        done = self.loop.step_and_renew(actions, self._keys.next)
        step, ended = done.step, done.ended
        if not ended.any():
            return self.shown(step.observation), *_judged(step), _infos(step, ~ended)
        last = {"final_obs": _last_observations(self.shown(step.observation), ended), "_final_obs": ended.copy()}
        info = {
            **_infos(step, ~ended, ended, done.costs),
            **last,
            "final_info": _infos(step, ended),
            "_final_info": ended.copy(),
        }
        return self.shown(done.observation), *_judged(step), info

    def _step_with_resets(
        self, actions: NDArray[Any]
    ) -> tuple[Observation, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        reset, acting = self._ended, ~self._ended
        given = action_rows(actions, self.single_action_space, self.num_envs)
        idle = reset.reshape(-1, *(1,) * (given.ndim - 1))
        nothing = given.dtype.type(getattr(self.single_action_space, "start", 0))
        step = self.loop.step(np.where(idle, nothing, given), acting)
        verdict = step.verdict
        self._begin(self._keys.next(reset), reset)
        self._ended = (verdict.terminated | verdict.truncated) & acting
        reward = np.where(acting, verdict.reward, 0.0)
        ended = verdict.terminated & acting, verdict.truncated & acting
        return self.shown(self.loop.observation()), reward, *ended, _infos(step, acting, reset, self.loop.costs())


def checked_autoreset(mode: object) -> AutoresetMode:
    """Return one of Gymnasium's autoreset modes; raise ValueError, which names them, for what is none."""
    try:
        return AutoresetMode(mode)
    except ValueError:
        names = " or ".join(repr(each.value) for each in AutoresetMode)
        raise ValueError(f"autoreset_mode is {mode!r}; choose {names}") from None


def _last_observations(observation: Any, ended: BoolArray) -> NDArray[Any]:
    """Return each ended episode's last observation as Gymnasium's own vectors do: (n,) objects, None elsewhere."""
    last = np.full(len(ended), None, dtype=object)
    if not isinstance(observation, dict):
        for row in np.flatnonzero(ended).tolist():
            last[row] = observation[row]
        return last
    parts = list(observation.items())
    for row in np.flatnonzero(ended).tolist():
        last[row] = {name: values[row] for name, values in parts}
    return last


def _judged(step: LoopStep) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the rewards (n,), and which episodes terminated and which were truncated."""
    return step.verdict.reward, step.verdict.terminated, step.verdict.truncated


def _infos(
    step: LoopStep, acted: BoolArray, begun: BoolArray | None = None, first: dict[str, NDArray[Any]] | None = None
) -> dict[str, Any]:
    """Return Gymnasium's form of info: a step's for the rows that ``acted``, a reset's for those that have begun."""
    values = {"limited": step.limited, "is_success": step.verdict.is_success, **step.verdict.metrics}
    if begun is None or first is None:
        return _masked({"cost": step.costs, **values}, acted)
    costs = {name: np.where(begun, first[name], spent) for name, spent in step.costs.items()}
    return {**_masked({"cost": costs}, acted | begun), **_masked(values, acted)}


def _masked(values: dict[str, Any], mask: BoolArray) -> dict[str, Any]:
    """Put masks ``_name`` (n,) beside named arrays (n, ...): where they are False the values mean nothing."""
    info: dict[str, Any] = {}
    for name, value in values.items():
        info[name] = _masked(value, mask) if isinstance(value, dict) else value.copy()
        info[f"_{name}"] = mask.copy()
    return info
