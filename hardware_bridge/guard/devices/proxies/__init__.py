"""What the guard asks of axes, detectors, shutters and signals, whatever library made them; every call ends in time."""

from beamgym.hardware_bridge.guard.devices.proxies.axis import LOOK_S, AxisProxy
from beamgym.hardware_bridge.guard.devices.proxies.calls import finished, forget
from beamgym.hardware_bridge.guard.devices.proxies.detector import DetectorProxy, RawFrame
from beamgym.hardware_bridge.guard.devices.proxies.record_fields import Overshoot, overshoot_of
from beamgym.hardware_bridge.guard.devices.proxies.shutter import ShutterProxy
from beamgym.hardware_bridge.guard.devices.proxies.signal import SignalProxy

__all__ = [
    "LOOK_S",
    "AxisProxy",
    "DetectorProxy",
    "Overshoot",
    "RawFrame",
    "ShutterProxy",
    "SignalProxy",
    "finished",
    "forget",
    "overshoot_of",
]
