"""Work shared out among processes of this machine: one job each at a time; what a lost process had is done again.

A pool of the standard library is broken as a whole by one process that is killed. Here each process has a line of its
own, so that its end is noticed at once and costs the one job that it had.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any, Final, cast

from beamgym.physics.jobs.executor import Case, Found, Losses, warn_of_cores
from beamgym.physics.messages import named_line

ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
"""Environment of a process that has one thread; libraries read it when they are imported."""

_END_S = 5.0  # given to a process to end before it is killed


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    line: Connection
    number: int = -1  # of the job that it has

    def give(self, number: int, case: object) -> None:
        self.number = number
        with suppress(OSError):  # a process that has ended: its line tells so to who listens
            self.line.send(case)


class Processes:
    """Does jobs in processes of this machine, each with one thread.

    Parameters
    ----------
    workers : how many, 1 or more; more than there are cores are warned of
    told : is told in one line when a process is lost

    Raises
    ------
    ValueError : fewer than one
    """

    def __init__(self, workers: int, told: Callable[[str], object] = lambda line: None) -> None:
        if workers < 1:
            raise ValueError(f"{workers} workers: give 1 or more, or 0 to work in this process")
        warn_of_cores(workers)
        self.workers, self.told = workers, told

    def run(self, work: Callable[[Case], Found], cases: Sequence[Case]) -> Iterator[tuple[int, Found]]:
        """Yield number and result of each case as it comes; see ``Executor.run``."""
        team: dict[Connection, _Worker] = {}
        waiting, losses, unfinished = deque(range(len(cases))), Losses(self.told), len(cases)
        try:
            while unfinished:
                while waiting and len(team) < self.workers:
                    new = _start(work)
                    team[new.line] = new
                    _give_next(new, waiting, cases)
                for line in cast(list[Connection], wait(list(team))):
                    one = team[line]
                    try:
                        good, found = line.recv()
                    except (EOFError, OSError):
                        del team[line]
                        _end([one])
                        waiting.appendleft(one.number)
                        losses.add(one.number, f"exit code {one.process.exitcode}")
                        continue
                    if not good:
                        raise found
                    number, unfinished = one.number, unfinished - 1
                    if waiting:
                        _give_next(one, waiting, cases)
                    else:
                        del team[line]
                        _end([one])
                    yield number, found
        finally:
            _end(list(team.values()))


def _give_next(one: _Worker, waiting: deque[int], cases: Sequence[Any]) -> None:
    number = waiting.popleft()
    one.give(number, cases[number])


def _start(work: Callable[[Any], Any]) -> _Worker:
    # Spawned, not forked: libraries with threads do not survive a fork.
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, work), daemon=True)
    with one_thread_each():
        process.start()
    there.close()  # else the line would stay open when the process ends
    return _Worker(process, here)


def _end(team: Sequence[_Worker]) -> None:
    for one in team:
        one.line.close()
        one.process.terminate()
    for one in team:
        one.process.join(_END_S)
        if one.process.is_alive():
            one.process.kill()
            one.process.join()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let processes that start now have one thread each: the libraries read the environment when they are imported."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(line: Connection, work: Callable[[Any], Any]) -> None:
    """Do what comes through the line until nobody is at its other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; who asked ends the others
    with suppress(EOFError, OSError):
        while True:
            case = line.recv()
            try:
                answer = True, work(case)
            except Exception as error:
                answer = False, _to_send(error)
            line.send(answer)


def _to_send(error: Exception) -> Exception:
    """Return an error that survives the way, with the place where it was raised as a note."""
    error.add_note(traceback.format_exc())
    try:
        ForkingPickler.loads(ForkingPickler.dumps(error))
    except Exception:
        return RuntimeError(named_line(error))
    return error
