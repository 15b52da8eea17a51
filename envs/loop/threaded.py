"""One batch of episodes shared out among threads: each steps its own rows on a world of its own.

Kernels let go of the interpreter's lock, so the threads run at once. What a sample does depends on its own key alone,
so their number changes no bit.
"""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.loop.episode import EpisodeLoop, LoopStep, NextKeys, RenewedStep
from beamgym.envs.loop.joined import JoinedWorld, start_of
from beamgym.envs.loop.rows import joined
from beamgym.envs.task import Observation, finite_action
from beamgym.physics.instrument import BoolArray

Result = TypeVar("Result")
Part = Callable[[EpisodeLoop[Any], slice], Result]


def cores() -> int:
    """Return how many cores this process may use."""
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable is not None else os.cpu_count() or 1


def checked_threads(threads: object, n: int) -> int:
    """Return over how many threads n samples are shared out; more than there are cores is warned of.

    Raises
    ------
    TypeError, ValueError : something that is no whole number, or below 1
    """
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)):
        raise TypeError(f"threads is {threads!r}; give a whole number, 1 or more")
    if threads < 1:
        raise ValueError(f"threads is {threads}; give 1 or more")
    if threads > cores():
        warnings.warn(
            f"threads is {threads} and this process may use {cores()} cores; more threads than cores are no faster",
            RuntimeWarning,
            stacklevel=2,
        )
    return min(int(threads), n)


def parts_of(n: int, threads: int) -> list[slice]:
    """Cut n rows into as many runs of nearly equal length as there are threads."""
    edges = [n * i // threads for i in range(threads + 1)]
    return [slice(low, high) for low, high in pairwise(edges)]


class ThreadedLoop:
    """Episode loops with a thread each, as one loop; see EpisodeLoop for its methods.

    Parameters
    ----------
    loops : over simulated instruments of the same kind; their rows follow one another
    """

    def __init__(self, loops: Sequence[EpisodeLoop[Any]]) -> None:
        self.loops = tuple(loops)
        self.task = loops[0].task
        self.instrument = JoinedWorld([loop.instrument for loop in loops])  # type: ignore[misc]
        ends = np.cumsum([0, *(loop.instrument.n for loop in loops)]).tolist()
        self._rows = [slice(low, high) for low, high in pairwise(ends)]
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    def __getstate__(self) -> dict[str, Any]:
        """Leave the threads out of a copy; they come back with its next step."""
        return {**vars(self), "_pool": None}

    @property
    def simulated(self) -> bool:
        """True: real instruments are never shared out."""
        return True

    @property
    def state(self) -> Any:
        """The task's state of all rows as it now is, for who wants to look at it; None before the first reset."""
        states = [loop.state for loop in self.loops]
        return None if any(state is None for state in states) else joined(states)

    @property
    def frame(self) -> Any:
        """The last frame of all rows; None before the first reset."""
        frames = [loop.frame for loop in self.loops]
        return None if any(frame is None for frame in frames) else joined(frames)

    @property
    def contexts(self) -> tuple[Any, ...]:
        """What everybody at each sample's instrument knows at present."""
        return tuple(context for loop in self.loops for context in loop.contexts)

    def of(self, sample: int) -> tuple[EpisodeLoop[Any], int]:
        """Return the loop that runs a sample, and the sample's row there."""
        part = next(i for i, rows in enumerate(self._rows) if sample < rows.stop)
        return self.loops[part], sample - self._rows[part].start

    def reset(self, keys: NDArray[np.uint64], mask: BoolArray, start: Mapping[str, Any] | None = None) -> None:
        """Begin new episodes where ``mask`` (n,) is True; after an error begin all anew."""

        def begin(loop: EpisodeLoop[Any], rows: slice) -> None:
            if loop.state is None or mask[rows].any():
                loop.reset(keys[rows], mask[rows], start_of(start, rows, len(mask)))

        self._each(begin)

    def observation(self) -> Observation:
        """Return the present observation as fresh arrays."""
        found: Observation = joined(self._each(lambda loop, rows: loop.observation()))
        return found

    def costs(self) -> dict[str, NDArray[Any]]:
        """Return the costs of the last step (or of the first exposure)."""
        costs: dict[str, NDArray[Any]] = joined([loop.costs() for loop in self.loops])
        return costs

    def advice(self) -> dict[str, tuple[NDArray[Any], BoolArray]]:
        """Return the task's advice about the episodes just begun."""
        given: dict[str, tuple[NDArray[Any], BoolArray]] = {}
        for loop, rows in zip(self.loops, self._rows, strict=True):
            for name, (values, concerned) in loop.advice().items():
                n = self.instrument.n
                whole = given.setdefault(name, (np.zeros((n, *values.shape[1:]), values.dtype), np.zeros(n, np.bool_)))
                whole[0][rows], whole[1][rows] = values, concerned
        return given

    def step(self, action: NDArray[Any], mask: BoolArray) -> LoopStep:
        """Act where ``mask`` (n,) is True; nothing moves where a row's action cannot be."""
        action = finite_action(action, self.task.action_space, self.instrument.n)
        done: LoopStep = joined(self._each(lambda loop, rows: loop.step(action[rows], mask[rows])))
        return done

    def step_and_renew(self, action: NDArray[Any], next_keys: NextKeys) -> RenewedStep:
        """Act everywhere, and begin the episodes that end anew; each thread goes through both without waiting."""
        action = finite_action(action, self.task.action_space, self.instrument.n)

        def renewed(loop: EpisodeLoop[Any], rows: slice) -> RenewedStep:
            return loop.step_and_renew(action[rows], lambda ended, _: next_keys(ended, rows))

        done: RenewedStep = joined(self._each(renewed))
        return done

    def close(self) -> None:
        """Let the threads go; they come back with the next step."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _each(self, work: "Part[Result]") -> list[Result]:
        """Do something on every part at once, the first one on this thread; the first error is raised when all end."""
        rest = list(zip(self.loops, self._rows, strict=True))[1:]
        waiting = [self._threads().submit(work, loop, rows) for loop, rows in rest]
        try:
            first = work(self.loops[0], self._rows[0])
        finally:
            failed = [error for error in [each.exception() for each in waiting] if error is not None]
        if failed:
            raise failed[0]
        return [first, *(each.result() for each in waiting)]

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None or self._process != os.getpid():  # a forked process has none of its parent's threads
            self._pool, self._process = ThreadPoolExecutor(len(self.loops) - 1), os.getpid()
        return self._pool
