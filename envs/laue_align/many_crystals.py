"""LaueAlign with a crystal drawn anew for every episode: samples of one crystal are moved and exposed together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from beamgym.envs.laue_align.context import AlignContext
from beamgym.envs.laue_align.crystal_rows import CrystalRows, SampleView, spread
from beamgym.envs.laue_align.sighted_task import SightedTask
from beamgym.envs.laue_align.task import AlignState, LaueAlignTask
from beamgym.envs.loop import blank_rows, put_rows, take_rows
from beamgym.envs.task import Observation, TaskCommand, Truth, Verdict
from beamgym.physics.arrays import Int64Array
from beamgym.physics.goniometer import motors
from beamgym.physics.instrument import (
    AcquireSettings,
    Axis,
    BoolArray,
    Float64Array,
    Frame,
    MoveReport,
    UInt64Array,
)
from beamgym.physics.laue.simulator import SimulatedLaue
from beamgym.physics.orientation import check_rotation

Batch = TypeVar("Batch")

_WITHIN = "start_within_deg"

_MOST_GOALS = 24  # rotations of a cubic crystal, the most that a pose has equivalents


class ManyCrystalWorld:
    """n simulated instruments with a crystal each, as one World.

    Parameters
    ----------
    rows : shared with the task
    """

    start_options = SimulatedLaue.start_options

    def __init__(self, rows: CrystalRows) -> None:
        self._rows, self.n = rows, rows.n
        self._counter = np.zeros(self.n, np.int64)
        self._frame: Frame | None = None

    @property
    def context(self) -> Any:
        """Public knowledge of the first sample's instrument."""
        return self._rows.at(0)[0].world.context

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The goniometer's axes, the same for every crystal."""
        return self._rows.at(0)[0].world.axes

    def positions(self) -> Float64Array:
        """Return the readback of every axis, (n, k)."""
        positions = np.empty((self.n, len(self.axes)))
        for block, places, rows in self._rows.blocks():
            positions[rows] = block.world.positions()[places]
        return positions

    def reset(
        self,
        keys: UInt64Array,
        mask: BoolArray,
        mount: ArrayLike | None = None,
        positions: ArrayLike | None = None,
        start_within_deg: ArrayLike | None = None,
    ) -> None:
        """Draw a crystal for each masked sample and mount it; otherwise as ``SimulatedLaue.reset``."""
        mounts = self._for_each(None if mount is None else check_rotation(mount, "mount"), (3, 3), "mount")
        goniometer = self.context.goniometer
        begin = self._for_each(
            None if positions is None else goniometer.check_positions(positions), (len(self.axes),), "positions"
        )
        within = self._for_each(None if start_within_deg is None else np.asarray(start_within_deg), (), _WITHIN)
        for angle in () if within is None else np.unique(within):
            self._rows.at(0)[0].world.check_distances(angle)
        chosen = np.flatnonzero(mask)
        self._rows.put(chosen, self._rows.drawn(keys[chosen]))
        for block, places, rows in self._rows.blocks():
            fresh = mask[rows]
            if fresh.any():
                n, own = block.world.n, places[fresh]
                start = {
                    "mount": None if mounts is None else spread(n, places, mounts[rows], np.eye(3)),
                    "positions": None if begin is None else spread(n, places, begin[rows], goniometer.home()),
                    _WITHIN: None if within is None else spread(n, places, within[rows], np.inf),
                }
                block.world.reset(spread(n, own, keys[rows[fresh]]), spread(n, own, True), **start)

    def move(self, target: Float64Array, mask: BoolArray) -> MoveReport:
        """Move to absolute positions (n, k) where ``mask`` is True; raises MoveFailed outside the limits."""
        motors.check_target(self.axes, target, mask)
        readback, duration_s = np.empty((self.n, len(self.axes))), np.zeros(self.n)
        for block, places, rows in self._rows.blocks():
            n = block.world.n
            report = block.world.move(spread(n, places, target[rows]), spread(n, places, mask[rows]))
            readback[rows], duration_s[rows] = report.readback[places], report.duration_s[places]
        return MoveReport(readback, duration_s)

    def acquire(self, settings: AcquireSettings, mask: BoolArray) -> Frame:
        """Expose where ``mask`` is True; the other rows repeat their last frame."""
        frame, wanted = self._frame, mask if self._frame is not None else np.ones(self.n, np.bool_)
        for block, places, rows in self._rows.blocks():
            asked = wanted[rows]
            if asked.any():
                part = block.world.acquire(settings, spread(block.world.n, places, mask[rows]))
                blank = frame if frame is not None else blank_rows(part, self.n)
                frame = put_rows(blank, rows[asked], take_rows(part, places[asked]))
        assert frame is not None
        self._counter += mask
        self._frame = replace(frame, counter=self._counter.copy())
        return self._frame

    def truth(self) -> Mapping[str, NDArray[Any]]:
        """Return what ``SimulatedLaue.truth`` does."""
        known: dict[str, NDArray[Any]] = {}
        for block, places, rows in self._rows.blocks():
            for name, values in block.world.truth().items():
                whole = known.setdefault(name, np.empty((self.n, *values.shape[1:]), values.dtype))
                whole[rows] = values[places]
        return known

    def _for_each(self, given: Float64Array | None, shape: tuple[int, ...], name: str) -> Float64Array | None:
        """Return a start for each sample, (n, …), of one or of one for each."""
        if given is None:
            return None
        if given.shape not in (shape, (self.n, *shape)):
            raise ValueError(f"{name} has shape {given.shape}; give {shape}, or one a sample, {(self.n, *shape)}")
        return np.broadcast_to(given, (self.n, *shape))


