"""instrument.yaml: read, checked as a whole, and what it leaves unguarded."""

from beamgym.envs.task import Context
from beamgym.hardware_bridge.instrument_file.context import (
    check_experiment,
    context_of,
    planned_exposure_s,
    planned_readout_s,
)
from beamgym.hardware_bridge.instrument_file.entries import (
    NO_HEARTBEAT,
    ArpesTaskEntry,
    AxisEntry,
    ConfirmEntry,
    DetectorEntry,
    DeviceEntry,
    HeartbeatEntry,
    LaueTaskEntry,
    Strict,
    SuspenderEntry,
)
from beamgym.hardware_bridge.instrument_file.file import InstrumentFile, tighter_limits
from beamgym.hardware_bridge.instrument_file.identity import (
    check_objects,
    commanded_devices,
    pvs_of,
    simulation_beside,
    strangers,
)
from beamgym.hardware_bridge.instrument_file.load import (
    UNDECIDED,
    load_instrument,
    parse_instrument,
    shipped_instrument,
)
from beamgym.hardware_bridge.instrument_file.missing_protection import find_missing_protection
from beamgym.hardware_bridge.instrument_file.outputs import record_of, refused_output

__all__ = [
    "NO_HEARTBEAT",
    "UNDECIDED",
    "ArpesTaskEntry",
    "AxisEntry",
    "ConfirmEntry",
    "Context",
    "DetectorEntry",
    "DeviceEntry",
    "HeartbeatEntry",
    "InstrumentFile",
    "LaueTaskEntry",
    "Strict",
    "SuspenderEntry",
    "check_experiment",
    "check_objects",
    "commanded_devices",
    "context_of",
    "find_missing_protection",
    "load_instrument",
    "parse_instrument",
    "planned_exposure_s",
    "planned_readout_s",
    "pvs_of",
    "record_of",
    "refused_output",
    "shipped_instrument",
    "simulation_beside",
    "strangers",
    "tighter_limits",
]
