"""The protocol of a task: pure functions from frames and actions to observations and rewards."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.physics.instrument import AcquireSettings, Axis, BoolArray, Float64Array, Frame, MoveReport

Observation = dict[str, NDArray[Any]]
Truth = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class TaskCommand:
    """What a task asks of the instrument for one step of n episodes.

    Parameters
    ----------
    target : (n, k) absolute positions
    moves : (n,) move and expose; False where the agent declares or the budget is spent
    declare : (n,) the agent says it is done: nothing moves, nothing is exposed, the pose held is judged
    limited : (n,) the move was shortened because it would have left the axes' range
    exposes : (n,) of those that move, which expose; None for all. A real instrument takes a frame all the same
    exposure_s : (n,) seconds of each exposure; None for those of the task's settings
    """

    target: Float64Array
    moves: BoolArray
    declare: BoolArray
    limited: BoolArray
    exposes: BoolArray | None = None
    exposure_s: Float64Array | None = None

    def settings(self, usual: AcquireSettings) -> AcquireSettings:
        """Return how to expose: as usual, but for as long as the command says, where it says so."""
        return usual if self.exposure_s is None else replace(usual, exposure_s=self.exposure_s)


@dataclass(frozen=True)
class Verdict:
    """Reward, end and success of a step.

    Parameters
    ----------
    reward : (n,)
    terminated : (n,) the episode ended by declaration (or by the truth, where the task stops so)
    truncated : (n,) the budget is spent
    is_success : (n,)
    metrics : (n,) arrays for study, such as the true misorientation; empty where there is no truth
    """

    reward: Float64Array
    terminated: BoolArray
    truncated: BoolArray
    is_success: BoolArray
    metrics: Mapping[str, NDArray[Any]]


@runtime_checkable
class Context(Protocol):
    """The public side of a task: what everybody at the instrument knows, whatever its kind."""

    @property
    def instrument_axes(self) -> tuple[Axis, ...]:
        """The axes that actions move or set, in the instrument's order."""
        ...

    @property
    def sample(self) -> str:
        """Name of what stands in the beam, for documents and tables; "" where it has none."""
        ...

    @property
    def action_size(self) -> int:
        """Numbers of an action; the last declares above 0."""
        ...


State = TypeVar("State")


class Task(Protocol[State]):
    """The rules of episodes on an instrument; pure functions, batch-first, without clock, I/O or hidden state.

    ``State`` is the task's own TaskState: history, remaining budget, goal, potential. It goes in and comes back.
    """

    @property
    def observation_space(self) -> spaces.Dict:
        """Space of the observation of one episode."""
        ...

    @property
    def action_space(self) -> spaces.Box:
        """Space of the action of one episode; a Discrete, which typing leaves out, where actions are choices."""
        ...

    @property
    def settings(self) -> AcquireSettings:
        """Exposure settings of every frame."""
        ...

    def start(
        self, previous: State | None, positions: Float64Array, frame: Frame, mask: BoolArray, truth: Truth | None = None
    ) -> State:
        """Begin an episode, where ``mask`` is True, with its first exposure."""
        ...

    def target(self, state: State, action: NDArray[Any]) -> TaskCommand:
        """Turn an action (n, ...) within its space into absolute motor targets that the axes can reach."""
        ...

    def advance(self, state: State, command: TaskCommand, report: MoveReport, frame: Frame, mask: BoolArray) -> State:
        """Update the state by a move and its frame, where ``mask`` is True."""
        ...

    def observe(self, state: State) -> Observation:
        """Return the observation, which holds what a person at the instrument has, as fresh arrays, batch first."""
        ...

    def judge(self, state: State, truth: Truth | None = None) -> tuple[State, Verdict]:
        """Return the reward and the end of the last step, by the truth where there is one."""
        ...

    def costs(self, state: State) -> dict[str, NDArray[Any]]:
        """Return the costs of the last step: exposures, motor_s, exposure_s, dose, each (n,)."""
        ...


