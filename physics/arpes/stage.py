"""Stages that carry an ARPES sample under the beam, and the dwell, which is set like an axis.

A stage's axes are ``x`` and ``y`` in the surface; the third, ``dwell``, is an exposure-time axis in seconds: it is
set, not driven, and takes no time. An agent so chooses where to look and for how long in one move, and a real
instrument offers the same three things to set.

The shortest dwell is that of a scan on the fly: the stage is not waited for, the exposure is the last part of the way.
Every longer one begins when the stage has arrived and settled. A stage that must stand while the shutter is open
(``overlap=False``) makes the shortest ones as soon as it has arrived, and does not let it settle.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arpes.surface import SurfaceNumbers
from beamgym.physics.goniometer import MotorErrors, travel_time_s
from beamgym.physics.instrument import Axis, BoolArray, Float64Array

SHORTEST_DWELL_S = 0.05
LONGEST_DWELL_S = 5.0
_SHORTEST = 1.0 + 1e-6  # of the shortest dwell: what an action of float32 can make of it
_X, _Y, _TIMER = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Stage:
    """Two linear axes and an exposure-time axis, the dwell.

    Parameters
    ----------
    name : what it is called
    motors : the axes x and y, positions in mm
    dwell_s : shortest and longest exposure, seconds
    overlap : an exposure of the shortest dwell is made while it still moves, else as soon as it has arrived

    Raises
    ------
    ValueError : other than two linear axes, dwells that are not positive and rising
    """

    name: str
    motors: tuple[Axis, Axis]
    dwell_s: tuple[float, float] = (SHORTEST_DWELL_S, LONGEST_DWELL_S)
    overlap: bool = True

    def __post_init__(self) -> None:
        if len(self.motors) != 2 or any(axis.kind != "linear" for axis in self.motors):
            raise ValueError(f"a stage has two linear axes; found {[axis.name for axis in self.motors]}")
        if not 0.0 < self.dwell_s[0] < self.dwell_s[1] < np.inf:
            raise ValueError(f"dwell_s is {self.dwell_s}; give the shortest, above 0, and then the longest")

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes x and y in mm, and the dwell in seconds."""
        timer = Axis("dwell", _TIMER, kind="linear", limits=self.dwell_s, speed=float("inf"))
        return (*self.motors, timer)

    @property
    def limits_mm(self) -> Float64Array:
        """(2, 2) lowest and highest position of x and of y."""
        return np.array([axis.limits for axis in self.motors], dtype=np.float64)

    def on_the_fly(self, dwell_s: ArrayLike) -> BoolArray:
        """Return True where a dwell is the shortest: its exposure does not wait until the stage has settled."""
        return is_shortest(dwell_s, self.dwell_s[0])

    def lead_s(self, begin_mm: Float64Array, end_mm: Float64Array, dwell_s: Float64Array) -> Float64Array:
        """Return the seconds between a command and the start of its exposure, (n,).

        Parameters
        ----------
        begin_mm, end_mm : (n, 2)
        dwell_s : (n,) of the exposure ordered

        Returns
        -------
        (n,) travel and settling; on the fly the travel alone, less the dwell where that is its last part, and nothing
        where the way is shorter than that
        """
        settled = travel_time_s(self.motors, begin_mm, end_mm)
        last_part_s = np.asarray(dwell_s, dtype=np.float64) if self.overlap else 0.0
        flown = np.maximum(self._ways_s(begin_mm, end_mm).max(axis=-1) - last_part_s, 0.0)
        return np.where(self.on_the_fly(dwell_s), flown, settled)

    def behind_mm(self, begin_mm: Float64Array, end_mm: Float64Array, dwell_s: Float64Array) -> Float64Array:
        """Return the stage's offset from its target in the middle of the exposure, (n, 2) mm.

        Notes
        -----
        Both axes start together at full speed, and the exposure ends with the slower one. On the fly it is smeared by
        speed × dwell; its middle stands for it, which is right to first order in the smear. 0 where the stage waits.
        """
        if not self.overlap:
            return np.zeros(np.broadcast_shapes(np.shape(begin_mm), np.shape(end_mm)))
        way, ways_s = np.asarray(end_mm, dtype=np.float64) - begin_mm, self._ways_s(begin_mm, end_mm)
        middle_s = self.lead_s(begin_mm, end_mm, dwell_s) + 0.5 * np.asarray(dwell_s, dtype=np.float64)
        left = np.maximum(1.0 - middle_s[..., None] / np.maximum(ways_s, 1e-12), 0.0)
        return np.where(self.on_the_fly(dwell_s)[..., None], -left * way, 0.0)

    def _ways_s(self, begin_mm: Float64Array, end_mm: Float64Array) -> Float64Array:
        speed = np.array([axis.speed for axis in self.motors])
        return np.asarray(np.abs(np.asarray(end_mm, dtype=np.float64) - begin_mm) / speed)


def _linear(name: str, vector: tuple[float, float, float], reach: float, **numbers: float) -> Axis:
    return Axis(name, vector, kind="linear", limits=(-reach, reach), **numbers)  # type: ignore[arg-type]


STAGES: dict[str, Stage] = {
    "stepper": Stage(
        "stepper",
        (
            _linear("x", _X, 1.0, step=0.0005, speed=0.5, settle_s=0.2),
            _linear("y", _Y, 1.0, step=0.0005, speed=0.5, settle_s=0.2),
        ),
    ),
    "piezo": Stage(
        "piezo",
        (
            _linear("x", _X, 1.0, step=1e-6, speed=2.0, settle_s=0.05),
            _linear("y", _Y, 1.0, step=1e-6, speed=2.0, settle_s=0.05),
        ),
    ),
}
"""Manipulators: "stepper" as most beamlines have it, "piezo" as a microscope has."""


def is_shortest(dwell_s: ArrayLike, shortest_s: float) -> BoolArray:
    """Return True where a dwell is the shortest that can be set, to the precision of a float32 action."""
    return np.asarray(np.asarray(dwell_s, dtype=np.float64) <= _SHORTEST * shortest_s)


def stage(name: str | Stage) -> Stage:
    """Return a stage by name, or the given one; raises ValueError for an unknown name."""
    if isinstance(name, Stage):
        return name
    if not isinstance(name, str) or name not in STAGES:
        raise ValueError(f"unknown stage {name!r}; choose one of {', '.join(STAGES)}")
    return STAGES[name]


def motor_errors(numbers: SurfaceNumbers) -> MotorErrors:
    """Return the errors of a level's stage."""
    return MotorErrors(
        backlash=numbers.backlash_mm, zero_sigma=numbers.zero_error_mm, readback_sigma=numbers.readback_noise_mm
    )
