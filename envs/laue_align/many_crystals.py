"""LaueAlign with a crystal drawn anew for every episode: each sample has a task and an instrument of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from beamgym.envs.laue_align.context import AlignContext
from beamgym.envs.laue_align.task import AlignState, LaueAlignTask
from beamgym.envs.task import Observation, TaskCommand, Truth, Verdict
from beamgym.physics.counter_rng import make_keys, uniforms
from beamgym.physics.goniometer import motors
from beamgym.physics.instrument import (
    AcquireSettings,
    Axis,
    BoolArray,
    Float64Array,
    Frame,
    MoveReport,
    Peaks,
    UInt64Array,
)
from beamgym.physics.laue.simulator import SimulatedLaue

_STREAM_CRYSTAL = 10
_MOST_DRAWN = 2**20  # crystals of an endless stream that episodes draw from
_KEPT = 64  # crystals whose tasks are kept

Built = tuple[LaueAlignTask, SimulatedLaue]


@runtime_checkable
class CrystalStream(Protocol):
    """Crystals without end: number i is the same whenever it is asked for, as of ``physics.crystal.RandomCrystals``."""

    def __getitem__(self, index: int, /) -> Any:
        """Return crystal number ``index``, or what ``load_crystal`` takes."""
        ...


@dataclass(frozen=True)
class ManyState:
    """The TaskState: one AlignState (n = 1) for each sample."""

    rows: tuple[AlignState, ...]


class CrystalRows:
    """The tasks and worlds of n samples; a reset draws a sample's crystal from its key.

    Parameters
    ----------
    crystals : a sequence to draw from evenly, or a stream
    build : makes task and world (n = 1) of a crystal
    n : samples
    """

    def __init__(self, crystals: Sequence[Any] | CrystalStream, build: Callable[[Any], Built], n: int) -> None:
        self._crystals, self._build = crystals, build
        self._size = len(crystals) if isinstance(crystals, Sequence) else _MOST_DRAWN
        self._made = lru_cache(maxsize=_KEPT)(lambda index: build(crystals[index])[0])
        self.rows = [self._drawn(key) for key in make_keys(np.zeros(n, np.uint64))]

    @property
    def n(self) -> int:
        """Samples."""
        return len(self.rows)

    def draw(self, row: int, key: np.uint64) -> None:
        """Give a sample the crystal that its key stands for."""
        self.rows[row] = self._drawn(key)

    def _drawn(self, key: np.uint64) -> Built:
        index = int(self._size * uniforms(make_keys(key, 0, 0, _STREAM_CRYSTAL), 1)[0])
        task = self._made(index)
        return task, self._build(task.context.crystal)[1]


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
        self._frames: list[Frame | None] = [None] * self.n

    @property
    def context(self) -> Any:
        """Public knowledge of the first sample's instrument."""
        return self._rows.rows[0][1].context

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The goniometer's axes, the same for every crystal."""
        return self._rows.rows[0][1].axes

    def positions(self) -> Float64Array:
        """Return the readback of every axis, (n, k)."""
        return np.concatenate([world.positions() for _, world in self._rows.rows])

    def reset(
        self,
        keys: UInt64Array,
        mask: BoolArray,
        mount: ArrayLike | None = None,
        positions: ArrayLike | None = None,
    ) -> None:
        """Draw a crystal for each masked sample and mount it; otherwise as ``SimulatedLaue.reset``."""
        before = list(self._rows.rows)
        try:
            for i in np.flatnonzero(mask):
                self._rows.draw(int(i), keys[i])
                start = {"mount": _row_of(mount, int(i), 3), "positions": _row_of(positions, int(i), 2)}
                self._rows.rows[i][1].reset(keys[i : i + 1], _ONE, **start)
        except ValueError:
            self._rows.rows[:] = before
            raise

    def move(self, target: Float64Array, mask: BoolArray) -> MoveReport:
        """Move to absolute positions (n, k) where ``mask`` is True; raises MoveFailed outside the limits."""
        motors.check_target(self.axes, target, mask)
        parts = [world.move(target[i : i + 1], mask[i : i + 1]) for i, (_, world) in enumerate(self._rows.rows)]
        return MoveReport(
            np.concatenate([part.readback for part in parts]), np.concatenate([part.duration_s for part in parts])
        )

    def acquire(self, settings: AcquireSettings, mask: BoolArray) -> Frame:
        """Expose where ``mask`` is True; the other rows repeat their last frame."""
        for i, (_, world) in enumerate(self._rows.rows):
            if mask[i] or self._frames[i] is None:
                self._frames[i] = world.acquire(settings, mask[i : i + 1])
        parts = [frame for frame in self._frames if frame is not None]
        self._counter += mask
        first = parts[0]
        return Frame(
            np.concatenate([part.exposure_s for part in parts]),
            self._counter.copy(),
            np.concatenate([part.time_s for part in parts]),
            None if first.image is None else np.concatenate([_image(part) for part in parts]),
            None if first.found is None else _joined([part.peaks() for part in parts]),
            first.finder,
        )

    def truth(self) -> Mapping[str, NDArray[Any]]:
        """Return what ``SimulatedLaue.truth`` does."""
        parts = [world.truth() for _, world in self._rows.rows]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class ManyCrystalTask:
    """LaueAlign's rules for n samples with a crystal each: every call is made row by row.

    Parameters
    ----------
    rows : shared with the world
    """

    def __init__(self, rows: CrystalRows) -> None:
        self._rows = rows
        first = rows.rows[0][0]
        self.observation_space: spaces.Dict = first.observation_space
        self.action_space: spaces.Box = first.action_space
        self.settings = first.settings

    @property
    def context(self) -> AlignContext:
        """Public knowledge of the first sample: of the present crystal, where there is one sample."""
        return self._rows.rows[0][0].context

    @property
    def contexts(self) -> tuple[AlignContext, ...]:
        """Public knowledge of each sample, of the crystals of the present episodes."""
        return tuple(task.context for task, _ in self._rows.rows)

    def alone(self, state: ManyState, frame: Frame, row: int) -> "OneSample":
        """Return one sample as an episode loop of its own, to be looked at."""
        task, world = self._rows.rows[row]
        return OneSample(task, world, state.rows[row], _row(frame, row))

    def start(
        self,
        previous: ManyState | None,
        positions: Float64Array,
        frame: Frame,
        mask: BoolArray,
        truth: Truth | None = None,
    ) -> ManyState:
        """Begin with the first exposure; see Task.start."""
        rows = []
        for i, (task, _) in enumerate(self._rows.rows):
            before = None if previous is None or mask[i] else previous.rows[i]
            rows.append(task.start(before, positions[i : i + 1], _row(frame, i), mask[i : i + 1], _rows(truth, i)))
        return ManyState(tuple(rows))

    def target(self, state: ManyState, action: NDArray[Any]) -> TaskCommand:
        """Turn an action into positions that the axes can reach; see Task.target."""
        parts = [
            task.target(one, action[i : i + 1])
            for i, ((task, _), one) in enumerate(zip(self._rows.rows, state.rows, strict=True))
        ]
        names = TaskCommand.__dataclass_fields__
        return TaskCommand(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def advance(
        self, state: ManyState, command: TaskCommand, report: MoveReport, frame: Frame, mask: BoolArray
    ) -> ManyState:
        """Update the state by a move and its frame; see Task.advance."""
        rows = []
        for i, ((task, _), one) in enumerate(zip(self._rows.rows, state.rows, strict=True)):
            own = TaskCommand(*(getattr(command, name)[i : i + 1] for name in TaskCommand.__dataclass_fields__))
            moved = MoveReport(report.readback[i : i + 1], report.duration_s[i : i + 1])
            rows.append(task.advance(one, own, moved, _row(frame, i), mask[i : i + 1]))
        return replace(state, rows=tuple(rows))

    def observe(self, state: ManyState) -> Observation:
        """Return the observation, as fresh arrays."""
        parts = [task.observe(one) for (task, _), one in zip(self._rows.rows, state.rows, strict=True)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def judge(self, state: ManyState, truth: Truth | None = None) -> tuple[ManyState, Verdict]:
        """Return reward, end and success of the last step; see Task.judge."""
        parts = [
            task.judge(one, _rows(truth, i))
            for i, ((task, _), one) in enumerate(zip(self._rows.rows, state.rows, strict=True))
        ]
        verdicts = [verdict for _, verdict in parts]

        def together(values: Callable[[Verdict], NDArray[Any]]) -> NDArray[Any]:
            return np.concatenate([values(verdict) for verdict in verdicts])

        verdict = Verdict(
            together(lambda one: one.reward),
            together(lambda one: one.terminated),
            together(lambda one: one.truncated),
            together(lambda one: one.is_success),
            {name: together(lambda one, name=name: one.metrics[name]) for name in verdicts[0].metrics},  # type: ignore[misc]
        )
        return ManyState(tuple(one for one, _ in parts)), verdict

    def advice(self, state: ManyState, truth: Truth | None = None) -> dict[str, tuple[NDArray[Any], BoolArray]]:
        """Return the remounting rotation of crystals from whose mount no goal can be reached; see Advises."""
        given: dict[str, tuple[NDArray[Any], BoolArray]] = {}
        for i, ((task, _), one) in enumerate(zip(self._rows.rows, state.rows, strict=True)):
            for name, (values, _concerned) in task.advice(one, _rows(truth, i)).items():
                kept = given.setdefault(
                    name, (np.zeros((self._rows.n, *values.shape[1:])), np.zeros(self._rows.n, np.bool_))
                )
                kept[0][i], kept[1][i] = values[0], True
        return given

    def costs(self, state: ManyState) -> dict[str, NDArray[Any]]:
        """Return the last step's costs; see Task.costs."""
        parts = [task.costs(one) for (task, _), one in zip(self._rows.rows, state.rows, strict=True)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@dataclass(frozen=True)
class OneSample:
    """One of many samples as a picture is drawn of it: what an episode loop has."""

    task: LaueAlignTask
    instrument: SimulatedLaue
    state: AlignState
    frame: Frame


_ONE = np.ones(1, dtype=np.bool_)


def _row_of(values: ArrayLike | None, row: int, dimensions: int) -> ArrayLike | None:
    """Return a sample's own start, where one a sample is given."""
    if values is None:
        return None
    array = np.asarray(values)
    return array[row] if array.ndim == dimensions else array


def _rows(truth: Truth | None, row: int) -> Truth | None:
    return None if truth is None else {name: values[row : row + 1] for name, values in truth.items()}


def _row(frame: Frame, row: int) -> Frame:
    own = slice(row, row + 1)
    found = frame.found
    peaks = (
        None
        if found is None
        else Peaks(found.position_px[own], found.intensity[own], found.count[own], found.saturated[own])
    )
    image = None if frame.image is None else frame.image[own]
    return Frame(frame.exposure_s[own], frame.counter[own], frame.time_s[own], image, peaks, frame.finder)


def _joined(parts: Sequence[Peaks]) -> Peaks:
    names = Peaks.__dataclass_fields__
    return Peaks(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _image(frame: Frame) -> NDArray[Any]:
    assert frame.image is not None
    return frame.image
