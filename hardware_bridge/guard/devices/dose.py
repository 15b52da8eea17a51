"""Counts the dose as seconds of open shutter; time in which the shutter may be open counts as open."""

import threading
import time
from collections.abc import Callable


class DoseMeter:
    """Counts from before the shutter is told to open until it is seen to be closed.

    Parameters
    ----------
    clock : monotonic seconds

    Notes
    -----
    While a close is not confirmed it goes on counting, whatever the shutter may have done.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Read by the abort thread while the loop counts; reentrant, since the sums call each other.
        self._turn = threading.RLock()
        self._total = 0.0
        self._since: float | None = None
        self._exposed = 0.0
        self._last_opening = 0.0

    @property
    def spent_s(self) -> float:
        """Seconds spent until now."""
        with self._turn:
            return self._total + self._running()

    @property
    def open(self) -> bool:
        """Whether it is counting."""
        return self._since is not None

    def start(self) -> None:
        """The shutter is about to be told to open; a meter that counts goes on counting."""
        with self._turn:
            # A second start while it counts must not take time back.
            if self._since is None:
                self._since, self._exposed = self._clock(), 0.0

    def exposed(self, seconds: float) -> None:
        """The detector reported a whole exposure: the shutter was open for so long at least."""
        with self._turn:
            if self._since is not None:
                # Several exposures of one opening add up before they are compared with the clock.
                self._exposed += seconds
                # The longer of both counts: by the clock, and by the detector, whose time may run faster in a
                # simulation.
                self._since = min(self._since, self._clock() - self._exposed)

    def stop(self) -> None:
        """The shutter was seen to be closed."""
        with self._turn:
            self._last_opening = self._running()
            self._total += self._last_opening
            self._since = None

    def was_exposed(self, seconds: float) -> None:
        """The camera says afterwards that the last exposure took so long: what was not counted of it is."""
        with self._turn:
            missing = seconds - self._last_opening
            # While it counts, the time that goes on is counted as well.
            if missing > 0.0:
                self._total += missing
                self._last_opening = seconds

    def _running(self) -> float:
        return 0.0 if self._since is None else self._clock() - self._since
