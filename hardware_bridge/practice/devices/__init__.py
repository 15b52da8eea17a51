"""The practice instruments as ophyd-async devices, without EPICS: a Laue goniometer and an ARPES stage."""

from beamgym.hardware_bridge.practice.devices.instruments import PracticeInstrument, arpes_stage, laue_goniometer
from beamgym.hardware_bridge.practice.devices.motor import PracticeMotor
from beamgym.hardware_bridge.practice.devices.optics import PracticeDetector, PracticeShutter

__all__ = [
    "PracticeDetector",
    "PracticeInstrument",
    "PracticeMotor",
    "PracticeShutter",
    "arpes_stage",
    "laue_goniometer",
]
