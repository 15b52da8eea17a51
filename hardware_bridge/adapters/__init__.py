"""From the instrument file to devices: EPICS, Tango, VISA, dropped files, hand-turned axes, exposure."""

from beamgym.hardware_bridge.adapters.connect import Devices, connect
from beamgym.hardware_bridge.adapters.own_devices import OwnDevices
from beamgym.hardware_bridge.adapters.table import check_options

__all__ = [
    "Devices",
    "OwnDevices",
    "check_options",
    "connect",
]
