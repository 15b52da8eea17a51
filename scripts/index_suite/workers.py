"""Many questions put one after another, or in several processes; the answers do not depend on how many."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from beamgym.scripts.command_line import ONE_THREAD

Case = TypeVar("Case")
Found = TypeVar("Found")

_LINES = 20
"""Lines of progress where stderr is no terminal."""


def each(work: Callable[[Case], Found], cases: Sequence[Case], workers: int, label: str) -> list[Found]:
    """Do every case's work and return the results in the cases' order, telling on stderr how far it is.

    Parameters
    ----------
    work : a function of a module, which depends on its case alone
    cases : what is to be done
    workers : processes, each with one thread; 0 does it in this process
    label : for the progress
    """
    with _told(label, len(cases)) as advance:
        found = []
        for one in _results(work, cases, workers):
            found.append(one)
            advance()
        return found


def _results(work: Callable[[Case], Found], cases: Sequence[Case], workers: int) -> Iterator[Found]:
    if workers == 0:
        yield from map(work, cases)
        return
    with _one_thread_each():
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        try:
            yield from pool.map(work, cases)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
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


@contextmanager
def _told(label: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on a terminal, and a line now and then in a log."""
    console = Console(stderr=True)
    if console.is_terminal:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, console=console, transient=True) as progress:
            bar = progress.add_task(label, total=total)
            yield lambda: progress.advance(bar)
        return
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        if done % max(total // _LINES, 1) == 0 or done == total:
            console.print(f"{label}: {done} of {total}", highlight=False)

    yield advance
