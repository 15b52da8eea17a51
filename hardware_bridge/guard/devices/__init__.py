"""Devices whose set and trigger are guarded inside, so that commands sent again are too."""

from beamgym.hardware_bridge.guard.devices.axis import AxisState, GuardedAxis
from beamgym.hardware_bridge.guard.devices.command import Command
from beamgym.hardware_bridge.guard.devices.detector import GuardedDetector
from beamgym.hardware_bridge.guard.devices.proxies import AxisFace, DetectorFace, ShutterFace, SignalFace
from beamgym.hardware_bridge.guard.devices.shutter import GuardedShutter

__all__ = [
    "AxisFace",
    "AxisState",
    "Command",
    "DetectorFace",
    "GuardedAxis",
    "GuardedDetector",
    "GuardedShutter",
    "ShutterFace",
    "SignalFace",
]
