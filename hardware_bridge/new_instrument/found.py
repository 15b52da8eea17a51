"""What was read for a new instrument file."""

from dataclasses import dataclass
from typing import Any

from beamgym.hardware_bridge.settings import AxisSettings, DetectorSettings


@dataclass(frozen=True)
class AxisFound:
    """A motor record: what it says, its unit in the file or "" where it says none, and its tighter limits or None."""

    settings: AxisSettings
    unit: str
    limits: tuple[float, float] | None


@dataclass(frozen=True)
class SignalFound:
    """A PV that is only read: its value, the server (host:port) that it is from, and seconds between two changes."""

    pv: str
    value: Any
    server: str
    period_s: float | None = None


@dataclass(frozen=True)
class Found:
    """Everything that was read, by the names of the request."""

    axes: dict[str, AxisFound]
    camera: DetectorSettings
    shutter_status: str
    identity: str
    heartbeats: dict[str, SignalFound]
    suspenders: dict[str, SignalFound]
