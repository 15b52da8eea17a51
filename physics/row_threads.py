"""Rows of a batch shared out among a few threads, where a kernel that lets go of the interpreter's lock takes long.

A caller says with :func:`sharing_rows` over how many threads; what it then calls cuts its long kernels into runs of
rows by :func:`over_rows` or :func:`joined_rows`. Everything else stays on the caller's thread: two threads that both
run Python wake each other at every call. What a row becomes must depend on that row alone, so that no bit depends on
the number of threads.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import numpy as np

Result = TypeVar("Result")

LEAST_ROWS: int | None = None
"""Rows of a run in place of every ``least``; set where a test shares a few rows out."""

_Answers = SimpleQueue[tuple[int, Any, BaseException | None]]
_Asked = tuple[int, Callable[[], Any], _Answers]

_tasks: SimpleQueue[_Asked] = SimpleQueue()
_helpers = 0
_here = threading.local()
_starting = threading.Lock()


@contextmanager
def sharing_rows(threads: int) -> Iterator[None]:
    """Let the long kernels that are called inside, on this thread, share their rows among so many threads."""
    before = getattr(_here, "threads", 1)
    _here.threads = threads
    try:
        yield
    finally:
        _here.threads = before


def over_rows(n: int, work: Callable[[slice], Result], least: int = 16) -> list[Result]:
    """Do something to n rows, by runs of rows at once where rows are shared; returns what each run gave, in order.

    Parameters
    ----------
    n : rows
    work : does it to a run of rows; the first run is done on this thread
    least : rows of a run for which it pays to wake another thread
    """
    parts = min(getattr(_here, "threads", 1), n // (LEAST_ROWS or least))
    if parts < 2:
        return [work(slice(0, n))]
    edges = [n * i // parts for i in range(parts + 1)]
    return _at_once([lambda rows=slice(*ends): work(rows) for ends in pairwise(edges)])  # type: ignore[misc]


def joined_rows(n: int, work: Callable[[slice], tuple[Any, ...]], least: int = 16) -> tuple[Any, ...]:
    """Do the same for work that returns arrays, batch first; returns them with the rows of all runs."""
    each = over_rows(n, work, least)
    return each[0] if len(each) == 1 else tuple(np.concatenate(parts) for parts in zip(*each, strict=True))


def _at_once(works: Sequence[Callable[[], Result]]) -> list[Result]:
    """Do all of it, together with the helpers; the first error is raised when everything has ended."""
    _wake_helpers(len(works) - 1)
    answers: _Answers = SimpleQueue()
    for place in range(1, len(works)):
        _tasks.put((place, works[place], answers))
    _answer((0, works[0], answers))
    found: dict[int, tuple[Any, BaseException | None]] = {}
    while len(found) < len(works):
        _help_out()
        place, result, error = answers.get()
        found[place] = result, error
    for place in range(len(works)):
        error = found[place][1]
        if error is not None:
            raise error
    return [found[place][0] for place in range(len(works))]


def _help_out() -> None:
    """Do what no helper has begun: on a busy machine they may come late."""
    try:
        _answer(_tasks.get_nowait())
    except Empty:
        return


def _answer(asked: _Asked) -> None:
    """Do a run of rows by this thread alone, and tell who asked."""
    place, work, answers = asked
    try:
        with sharing_rows(1):
            result = work()
        answers.put((place, result, None))
    except BaseException as error:
        answers.put((place, None, error))


def _helper() -> None:
    while True:
        _answer(_tasks.get())


def _wake_helpers(number: int) -> None:
    """Start threads until there are so many; idle ones cost nothing and end with the process."""
    global _helpers
    if _helpers >= number:
        return
    with _starting:
        while _helpers < number:
            threading.Thread(target=_helper, name=f"rows-{_helpers}", daemon=True).start()
            _helpers += 1


def _forget_helpers() -> None:
    """A forked process has none of its parent's threads, and what was asked of them is not for it."""
    global _helpers, _tasks, _starting
    _helpers, _tasks, _starting = 0, SimpleQueue(), threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_helpers)
