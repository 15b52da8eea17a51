"""Over how many threads a vector environment may share its samples out."""

import os
import sys
import warnings
from types import FrameType

import numpy as np


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
            stacklevel=_users_level(),
        )
    return min(int(threads), n)


def _users_level() -> int:
    """Return the stacklevel, seen from the caller, of the first line that is neither this project's nor Gymnasium's."""
    frame: FrameType | None = sys._getframe(1)
    level = 1
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in ("beamgym", "gymnasium"):
        frame, level = frame.f_back, level + 1
    return level
