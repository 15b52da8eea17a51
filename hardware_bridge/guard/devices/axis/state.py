"""What the guard knows of one axis."""

import math
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_MINUTE_S = 60.0


@dataclass
class AxisState:
    """What the guard knows of one axis.

    Parameters
    ----------
    known : where it was last seen to stand by what we did; nan before
    swept : what the move under way may sweep, or None
    commanded : it was sent somewhere since the guard was armed
    arrived : the last move ended at its target
    certain : the last stop, if there was one, was confirmed
    stopped_at : where it was seen to stand after that stop; nan where it was not
    moved_s : how long the last move took, settling included, and no less than by the file's speed, seconds
    generation : counts begins and ends of moves, so that a reading taken across one is not judged
    moves : when it was sent, monotonic seconds, within the last minute
    seen : the last reading, its turns counted; nan before
    sent : target of a move of ours that did not end there; None where there is none
    settings : of the motor, as they were read when the guard was armed
    motor_limits : the motor's own (low, high), as they were read for the last command; None where it has none
    """

    known: float = math.nan
    swept: tuple[float, float] | None = None
    commanded: bool = False
    arrived: bool = True
    certain: bool = True
    stopped_at: float = math.nan
    moved_s: float = 0.0
    generation: int = 0
    moves: deque[float] = field(default_factory=deque)
    seen: float = math.nan
    sent: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    motor_limits: tuple[float, float] | None = None

    def moves_last_minute(self) -> int:
        """Return how often it was sent within the last minute, and forget what is older."""
        now = time.monotonic()
        while self.moves and self.moves[0] < now - _MINUTE_S:
            self.moves.popleft()
        return len(self.moves)
