"""The motor record's fields: by which names devices tell them, and how a motor takes out its backlash."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from beamgym.hardware_bridge.settings import AxisSettings

RECORD_FIELDS = {
    "motor_egu": "EGU",
    "motor_resolution": "MRES",
    "velocity": "VELO",
    "acceleration_time": "ACCL",
    "acceleration": "ACCL",
    "offset": "OFF",
    "user_offset": "OFF",
    "user_offset_dir": "DIR",
    "offset_freeze_switch": "FOFF",
    "set_use_switch": "SET",
    "low_limit_travel": "LLM",
    "high_limit_travel": "HLM",
    "dial_low_limit_travel": "DLLM",
    "dial_high_limit_travel": "DHLM",
}
"""Fields by the attributes that ophyd-async's Motor and classic ophyd's EpicsMotor give them."""


@dataclass(frozen=True)
class Overshoot:
    """How a motor takes out its backlash, in user coordinates.

    Parameters
    ----------
    distance : it comes to every target from ``target - distance``; its sign says from which side
    speed : of that last way, units per second; None where it does not say
    """

    distance: float = 0.0
    speed: float | None = None


def by_record_names(settings: AxisSettings) -> dict[str, Any]:
    """Return what a device says of its settings by the motor record's names; what it does not say is left out."""
    low, high = settings.limits or (None, None)
    dial_low, dial_high = settings.dial_limits or (None, None)
    named = {
        "EGU": settings.unit,
        "MRES": settings.step,
        "VELO": settings.speed,
        "BDST": settings.backlash,
        "BVEL": settings.backlash_speed,
        "OFF": settings.offset,
        "DIR": None if settings.direction is None else "Pos" if settings.direction > 0 else "Neg",
        "LLM": low,
        "HLM": high,
        "DLLM": dial_low,
        "DHLM": dial_high,
    }
    return {field: value for field, value in named.items() if value is not None}


def overshoot_of(settings: Mapping[str, Any]) -> Overshoot:
    """Return how a motor record takes out its backlash, from its BDST, BVEL and DIR; none where it does not say.

    Notes
    -----
    The record drives to ``DVAL - BDST`` at VELO and from there to DVAL at BVEL: BDST is in dial coordinates, of which a
    negative DIR reverses the sign (motorRecord.cc of epics-modules/motor, ``do_work``). A short move in the preferred
    direction is made without it, so that this holds more than happens.
    """
    distance = settings.get("BDST")
    if not isinstance(distance, int | float) or not math.isfinite(distance) or distance == 0.0:
        return Overshoot()
    speed = settings.get("BVEL")
    sign = -1.0 if settings.get("DIR") in ("Neg", 1, "1") else 1.0
    known = isinstance(speed, int | float) and math.isfinite(speed) and speed > 0.0
    return Overshoot(sign * float(distance), float(speed) if known and speed is not None else None)
