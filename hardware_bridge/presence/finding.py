"""What a presence test says, and what it is given."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from beamgym.physics.instrument import Peaks


@dataclass(frozen=True)
class Presence:
    """Whether a frame shows the sample, and by what, in words."""

    there: bool
    says: str


PresenceTest = Callable[[NDArray[Any], Peaks | None, float], Presence]
"""(image (slow, fast), peaks found on it or None where its kind looks for none, exposure in seconds) → Presence."""