class ManyCrystalTask:
    """LaueAlign's rules for n samples with a crystal each.

    What crystals have in common is done for all samples at once, by the task of the first; goals and errors are asked
    of each crystal's own task, and what is known of how a crystal stands with them.

    Parameters
    ----------
    rows : shared with the world
    """

    def __init__(self, rows: CrystalRows) -> None:
        self._rows = rows
        first = self._first
        self.observation_space: spaces.Dict = first.observation_space
        self.action_space: spaces.Box = first.action_space
        self.settings = first.settings
        self._sighted = isinstance(first, SightedTask)

    @property
    def context(self) -> AlignContext:
        """Public knowledge of the first sample: of the present crystal, where there is one sample."""
        return self._first.context

    @property
    def contexts(self) -> tuple[AlignContext, ...]:
        """Public knowledge of each sample, of the crystals of the present episodes."""
        return tuple(self._rows.task(i).context for i in range(self._rows.n))

    @property
    def _first(self) -> LaueAlignTask:
        return self._rows.task(0)

    def alone(self, state: AlignState, frame: Frame, row: int) -> "OneSample":
        """Return one sample as an episode loop of its own, to be looked at."""
        (block, place), rows = self._rows.at(row), np.array([row])
        view = SampleView(block.world, place)
        return OneSample(block.task, view, _own(state, rows, block.task), take_rows(frame, rows))

    def start(
        self,
        previous: AlignState | None,
        positions: Float64Array,
        frame: Frame,
        mask: BoolArray,
        truth: Truth | None = None,
    ) -> AlignState:
        """Begin with the first exposure; see Task.start."""
        state, growth = previous, self._first.grown(previous, mask)
        for task, rows in self._by_crystal(mask):
            exposed = np.ones(len(rows), np.bool_)
            begun = task.start(None, positions[rows], take_rows(frame, rows), exposed, _truth(truth, rows))
            state = _put(state if state is not None else blank_rows(begun, len(mask)), rows, begun)
        if state is None:
            raise ValueError("reset_mask is False everywhere; the first reset begins at least one episode")
        return replace(state, frame=frame, exposed=mask.copy(), growth=growth)

    def starts(self, state: AlignState | None, mask: BoolArray) -> dict[str, NDArray[Any]]:
        """Return where the episodes of some rows are to begin; see ChoosesStarts."""
        return self._first.starts(state, mask)

    def anew(self, state: AlignState, rows: BoolArray) -> AlignState:
        """Return the state with the curriculum of some rows at its beginning; see ChoosesStarts."""
        return self._first.anew(state, rows)

    def given(self, state: AlignState, rows: BoolArray, start: Mapping[str, Any]) -> AlignState:
        """Return the state with some rows (n,) begun where a reset said; see ChoosesStarts."""
        return self._first.given(state, rows, start)

    def target(self, state: AlignState, action: NDArray[Any]) -> TaskCommand:
        """Turn an action into positions that the axes can reach; see Task.target."""
        if not self._sighted:
            return self._first.target(state, action)
        parts = ((rows, task.target(_own(state, rows, task), action[rows])) for task, rows in self._by_crystal())
        return _joined(parts, len(state.used))

    def advance(
        self, state: AlignState, command: TaskCommand, report: MoveReport, frame: Frame, mask: BoolArray
    ) -> AlignState:
        """Update the state by a move and its frame; see Task.advance."""
        if not self._sighted:
            return self._first.advance(state, command, report, frame, mask)
        after = state
        for task, rows in self._by_crystal():
            own = _own(state, rows, task), take_rows(command, rows), take_rows(report, rows), take_rows(frame, rows)
            after = _put(after, rows, task.advance(*own, mask[rows]))
        return replace(after, frame=frame)

    def observe(self, state: AlignState) -> Observation:
        """Return the observation, as fresh arrays."""
        if self._sighted:
            parts = ((rows, task.observe(_own(state, rows, task))) for task, rows in self._by_crystal())
            return _joined(parts, len(state.used))
        seen = self._first.observe(state)
        for task, rows in self._by_crystal():
            seen["expected"][rows], seen["target"][rows] = task.expected, task.goal_row
        return seen

    def judge(self, state: AlignState, truth: Truth | None = None) -> tuple[AlignState, Verdict]:
        """Return reward, end and success of the last step; see Task.judge."""
        judged, verdicts = state, list[tuple[Int64Array, Verdict]]()
        for task, rows in self._by_crystal():
            after, own = task.judge(_own(state, rows, task), _truth(truth, rows))
            judged = _put(judged, rows, after)
            verdicts.append((rows, own))
        return judged, _joined(verdicts, len(state.used))

    def advice(self, state: AlignState, truth: Truth | None = None) -> dict[str, tuple[NDArray[Any], BoolArray]]:
        """Return the remounting rotation of crystals from whose mount no goal can be reached; see Advises."""
        given: dict[str, tuple[NDArray[Any], BoolArray]] = {}
        n = len(state.used)
        for task, rows in self._by_crystal():
            for name, (values, concerned) in task.advice(_own(state, rows, task), _truth(truth, rows)).items():
                whole = given.setdefault(name, (np.zeros((n, *values.shape[1:])), np.zeros(n, np.bool_)))
                whole[0][rows[concerned]], whole[1][rows[concerned]] = values[concerned], True
        return given

    def costs(self, state: AlignState) -> dict[str, NDArray[Any]]:
        """Return the last step's costs; see Task.costs."""
        return self._first.costs(state)

    def _by_crystal(self, mask: BoolArray | None = None) -> list[tuple[LaueAlignTask, Int64Array]]:
        """Return each crystal's task with its rows, of those where ``mask`` is True."""
        found: dict[int, tuple[LaueAlignTask, list[Int64Array]]] = {}
        for block, _, rows in self._rows.blocks():
            found.setdefault(block.crystal, (block.task, []))[1].append(rows if mask is None else rows[mask[rows]])
        each = ((task, np.sort(np.concatenate(parts))) for task, parts in found.values())
        return [(task, rows) for task, rows in each if len(rows)]


