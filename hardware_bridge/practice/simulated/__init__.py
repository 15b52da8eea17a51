"""What the practice instrument serves: a simulated sample, motors and camera with faults."""

from beamgym.hardware_bridge.practice.simulated.beam_state import ServedFrame
from beamgym.hardware_bridge.practice.simulated.faults import FAULTS
from beamgym.hardware_bridge.practice.simulated.hardware import EmulatedHardware
from beamgym.hardware_bridge.practice.simulated.kind import PracticeSample, practice_sample, simulation_of
from beamgym.hardware_bridge.practice.simulated.motion import Motor
from beamgym.hardware_bridge.practice.simulated.sample import EmulatedSample, emulated_sample
from beamgym.hardware_bridge.practice.simulated.state import StateFile
from beamgym.hardware_bridge.practice.simulated.truth import TruthRecord, read_records

__all__ = [
    "FAULTS",
    "EmulatedHardware",
    "EmulatedSample",
    "Motor",
    "PracticeSample",
    "ServedFrame",
    "StateFile",
    "TruthRecord",
    "emulated_sample",
    "practice_sample",
    "read_records",
    "simulation_of",
]
