"""Guarded devices: all checks are made inside set and trigger, so that commands sent again are checked again."""

from beamgym.hardware_bridge.guard.devices.axis import AxisState, GuardedAxis
from beamgym.hardware_bridge.guard.devices.commands import CHANGED, ROUNDS, GuardedCommand, Supervisor
from beamgym.hardware_bridge.guard.devices.detector import GuardedDetector
from beamgym.hardware_bridge.guard.devices.frame import spot_finder
from beamgym.hardware_bridge.guard.devices.proxies import (
    AxisProxy,
    DetectorProxy,
    ShutterProxy,
    SignalProxy,
    overshoot_of,
)
from beamgym.hardware_bridge.guard.devices.shutter import GuardedShutter

__all__ = [
    "CHANGED",
    "ROUNDS",
    "AxisProxy",
    "AxisState",
    "DetectorProxy",
    "GuardedAxis",
    "GuardedCommand",
    "GuardedDetector",
    "GuardedShutter",
    "ShutterProxy",
    "SignalProxy",
    "Supervisor",
    "overshoot_of",
    "spot_finder",
]
