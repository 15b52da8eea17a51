"""Signs of life of the policy and of the operator, and the time since the last one (the dead-man)."""

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike, fspath

FUTURE_S = 2.0
"""By so much two computers' clocks may differ before a token counts as dated ahead, seconds."""

_NS = 1e9


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
    """The operator's token file, counted as lost when its modification time stops changing.

    Counted is this computer's own time since the time of writing was last seen to change, whatever that time says: the
    clocks of a file server and of this computer may differ, and a file dated ahead would be alive until then.

    Parameters
    ----------
    path : the file; one that is not there has been silent for ever
    clock : seconds that only grow

    Raises
    ------
    ValueError : a file that says that it was written in the future
    """

    def __init__(self, path: str | PathLike[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._looked, written = clock(), self._written()
        age_s = _age_s(written)
        # Two clocks disagree then, so that the age at this first look cannot be told.
        if age_s < -FUTURE_S:
            raise ValueError(
                f"the token {fspath(path)} is dated {-age_s:.0f} s in the future; set the clocks right and touch it"
            )
        # One that was old already when we first saw it has been silent for its age.
        self._seen, self._changed = written, self._looked - max(age_s, 0.0)

    def __call__(self) -> float:
        """Return the seconds since the file was last seen to be written anew."""
        now, written = self._clock(), self._written()
        # A token that was removed is let go; it has been silent for ever.
        if written is None:
            return math.inf
        # Any change counts, backward too: the clock of a file server may be set.
        if written != self._seen:
            # It was written since the last look, and by its own date perhaps not just now.
            self._seen, self._changed = written, now - min(max(_age_s(written), 0.0), now - self._looked)
        self._looked = now
        return now - self._changed

    def _written(self) -> int | None:
        """Return the file's time of writing, nanoseconds; None where it is not there."""
        try:
            return os.stat(self._path).st_mtime_ns
        except OSError:
            return None


def _age_s(written: int | None) -> float:
    return 0.0 if written is None else time.time() - written / _NS


class SignsOfLife:
    """All signs of life of a run, and the commands under way.

    Parameters
    ----------
    signs : each returns the seconds of silence; one with a method ``touch`` is a policy's, which a command excuses
    """

    def __init__(self, signs: Callable[[], float] | Sequence[Callable[[], float]]) -> None:
        self._signs = (signs,) if callable(signs) else tuple(signs)
        # Without one the guard could not notice that policy and operator are gone.
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
            # A long move is no silence of the policy: it waits for it. The operator's token has no ``touch`` and goes
            # on.
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
        # While a command runs its own timeout is the limit; the one that asks is not yet under way.
        excused = self._under_way > besides
        silences = (0.0 if excused and hasattr(sign, "touch") else sign() for sign in self._signs)
        return max(silences)