@runtime_checkable
class Advises(Protocol):
    """A task that gives advice at the start of an episode, beside its costs."""

    def advice(self, state: Any, truth: Truth | None = None) -> dict[str, tuple[NDArray[Any], BoolArray]]:
        """Return named values (n, ...), each with the rows (n,) it concerns; those that concern none are left out."""
        ...


@runtime_checkable
class HasGoals(Protocol):
    """A task whose reward is one of goals alone: of what was reached, and of what is asked."""

    def goal_reward(self, achieved: Any, desired: Any) -> Float64Array:
        """Return what a step pays that reaches one goal (n, ...) while another (n, ...) is asked, (n,)."""
        ...


@runtime_checkable
class ChoosesStarts(Protocol):
    """A task that says where episodes are to begin, by how those before them ended."""

    def starts(self, state: Any, mask: BoolArray) -> dict[str, NDArray[Any]]:
        """Return, for the world's reset, where the next episodes of some rows (n,) are to begin; ``state`` may be None.

        What it returns depends on nothing but the state; nothing where starts are drawn as ever.
        """
        ...

    def anew(self, state: Any, rows: BoolArray) -> Any:
        """Return the state in which some rows (n,) have no episodes before them: they were given a seed."""
        ...

    def given(self, state: Any, rows: BoolArray, start: Mapping[str, Any]) -> Any:
        """Return the state after a reset that said itself where the episodes of some rows (n,) begin."""
        ...


def action_rows(action: Any, space: spaces.Space[Any], n: int) -> NDArray[Any]:
    """Return a batch of actions as an array, of which kind and shape are checked and nothing else.

    Parameters
    ----------
    action : (n, *space.shape)
    space : of one action, a Box or a Discrete

    Raises
    ------
    TypeError : when it is no array of real numbers
    ValueError : when the shape is another, or a Discrete is given anything but whole numbers
    """
    given = _numbers(action)
    if isinstance(space, spaces.Discrete):
        if given.shape != (n,) or given.dtype.kind not in "iu":
            raise ValueError(f"the action is {given.tolist()}; expected {n} whole numbers, one per environment")
    elif given.shape != (n, *(space.shape or ())):
        if n == 1 and len(given) == 1:
            raise ValueError(f"the action has shape {given.shape[1:]}; expected {space.shape}")
        raise ValueError(
            f"the action has shape {given.shape}; expected {(n, *(space.shape or ()))}: one row per environment"
        )
    return given


def finite_action(action: Any, space: spaces.Space[Any], n: int) -> NDArray[Any]:
    """Check a batch of actions and clip it to a Box.

    Parameters
    ----------
    action : (n, *space.shape)
    space : of one action, a Box or a Discrete

    Returns
    -------
    (n, *space.shape) float64 within the Box, or (n,) int64 of a Discrete

    Raises
    ------
    TypeError, ValueError : as :func:`action_rows`; a number that is not finite, or a choice that there is not
    """
    given = action_rows(action, space, n)
    if isinstance(space, spaces.Discrete):
        first, last = int(space.start), int(space.start + space.n) - 1
        if n and not (first <= given.min() and given.max() <= last):
            raise ValueError(f"the action is {given.tolist()}; choose {first} to {last}")
        return given.astype(np.int64)
    assert isinstance(space, spaces.Box)
    values = np.asarray(given, dtype=np.float64)
    if not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0, 0])
        raise ValueError(f"row {row} of the action is {values[row].tolist()}; every number must be finite, not NaN")
    return np.clip(values, space.low, space.high)


def _numbers(action: Any) -> NDArray[Any]:
    """Return an action as an array; numpy would read strings as numbers, and drop what is imaginary."""
    if isinstance(action, Mapping):
        raise TypeError(f"the action is a {type(action).__name__}; give one array, a row per environment")
    try:
        given = np.asarray(action)
    except ValueError:
        raise ValueError("the rows of the action differ in length; give one array, a row per environment") from None
    if given.dtype.kind not in "biuf":
        kinds = {"c": "complex numbers", "U": "strings", "S": "bytes", "O": "objects"}
        raise TypeError(f"the action holds {kinds.get(given.dtype.kind, given.dtype)}; give an array of real numbers")
    return given
