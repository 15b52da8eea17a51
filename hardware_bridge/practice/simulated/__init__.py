"""What the practice instrument serves: a simulated sample, motors and camera with faults."""

from typing import TYPE_CHECKING, Any

from beamgym.hardware_bridge.practice.simulated.beam_state import ServedFrame
from beamgym.hardware_bridge.practice.simulated.faults import FAULTS
from beamgym.hardware_bridge.practice.simulated.hardware import EmulatedHardware
from beamgym.hardware_bridge.practice.simulated.kind import PracticeSample, practice_sample, simulation_of
from beamgym.hardware_bridge.practice.simulated.motion import Motor
from beamgym.hardware_bridge.practice.simulated.sample import EmulatedSample, emulated_sample
from beamgym.hardware_bridge.practice.simulated.state import StateFile
from beamgym.hardware_bridge.practice.simulated.truth import TruthRecord, read_records

if TYPE_CHECKING:
    from beamgym.hardware_bridge.practice.simulated.diffractometer import COLUMNS, MONITOR_PER_S, ScanningSample, Sweep

__all__ = [
    "COLUMNS",
    "FAULTS",
    "MONITOR_PER_S",
    "EmulatedHardware",
    "EmulatedSample",
    "Motor",
    "PracticeSample",
    "ScanningSample",
    "ServedFrame",
    "StateFile",
    "Sweep",
    "TruthRecord",
    "emulated_sample",
    "practice_sample",
    "read_records",
    "simulation_of",
]


def __getattr__(name: str) -> Any:
    """Return what counts, with the task of diffractometers; imported when it is asked for."""
    if name in ("COLUMNS", "MONITOR_PER_S", "ScanningSample", "Sweep"):
        from beamgym.hardware_bridge.practice.simulated import diffractometer

        return getattr(diffractometer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
