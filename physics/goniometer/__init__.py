"""Goniometers: ordered axes, forward and inverse, their real motors, and the targets that they are to reach."""

from beamgym.physics.goniometer import motors
from beamgym.physics.goniometer.directions import Direction, direction
from beamgym.physics.goniometer.goniometer import Goniometer, Solution, goniometer, goniometer_names
from beamgym.physics.goniometer.motors import (
    MotorErrors,
    MotorState,
    begun_anew,
    move,
    of_rotations,
    readback,
    sample_offset_mm,
    start,
    travel_time_s,
)
from beamgym.physics.goniometer.motors_kernels import normal_batch
from beamgym.physics.goniometer.senses import sense_words, turn_uncertainty
from beamgym.physics.goniometer.targets import Goals, Target, parse_target
from beamgym.physics.goniometer.turns import AxisTurn, Remount, TurnsToTarget, turns_to_target

__all__ = [
    "AxisTurn",
    "Direction",
    "Goals",
    "Goniometer",
    "MotorErrors",
    "MotorState",
    "Remount",
    "Solution",
    "Target",
    "TurnsToTarget",
    "begun_anew",
    "direction",
    "goniometer",
    "goniometer_names",
    "motors",
    "move",
    "normal_batch",
    "of_rotations",
    "parse_target",
    "readback",
    "sample_offset_mm",
    "sense_words",
    "start",
    "travel_time_s",
    "turn_uncertainty",
    "turns_to_target",
]
