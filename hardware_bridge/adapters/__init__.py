"""From the instrument file to devices: EPICS, Tango, VISA, dropped files, hand-turned axes, exposure."""

from beamgym.hardware_bridge.adapters.connect import Devices, connect
from beamgym.hardware_bridge.adapters.table import check_options

__all__ = [
    "Devices",
    "check_options",
    "connect",
]
