"""The one loop over a task and an instrument: batched, no autoreset, reset by mask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.loop.history import History, checked_history
from beamgym.envs.task import (
    Advises,
    ChoosesStarts,
    Observation,
    State,
    Task,
    TaskCommand,
    Truth,
    Verdict,
    finite_action,
)
from beamgym.physics.instrument import BoolArray, Frame, Instrument, MoveReport, PlaceableWorld, World

NextKeys = Callable[[BoolArray, slice], NDArray[np.uint64]]
"""Gives some rows' next keys, and counts one on where an episode has ended."""


@dataclass(frozen=True)
class LoopStep:
    """One step of n episodes: what an environment returns, all with the batch dimension first."""

    observation: Observation
    verdict: Verdict
    costs: dict[str, NDArray[Any]]
    limited: BoolArray


@dataclass(frozen=True)
class RenewedStep:
    """One step of n episodes, of which those that ended have begun anew.

    Parameters
    ----------
    step : with the last observation of those that ended
    ended : (n,)
    observation : the present one, the first of those that have begun
    costs : of the first exposure of those that have begun
    """

    step: LoopStep
    ended: BoolArray
    observation: Observation
    costs: dict[str, NDArray[Any]]


class EpisodeLoop(Generic[State]):
    """Runs a task on an instrument.

    Parameters
    ----------
    task : the rules
    instrument : a World (simulated, any n) or a real instrument (n = 1; reset exposes in place and never moves)
    history : last observations that are shown together, with the actions between them; see :class:`History`
    """

    def __init__(self, task: Task[State], instrument: Instrument, history: int = 1) -> None:
        self.task = task
        self.history = history
        self._history: History | None = None
        if checked_history(history) > 1:
            self._history = History(task.observation_space, task.action_space, history, instrument.n)
        self.instrument = instrument
        self.state: State | None = None
        self.frame: Frame | None = None
        self._world = instrument if isinstance(instrument, World) else None

    @property
    def observation_space(self) -> spaces.Dict:
        """Space of the observation of one episode."""
        return self.task.observation_space if self._history is None else self._history.space

    @property
    def simulated(self) -> bool:
        """Whether the instrument is a World, which can be reset and knows the truth."""
        return self._world is not None

    @property
    def contexts(self) -> tuple[Any, ...]:
        """What everybody at each sample's instrument knows at present: n times the same, unless crystals are drawn."""
        one = getattr(self.task, "context", getattr(self.instrument, "context", None))
        each: tuple[Any, ...] = getattr(self.task, "contexts", (one,) * self.instrument.n)
        return each

    def of(self, sample: int) -> tuple["EpisodeLoop[State]", int]:
        """Return the loop that runs a sample, and the sample's row there."""
        return self, sample

    def reset(
        self,
        keys: NDArray[np.uint64],
        mask: BoolArray,
        start: Mapping[str, Any] | None = None,
        seeded: BoolArray | None = None,
    ) -> None:
        """Begin new episodes where ``mask`` (n,) is True, with the first exposure.

        Parameters
        ----------
        keys : (n,) from which a World draws its samples
        mask : (n,) rows that begin anew
        start : where sample and motors are to begin, for a World that takes it
        seeded : (n,) rows that were given a seed: they have no episodes before them

        Raises
        ------
        ValueError : for a start that the instrument does not take, or cannot stand at; nothing has changed then
        """
        past = self._past(mask, seeded)
        told = {**self._starts(past, mask), **(start or {})}
        if told:
            self._placeable(told).reset(keys, mask, **told)
        elif self._world is not None:
            self._world.reset(keys, mask)
        self.frame = self.instrument.acquire(self.task.settings, mask)
        self.state = self.task.start(past, self.instrument.positions(), self.frame, mask, self._truth())
        if start and isinstance(self.task, ChoosesStarts):
            self.state = self.task.given(self.state, mask, start)
        if self._history is not None:
            self._history.begin(self.task.observe(self.state), mask)

    def observation(self) -> Observation:
        """Return the present observation as fresh arrays."""
        state = self._running()
        return self.task.observe(state) if self._history is None else self._history.shown()

    def costs(self) -> dict[str, NDArray[Any]]:
        """Return the costs of the last step (or of the first exposure)."""
        return self.task.costs(self._running())

    def advice(self) -> dict[str, tuple[NDArray[Any], BoolArray]]:
        """Return the task's advice about the episodes just begun; see Advises."""
        return self.task.advice(self._running(), self._truth()) if isinstance(self.task, Advises) else {}

    def step(self, action: NDArray[Any], mask: BoolArray) -> LoopStep:
        """Act where ``mask`` (n,) is True.

        Parameters
        ----------
        action : (n, *action_space.shape)
        mask : (n,) rows that act; the others keep their state, and their results are to be ignored
        """
        state = self._running()
        chosen = finite_action(action, self.task.action_space, self.instrument.n)
        command = self.task.target(state, chosen)
        moving = mask & command.moves
        exposes = command.exposes if self.simulated and command.exposes is not None else command.moves
        report, self.frame = self._expose(command, moving, moving & exposes)
        state = self.task.advance(state, command, report, self.frame, mask)
        self.state, verdict = self.task.judge(state, self._truth())
        if self._history is not None:
            self._history.add(chosen, self.task.observe(self.state), mask)
        return LoopStep(self.observation(), verdict, self.task.costs(self.state), command.limited)

    def step_and_renew(self, action: NDArray[Any], next_keys: NextKeys) -> RenewedStep:
        """Act everywhere, and begin the episodes that end anew.

        Parameters
        ----------
        action : (n, *action_space.shape)
        next_keys : (ended (n,), rows) → the keys (n,) of the episodes that follow
        """
        step = self.step(action, np.ones(self.instrument.n, dtype=np.bool_))
        ended = step.verdict.terminated | step.verdict.truncated
        if not ended.any():
            return RenewedStep(step, ended, step.observation, step.costs)
        self.reset(next_keys(ended, slice(None)), ended)
        return RenewedStep(step, ended, self.observation(), self.costs())

    def _expose(self, command: TaskCommand, moving: BoolArray, exposing: BoolArray) -> tuple[MoveReport, Frame]:
        if not moving.any() and self.frame is not None:
            return MoveReport(self.instrument.positions(), np.zeros(self.instrument.n)), self.frame
        report = self.instrument.move(command.target, moving)
        if not exposing.any() and self.frame is not None:
            return report, self.frame
        return report, self.instrument.acquire(command.settings(self.task.settings), exposing)

    def _past(self, mask: BoolArray, seeded: BoolArray | None) -> State | None:
        """Return the state before a reset, in which rows that were given a seed have no episodes before them."""
        if seeded is None or self.state is None or not isinstance(self.task, ChoosesStarts):
            return self.state
        past: State = self.task.anew(self.state, mask & seeded)
        return past

    def _starts(self, past: State | None, mask: BoolArray) -> dict[str, Any]:
        if self._world is None or not isinstance(self.task, ChoosesStarts):
            return {}
        return self.task.starts(past, mask)

    def _placeable(self, start: Mapping[str, Any]) -> PlaceableWorld:
        if self._world is None:
            raise ValueError("reset never moves a real instrument; move it by hand, then reset without options")
        known = self._world.start_options if isinstance(self._world, PlaceableWorld) else ()
        unknown = sorted(set(start) - set(known))
        if unknown or not isinstance(self._world, PlaceableWorld):
            raise ValueError(f"unknown reset option {', '.join(unknown)}; there are {', '.join(known) or 'none'}")
        return self._world

    def _truth(self) -> Truth | None:
        return None if self._world is None else self._world.truth()

    def _running(self) -> State:
        if self.state is None:
            raise ValueError("no episode is running; call reset() before step()")
        return self.state
