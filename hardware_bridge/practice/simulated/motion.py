"""Emulated motors: computes a motor's position at any time from its last command.

Positions are dial positions, in degrees or mm. A motion is a polyline walked at constant speed, so that a motor in
flight needs no process that carries it: whoever asks later finds it where it would be, or arrived.
"""

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, ClassVar

from beamgym.physics.instrument import Axis


@dataclass(frozen=True)
class Motion:
    """One motion under way.

    Parameters
    ----------
    points : dial positions, the start first; more than two where it turns round, as for the backlash correction
    began : unix time, seconds
    speed : units per second of the wall clock
    settle_s : wait after the last point, seconds of the wall clock
    switch : +1 or -1 where it ends on the high or low limit switch, else 0
    stalled : the motor hums and does not turn
    """

    points: tuple[float, ...]
    began: float
    speed: float
    settle_s: float = 0.0
    switch: int = 0
    stalled: bool = False

    @property
    def ends(self) -> float:
        """Unix time at which it is done; infinite for a stalled one."""
        length = sum(abs(b - a) for a, b in pairwise(self.points))
        # It hums until somebody stops it.
        return math.inf if self.stalled else self.began + length / self.speed + self.settle_s

    def walked(self, now: float) -> tuple[float, ...]:
        """Return the points passed so far and the place reached, the start left out."""
        left = 0.0 if self.stalled else max(now - self.began, 0.0) * self.speed
        passed: list[float] = []
        for a, b in pairwise(self.points):
            if left < abs(b - a):
                # The turning points matter: the sample's axes have backlash.
                return (*passed, a + math.copysign(left, b - a))
            left -= abs(b - a)
            passed.append(b)
        # A move to where it stands passes no points and is there.
        return tuple(passed) or (self.points[-1],)

    def position(self, now: float) -> float:
        """Return the dial position at a unix time."""
        return self.walked(now)[-1]

    def going(self, now: float, stalled: bool) -> "Motion":
        """Return the same motion from here on, stalled or running again."""
        walked = self.walked(now)
        # Begun anew from where it is: what lies behind has been handed to the sample.
        return replace(self, points=(walked[-1], *self.points[len(walked) :]), began=now, stalled=stalled)


@dataclass
class Motor:
    """One emulated motor with the settings of its record; all positions are dial positions.

    Parameters
    ----------
    axis : its nature; ``axis.limits`` are the hard limit switches
    position : where it rests
    target : what it was last told to go to
    velocity : units per second of instrument time
    low, high : soft limits; both 0 switches them off, as in the motor record
    motion : the motion under way
    offset, sign : user position = sign * dial + offset
    backlash_distance : targets approached against its sign are overshot by it and come back
    deadband : the record's RDBD, for clients that ask
    switch : +1 or -1 while it stands on the high or low limit switch
    violated : the last target was outside the soft limits
    homed : it knows where its zero is
    homing : it is on its way there
    go : the record's SPMG: STOP, PAUSE or GO
    paused : target to go on to after a pause
    frozen : the readback shown by the fault of that name, and by those that show the target
    shown : what the record shows of settings that do nothing here, where somebody has changed them: field to value
    """

    STOP: ClassVar[int] = 0
    PAUSE: ClassVar[int] = 1
    GO: ClassVar[int] = 3

    axis: Axis
    position: float
    target: float
    velocity: float
    low: float
    high: float
    motion: Motion | None = None
    offset: float = 0.0
    sign: int = 1
    backlash_distance: float = 0.0
    deadband: float = 0.0
    switch: int = 0
    violated: bool = False
    homed: bool = True
    homing: bool = False
    go: int = 3
    paused: float | None = None
    frozen: float | None = None
    shown: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def fresh(cls, axis: Axis, position: float) -> "Motor":
        """Return a motor at rest with the settings of its axis."""
        return cls(axis, position, position, axis.speed, *axis.limits, deadband=max(axis.step, 1e-4))

    def place(self, now: float) -> float:
        """Return the dial position at a unix time, rounded to the motor's step."""
        return self.position if self.motion is None else self.motion.position(now)

    def user(self, dial: float) -> float:
        """Return a dial position as the user's."""
        return self.sign * dial + self.offset

    def dial(self, user: float) -> float:
        """Return a user's position as the dial's."""
        return self.sign * (user - self.offset)

    def path(self, start: float, goal: float) -> tuple[float, ...]:
        """Return the points of a motion, the start and the backlash correction included."""
        extra = self.backlash_distance
        # Only against the sign of BDST, as in the motor record; with it the approach is already right.
        if extra and (goal - start) * extra < 0.0:
            return start, goal - extra, goal
        return start, goal

    def allows(self, path: tuple[float, ...]) -> bool:
        """Return whether the soft limits let a path pass."""
        # The motor record's way of switching soft limits off.
        if self.low == 0.0 and self.high == 0.0:
            return True
        # Every point: the backlash correction may overshoot a limit that the target keeps.
        return all(self.low <= point <= self.high for point in path[1:])


def on_step(axis: Axis, goal: float) -> float:
    """Return the nearest position that the motor can stand at, inside its limit switches.

    The same rule as ``physics.motors_kernels.move_batch``, so that an emulated and a simulated motor end alike.
    """
    if axis.step <= 0.0:
        return goal
    # Half steps go up, as in the kernel; ``round`` would go to the even one.
    rounded = axis.step * math.floor(goal / axis.step + 0.5)
    if rounded > axis.limits[1]:
        return rounded - axis.step
    return rounded + axis.step if rounded < axis.limits[0] else rounded


def within_switches(axis: Axis, path: tuple[float, ...]) -> tuple[tuple[float, ...], int]:
    """Cut a path where it would pass a limit switch; returns the path and the switch that ends it."""
    low, high = axis.limits
    kept = [path[0]]
    for point in path[1:]:
        kept.append(min(max(point, low), high))
        if point != kept[-1]:
            return tuple(kept), 1 if point > high else -1
    return tuple(kept), 0
