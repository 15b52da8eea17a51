"""Guarded devices: all checks are made inside set and trigger, so that commands sent again are checked again."""

from beamgym.hardware_bridge.guard.devices.axis import AxisState, GuardedAxis
from beamgym.hardware_bridge.guard.devices.command import GuardedCommand
from beamgym.hardware_bridge.guard.devices.detector import GuardedDetector
from beamgym.hardware_bridge.guard.devices.frame import spot_finder
from beamgym.hardware_bridge.guard.devices.proxies import AxisProxy, DetectorProxy, ShutterProxy, SignalProxy
from beamgym.hardware_bridge.guard.devices.shutter import GuardedShutter
from beamgym.hardware_bridge.guard.devices.supervisor import Supervisor

__all__ = [
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
    "spot_finder",
]
