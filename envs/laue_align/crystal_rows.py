"""Which crystal each of n samples has, and the simulated instruments on which samples of one crystal lie together."""

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.laue_align.task import LaueAlignTask
from beamgym.physics.arrays import Int64Array
from beamgym.physics.counter_rng import make_keys, uniforms
from beamgym.physics.instrument import AcquireSettings, Axis, BoolArray, Float64Array, Frame, MoveReport, UInt64Array
from beamgym.physics.laue.simulator import SimulatedLaue

_STREAM_CRYSTAL = 10
_MOST_DRAWN = 2**20  # crystals of an endless stream that episodes draw from
_KEPT = 64  # crystals whose tasks are kept, and empty blocks
_ROOM = 1.5  # samples of a block over those that a crystal has on average

Build = Callable[[Any, int], tuple[LaueAlignTask, SimulatedLaue]]
"""Makes the task of a crystal and its world of so many samples."""


@runtime_checkable
class CrystalStream(Protocol):
    """Crystals without end: number i is the same whenever it is asked for, as of ``physics.crystal.RandomCrystals``."""

    def __getitem__(self, index: int, /) -> Any:
        """Return crystal number ``index``, or what ``load_crystal`` takes."""
        ...


@dataclass(eq=False)
class Block:
    """Samples of one crystal on one world.

    Parameters
    ----------
    crystal : its number
    task, world : of that crystal
    rows : (m,) which sample lies in each place of the world, or −1
    """

    crystal: int
    task: LaueAlignTask
    world: SimulatedLaue
    rows: Int64Array = field(init=False)

    def __post_init__(self) -> None:
        self.rows = np.full(self.world.n, -1)

    @property
    def taken(self) -> Int64Array:
        """Places with a sample."""
        return np.flatnonzero(self.rows >= 0)


class CrystalRows:
    """The crystals of n samples; a reset draws a sample's crystal from its key.

    Parameters
    ----------
    crystals : a sequence to draw from evenly, or a stream
    build : makes task and world of a crystal
    n : samples
    """

    def __init__(self, crystals: Sequence[Any] | CrystalStream, build: Build, n: int) -> None:
        self.n, self._build = n, build
        known = len(crystals) if isinstance(crystals, Sequence) else None
        self._size = known or _MOST_DRAWN
        self._capacity = 1 if known is None else min(n, math.ceil(_ROOM * n / known))
        self._crystals, self._tasks = crystals, OrderedDict[int, LaueAlignTask]()
        self._block: list[Block | None] = [None] * n
        self._place = np.zeros(n, np.int64)
        self._blocks: list[Block] = []
        self._empty: OrderedDict[Block, None] = OrderedDict()
        self.put(np.arange(n), self.drawn(make_keys(np.zeros(n, np.uint64))))

    def drawn(self, keys: UInt64Array) -> list[int]:
        """Return the numbers of the crystals that keys (m,) stand for; raises what making one of them raises."""
        numbers = [int(self._size * uniforms(make_keys(key, 0, 0, _STREAM_CRYSTAL), 1)[0]) for key in keys]
        for number in set(numbers):
            self._task(number)
        return numbers

    def put(self, rows: Int64Array, crystals: Sequence[int]) -> None:
        """Give samples (m,) crystals by their numbers, and a place in a block of each."""
        for row in rows.tolist():
            self._take_out(row)
        for row, crystal in zip(rows.tolist(), crystals, strict=True):
            block = self._with_room(crystal)
            place = int(np.flatnonzero(block.rows < 0)[0])
            block.rows[place], self._place[row], self._block[row] = row, place, block

    def at(self, row: int) -> tuple[Block, int]:
        """Return the block of a sample, and its place there."""
        block = self._block[row]
        assert block is not None
        return block, int(self._place[row])

    def task(self, row: int) -> LaueAlignTask:
        """Return the task of a sample's crystal."""
        return self.at(row)[0].task

    def blocks(self) -> Iterator[tuple[Block, Int64Array, Int64Array]]:
        """Yield every block that has samples, their places (m,) in it and their rows (m,)."""
        for block in self._blocks:
            places = block.taken
            if len(places):
                yield block, places, block.rows[places]

    def _task(self, index: int) -> LaueAlignTask:
        """Return a crystal's task, kept since it takes long to make; those not asked for longest are let go."""
        task = self._tasks.pop(index, None) or self._build(self._crystals[index], 1)[0]
        self._tasks[index] = task
        if len(self._tasks) > _KEPT:
            self._tasks.popitem(last=False)
        return task

    def _take_out(self, row: int) -> None:
        block = self._block[row]
        if block is None:
            return
        block.rows[self._place[row]], self._block[row] = -1, None
        if not len(block.taken):
            self._blocks.remove(block)
            self._empty[block] = None
            if len(self._empty) > _KEPT:
                self._empty.popitem(last=False)

    def _with_room(self, crystal: int) -> Block:
        for block in self._blocks:
            if block.crystal == crystal and (block.rows < 0).any():
                return block
        block = next((each for each in self._empty if each.crystal == crystal), None) or self._new(crystal)
        self._empty.pop(block, None)
        self._blocks.append(block)
        return block

    def _new(self, crystal: int) -> Block:
        task = self._task(crystal)
        return Block(crystal, task, self._build(task.context.crystal, self._capacity)[1])


def spread(n: int, places: Int64Array, values: Any, otherwise: Any = 0) -> NDArray[Any]:
    """Return (n, …) with values (m, …), or one for all, in some places, and something else in the others."""
    given = np.asarray(values)
    shape = given.shape[1:] if given.ndim else ()
    out = np.empty((n, *shape), given.dtype)
    out[...] = otherwise
    out[places] = given
    return out


@dataclass(frozen=True)
class SampleView:
    """One sample of a simulated instrument, to be looked at: it neither moves nor exposes."""

    world: SimulatedLaue
    place: int
    n: int = 1

    @property
    def context(self) -> Any:
        """Public knowledge of the instrument."""
        return self.world.context

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The goniometer's axes."""
        return self.world.axes

    def positions(self) -> Float64Array:
        """Return the readback of every axis, (1, k)."""
        return self.world.positions()[self.place : self.place + 1]

    def truth(self) -> Mapping[str, NDArray[Any]]:
        """Return what ``SimulatedLaue.truth`` does, of one sample."""
        return {name: values[self.place : self.place + 1] for name, values in self.world.truth().items()}

    def move(self, target: Float64Array, mask: BoolArray) -> MoveReport:
        """Raise TypeError."""
        raise TypeError("this sample is to be looked at; step the environment it belongs to")

    def acquire(self, settings: AcquireSettings, mask: BoolArray) -> Frame:
        """Raise TypeError."""
        raise TypeError("this sample is to be looked at; step the environment it belongs to")

    def reset(self, keys: UInt64Array, mask: BoolArray) -> None:
        """Raise TypeError."""
        raise TypeError("this sample is to be looked at; reset the environment it belongs to")
