"""What is known of a move under way, and what the rules are told of it at every reading."""

from dataclasses import dataclass, field
from typing import Any

from beamgym.hardware_bridge.instrument_file import AxisEntry

_PART = 0.5
"""A readback that has changed by this much of the tolerance has made progress: noise is less, a motor soon more."""


@dataclass
class UnderWay:
    """One move.

    Parameters
    ----------
    entry : the axis in the file
    start, target : in its unit
    way : (low, high) of all that it takes in, its backlash included; see ``rules.way``
    motor_limits : the motor's own limits, as they were read before the move
    velocity : the fastest that the motor says it moves; None where it does not say, or where nothing follows from it
    begun : when it was about to be sent, monotonic seconds
    over : nothing waits for its end any more
    """

    entry: AxisEntry
    start: float
    target: float
    way: tuple[float, float]
    motor_limits: tuple[float, float] | None
    velocity: float | None
    begun: float
    over: bool = False
    _mark: float = field(init=False)
    _since: float = field(init=False)

    def __post_init__(self) -> None:
        self._mark, self._since = self.start, self.begun

    def facts(self, position: float, now: float) -> dict[str, Any]:
        """Return what the rules about a moving axis take, from a reading and its monotonic time, seconds."""
        entry = self.entry
        arrived = abs(position - self.target) <= entry.tolerance
        # At its target it may stand as long as it likes; the time of the whole move is limited.
        if arrived or not abs(position - self._mark) < _PART * entry.tolerance:
            self._mark, self._since = position, now
        return {
            "axis": entry.name,
            "position": position,
            "start": self.start,
            "file_limits": entry.limits,
            "motor_limits": self.motor_limits,
            "tolerance": entry.tolerance,
            "way": self.way,
            "margin": entry.margin,
            "still_s": now - self._since,
            # A motor so slow that it takes longer for what counts as progress is not stalled.
            "allowed_s": max(entry.stall_s, 4.0 * _PART * entry.tolerance / self._speed),
            "distance": abs(position - self.start) - entry.tolerance,
            "seconds": now - self.begun,
            "velocity": self.velocity,
        }

    @property
    def _speed(self) -> float:
        """The slower of the file's and the motor's speed."""
        return self.entry.speed if not self.velocity else min(self.entry.speed, self.velocity)
