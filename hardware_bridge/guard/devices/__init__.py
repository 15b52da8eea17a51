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
from beamgym.hardware_bridge.guard.devices.repeats import frame_digest
from beamgym.hardware_bridge.guard.devices.shutter import GuardedShutter
from beamgym.hardware_bridge.guard.devices.together import (
    asks_shortest_dwell,
    exposure_set_s,
    halt_together,
    set_off_again,
    swept_together,
    unfinished_axes,
)

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
    "asks_shortest_dwell",
    "exposure_set_s",
    "frame_digest",
    "halt_together",
    "overshoot_of",
    "set_off_again",
    "spot_finder",
    "swept_together",
    "unfinished_axes",
]
