"""What is particular to the file of an ARPES instrument: what its parts must be, and what it says to the task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamgym.envs.arpes_spot import SpotContext
from beamgym.hardware_bridge.instrument_file.entries import ArpesTaskEntry, MotorLimits
from beamgym.hardware_bridge.instrument_file.text import prefixed
from beamgym.physics.arpes.detection import Grid
from beamgym.physics.instrument import AcquireSettings

if TYPE_CHECKING:
    from beamgym.hardware_bridge.instrument_file.file import InstrumentFile

FIRST_DWELL_S = 0.5
"""Exposure of the first frame where the detector does not say its own, seconds: that of the simulated instrument."""


def check(file: InstrumentFile) -> None:
    """Check that the parts of a file make an ARPES instrument; raises ValueError in one line."""
    units = tuple(axis.unit for axis in file.axes)
    if units != ("mm", "mm", "s") or file.axis_names != ("x", "y", "dwell"):
        found = ", ".join(f"{axis.name} in {axis.unit}" for axis in file.axes)
        raise ValueError(f"an arpes instrument has the axes x in mm, y in mm, dwell in s, in this order; found {found}")
    if file.detector.energy_ev is None or file.detector.slit_deg is None:
        raise ValueError("detector: energy_ev and slit_deg are missing; give the first and last pixel centre of each")
    low, high = file.axes[2].limits or (0.0, 0.0)
    shortest, longest = file.detector.exposure_s
    if low < shortest or high > longest:
        raise ValueError(
            f"axis 'dwell' goes from {low:g} to {high:g} s, the detector from {shortest:g} to {longest:g} s; "
            "bring it within the detector's"
        )
    stand_in = {axis.name: (-1.0, 1.0) for axis in file.axes if axis.limits is None}
    prefixed("axes", lambda: file.build_stage(stand_in))
    for axis in file.axes:
        if axis.unit == "mm" and axis.tolerance > file.experiment.max_step_mm:
            raise ValueError(
                f"axis {axis.name!r}: tolerance {axis.tolerance:g} mm is more than arpes: max_step_mm "
                f"{file.experiment.max_step_mm:g}, so that a step would have arrived before it is made; give less"
            )


def context(file: InstrumentFile, motor_limits: MotorLimits | None) -> SpotContext:
    """Return what the task may know; raises ValueError where the spectrum is not described."""
    task: ArpesTaskEntry = file.experiment
    energy_ev, slit_deg = file.detector.energy_ev, file.detector.slit_deg
    if energy_ev is None or slit_deg is None:
        raise ValueError(f"instrument {file.name!r}: detector: energy_ev and slit_deg are missing; add both")
    grid = Grid.uniform(energy_ev, slit_deg, file.detector.shape)
    stage = file.build_stage(motor_limits, task.stage)
    return SpotContext(stage, grid, task.beam_time_s, task.action, task.max_step_mm, task.readout_s)


def exposure_s(file: InstrumentFile, settings: AcquireSettings | None) -> float:
    """Return the first frame's dwell, within the detector's range; later ones have that of the axis ``dwell``."""
    low, high = file.detector.exposure_s
    return min(max(FIRST_DWELL_S, low), high)


def goal(file: InstrumentFile) -> str:
    """Return what a run is to reach, in words; the same on every instrument."""
    return "the sample's best site"
