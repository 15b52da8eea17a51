"""Where work is done: the protocol, and the plainest place, this process."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol, TypeVar

Case = TypeVar("Case")
Found = TypeVar("Found")

MOST_LOSSES: Final = 3
"""A job that has lost its worker so often is not tried again: the fault may be its own."""


class WorkerLost(ValueError):
    """A job has lost its worker too often: killed, out of memory, or crashed."""


class Executor(Protocol):
    """Does independent jobs: a function of a case, whose result depends on that case alone."""

    def run(self, work: Callable[[Case], Found], cases: Sequence[Case]) -> Iterator[tuple[int, Found]]:
        """Yield each case's number and result as soon as it is there, each once, in any order.

        Parameters
        ----------
        work : a function of a module, or an object of such a class; it is sent to where it is called
        cases : what is to be done

        Raises
        ------
        WorkerLost : a case has lost its worker ``MOST_LOSSES`` times
        Exception : the first one that ``work`` raises; what is under way is given up
        """
        ...


class InProcess:
    """Does one job after another in this process."""

    def run(self, work: Callable[[Case], Found], cases: Sequence[Case]) -> Iterator[tuple[int, Found]]:
        """Yield number and result of each case, in their order; see ``Executor.run``."""
        for number, case in enumerate(cases):
            yield number, work(case)


class Losses:
    """Counts how often each job has lost its worker.

    Parameters
    ----------
    told : is told of every loss in one line
    """

    def __init__(self, told: Callable[[str], object] = lambda line: None) -> None:
        self.told = told
        self._of: dict[int, int] = {}

    def add(self, number: int, how: str) -> None:
        """Count a loss of job ``number``; raises WorkerLost where it is one too many."""
        self._of[number] = self._of.get(number, 0) + 1
        if self._of[number] >= MOST_LOSSES:
            raise WorkerLost(
                f"job {number} has lost its worker {MOST_LOSSES} times ({how}); it may take too much memory, or "
                "crash by itself. What is finished is kept"
            )
        self.told(f"job {number} has lost its worker ({how}); it is done again")


def run_in_order(
    executor: Executor,
    work: Callable[[Case], Found],
    cases: Sequence[Case],
    done: Callable[[int], Any] = lambda number: None,
) -> list[Found]:
    """Return the results in the order of the cases; ``done`` is called with each one's number when it is there."""
    found: dict[int, Found] = {}
    for number, one in executor.run(work, cases):
        found[number] = one
        done(number)
    return [found[number] for number in range(len(cases))]


def warn_of_cores(workers: int) -> None:
    """Warn of more processes than this one may use cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if workers > cores:
        warnings.warn(f"{workers} workers share {cores} cores: more than {cores} gain nothing", stacklevel=2)
