"""Signs of life: who must give them, and how long the silence is."""

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike


class DeadMan:
    """A sign of life of the policy's process: whoever decides touches it with every decision.

    While a command is under way the command's own timeout is the limit; the silence is counted from its end.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()

    def touch(self) -> None:
        """Give a sign of life; from any thread."""
        self._last = self._clock()

    def __call__(self) -> float:
        """Return the seconds since the last one."""
        return self._clock() - self._last


class TokenFile:
    """The operator's token: a file that something in the operator's hand keeps touching; its age is the silence.

    Parameters
    ----------
    path : the file; one that is not there has been silent for ever
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._path = path

    def __call__(self) -> float:
        """Return the seconds since the file was last written."""
        try:
            return max(time.time() - os.stat(self._path).st_mtime, 0.0)
        except OSError:
            return math.inf


class SignsOfLife:
    """All signs of life of a run, and the commands under way.

    Parameters
    ----------
    signs : each returns the seconds of silence; one with a method ``touch`` is a policy's, which a command excuses
    """

    def __init__(self, signs: Callable[[], float] | Sequence[Callable[[], float]]) -> None:
        self._signs = (signs,) if callable(signs) else tuple(signs)
        if not self._signs:
            raise ValueError("there is no dead-man; give at least one, such as DeadMan()")
        self._turn = threading.Lock()
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """How many commands are under way."""
        return self._under_way

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Count a command as under way within this; the silence of a policy begins anew when the last one ends."""
        with self._turn:
            self._under_way += 1
        try:
            yield
        finally:
            with self._turn:
                self._under_way -= 1
            self.touch()

    def touch(self) -> None:
        """Count the silence of a policy from now."""
        for sign in self._signs:
            touch = getattr(sign, "touch", None)
            if touch is not None:
                touch()

    def silent_s(self, besides: int = 0) -> float:
        """Return the longest silence, seconds.

        Parameters
        ----------
        besides : so many of the commands under way do not excuse: one that asks for itself
        """
        excused = self._under_way > besides
        silences = (0.0 if excused and hasattr(sign, "touch") else sign() for sign in self._signs)
        return max(silences)
