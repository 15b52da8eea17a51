"""Axes turned by hand: the operator is told the turn in words and confirms with the reading he sees."""

import asyncio
import math
import re
import time
from typing import Any

from pydantic import Field

from beamgym.hardware_bridge.devices import (
    AdapterOptions,
    Readings,
    finite,
    need,
    number_key,
    number_reading,
)
from beamgym.hardware_bridge.manual_operator import Operator
from beamgym.physics.instrument import MoveFailed

AsyncStatus = need("ophyd_async.core", "hardware").AsyncStatus

# With a decimal comma too: operators type what their keyboard and country give.
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)")


class ManualOptions(AdapterOptions):
    """Options of the adapter "manual".

    Parameters
    ----------
    up, down : words for turning towards larger and towards smaller readings, e.g. "clockwise"
    decimals : decimals of the scale, as told to the operator
    low, high : ends of the travel; both, or none
    """

    up: str = "towards larger readings"
    down: str = "towards smaller readings"
    decimals: int = Field(default=2, ge=0, le=6)
    low: float | None = None
    high: float | None = None


class ManualAxis:
    """One axis of a head that is turned by hand.

    Parameters
    ----------
    name : the axis's name
    unit : "deg" or "mm"
    tolerance : a reading further than this from the target is refused, in ``unit``
    timeout_s : the operator has this long for a turn, seconds
    operator : whom to ask; axes of one head share one
    options : see ManualOptions

    Notes
    -----
    The position is what the operator last read off. It is unknown (NaN) until he has been asked, and again after
    ``stop`` or a turn without an answer: then ``connect`` asks anew.
    """

    parent = None
    reads_while_moving = False
    """Until the operator has typed what he reads, nobody knows where the axis is: there is nothing to follow."""

    def __init__(
        self,
        name: str,
        unit: str,
        tolerance: float,
        timeout_s: float,
        operator: Operator,
        options: ManualOptions | None = None,
    ) -> None:
        self.name = name
        self._unit = unit
        self._tolerance = tolerance
        self._timeout_s = timeout_s
        self._operator = operator
        self._options = options or ManualOptions()
        self._position = math.nan
        self._read_s = 0.0
        self._task: asyncio.Task[Any] | None = None
        if (self._options.low is None) != (self._options.high is None):
            raise ValueError(f"device of axis {name!r}: low and high go together; give both or none")

    async def connect(self, timeout: float) -> None:
        """Ask for the present reading where it is unknown; the operator has as long as for a turn."""
        if not math.isfinite(self._position):
            answer = await self._operator.ask(f"What does {self.name} read now, in {self._unit}? ", self._timeout_s)
            self._take(self._number(answer))

    def set(self, value: float) -> Any:
        """Tell the operator to turn to ``value``; the Status is done once he has confirmed with a good reading."""
        status = AsyncStatus(self._turn(value), name=self.name)
        # Kept so that a stop can take the question back.
        self._task = status.task
        return status

    async def read(self) -> Readings:
        """Return the reading that the operator last gave; NaN where it is unknown."""
        return number_reading(self.name, self._position, self._read_s or time.time())

    async def describe(self) -> Readings:
        """Return what ``read`` gives, in bluesky's form."""
        return number_key(self.name, "operator", self._unit)

    async def motor_limits(self) -> tuple[float, float] | None:
        """Return the ends of the travel, or None."""
        low, high = self._options.low, self._options.high
        return None if low is None or high is None else (low, high)

    async def moving(self) -> bool:
        """Say whether the operator has been told a turn and has not yet confirmed it."""
        return self._task is not None and not self._task.done()

    async def stop(self, success: bool = True) -> None:
        """Tell the operator to leave the axis alone; a turn under way leaves the position unknown."""
        if self._task is not None and not self._task.done():
            # The operator is told at once; the position is unknown, since the hand may already have turned.
            self._task.cancel()
            self._position = math.nan
            self._operator.tell(f"STOP: leave {self.name} where it is.")

    async def _turn(self, value: float) -> None:
        target = finite(self.name, value)
        start = self._position
        # The turn is told as a difference, which is only right from a position that is known.
        if not math.isfinite(start):
            raise MoveFailed(f"{self.name} is at an unknown position; ask the operator for its reading first")
        # A turn that the scale cannot show would ask the operator for nothing.
        if round(abs(target - start), self._options.decimals) == 0:
            return
        # From now on the head may be turned, whatever is answered.
        self._position = math.nan
        answer = await self._operator.ask(self._words(start, target), self._timeout_s)
        reading = self._number(answer)
        # Before it is judged: the reading is where the axis is, also where it is the wrong place.
        self._take(reading)
        # A typing error and a wrong turn look the same; both are refused.
        if abs(reading - target) > self._tolerance:
            raise MoveFailed(
                f"{self.name} reads {reading:g} {self._unit}, {abs(reading - target):g} off its target {target:g}; "
                f"at most {self._tolerance:g} is accepted"
            )

    def _words(self, start: float, target: float) -> str:
        options = self._options
        direction = options.up if target > start else options.down
        turn, begin, end = (
            f"{part:.{options.decimals}f} {self._unit}" for part in (abs(target - start), start, target)
        )
        return f"Turn {self.name} {direction} by {turn}, from {begin} to {end}. Then type what it reads: "

    def _number(self, answer: str) -> float:
        text = answer.strip().removesuffix(self._unit).strip()
        if _NUMBER.fullmatch(text) is None:
            raise MoveFailed(f"{self.name}: {answer.strip()[:40]!r} is no reading; type a number in {self._unit}")
        return float(text.replace(",", "."))

    def _take(self, reading: float) -> None:
        self._position, self._read_s = reading, time.time()