@dataclass(frozen=True)
class OneSample:
    """One of many samples as a picture is drawn of it: what an episode loop has."""

    task: LaueAlignTask
    instrument: SampleView
    state: AlignState
    frame: Frame


def _joined(parts: Iterable[tuple[Int64Array, Batch]], n: int) -> Batch:
    """Return a batch of n rows whose rows the parts are."""
    whole: Batch | None = None
    for rows, part in parts:
        whole = put_rows(whole if whole is not None else blank_rows(part, n), rows, part)
    assert whole is not None
    return whole


def _truth(truth: Truth | None, rows: Int64Array) -> Truth | None:
    return None if truth is None else {name: values[rows] for name, values in truth.items()}


def _own(state: AlignState, rows: Int64Array, task: LaueAlignTask) -> AlignState:
    """Return some rows of the state, with as many goals as their crystal has."""
    own = take_rows(state, rows)
    return own if own.goals is None else replace(own, goals=own.goals[:, : task.context.target.size])


def _put(whole: AlignState, rows: Int64Array, part: AlignState) -> AlignState:
    """Put the rows of one crystal into the state, but for the frame; goals that it does not have cannot be reached."""
    names = [item.name for item in fields(whole) if item.name not in ("frame", "goals", "seen")]
    before, after = ({name: getattr(state, name) for name in names} for state in (whole, part))
    goals = None
    if whole.goals is not None and part.goals is not None:
        wide = max(_MOST_GOALS, whole.goals.shape[1], part.goals.shape[1])
        goals = put_rows(_widened(whole.goals, wide), rows, _widened(part.goals, wide))
    changed: dict[str, Any] = {"goals": goals, **put_rows(before, rows, after)}
    return replace(whole, **changed)


def _widened(goals: BoolArray, wide: int) -> BoolArray:
    return np.pad(goals, ((0, 0), (0, wide - goals.shape[1])))
