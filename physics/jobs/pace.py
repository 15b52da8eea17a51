"""How fast work goes, and how long it will take."""

import time
from collections import deque
from collections.abc import Callable

_SINCE = 60.0  # seconds over which the rate is taken


class Pace:
    """Rate and time left of work that is reported piece by piece.

    Parameters
    ----------
    total : how many pieces there are
    clock : seconds, monotonic
    """

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.done, self._clock = total, 0, clock
        self._seen = deque([(clock(), 0)])

    def add(self, pieces: int = 1) -> None:
        """Count pieces that are finished."""
        self.done += pieces
        self._seen.append((self._clock(), self.done))
        while len(self._seen) > 2 and self._seen[1][0] < self._seen[-1][0] - _SINCE:
            self._seen.popleft()

    @property
    def per_s(self) -> float:
        """Pieces a second over the last minute; 0 before anything is finished."""
        (begun, first), (now, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - begun) if now > begun else 0.0

    @property
    def left_s(self) -> float:
        """Seconds to the end at this rate; infinite before anything is finished."""
        return (self.total - self.done) / self.per_s if self.per_s > 0.0 else float("inf")

    @property
    def text(self) -> str:
        """Rate and time left in words; empty before a second has passed."""
        if self._seen[-1][0] - self._seen[0][0] < 1.0:
            return ""
        rate = f"{self.per_s:.3g}/s" if self.per_s >= 1.0 else f"{60.0 * self.per_s:.3g}/min"
        return f"{rate}, {_duration(self.left_s)} left"


def _duration(seconds: float) -> str:
    if seconds == float("inf"):
        return "an unknown time"
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
