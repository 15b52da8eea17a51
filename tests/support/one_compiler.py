"""One process compiles at a time: what another one compiles meanwhile is read from the cache, not compiled again.

Four workers that begin with an empty cache need the same kernels at about the same time. numba asks its cache while it
holds its compiler lock, so that whoever waits for that lock finds what was compiled before it.
"""

import fcntl
import os
import threading
from pathlib import Path
from typing import Any

from numba.core.event import Event, Listener, register


class OneCompiler(Listener):
    """Holds a file's lock as long as this process holds numba's compiler lock.

    Parameters
    ----------
    path : of the file, which is made where it is missing
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._depth, self._here = 0, threading.Lock()

    def on_start(self, event: Event) -> Any:
        """Wait for the file's lock; inner uses of the compiler lock have it already."""
        with self._here:
            if self._depth == 0:
                fcntl.flock(self._file, fcntl.LOCK_EX)
            self._depth += 1

    def on_end(self, event: Event) -> Any:
        """Give it back with the outermost use."""
        with self._here:
            self._depth -= 1
            if self._depth == 0:
                fcntl.flock(self._file, fcntl.LOCK_UN)


def share_compiled(path: Path) -> None:
    """Let this process take its turn in compiling with every other that names the same file."""
    register("numba:compiler_lock", OneCompiler(path))
