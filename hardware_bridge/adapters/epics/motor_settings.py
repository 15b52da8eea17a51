"""What a motor record says of its own settings."""

import math
from typing import Any

from beamgym.hardware_bridge.adapters.epics.optional import LOOK_S, number, read_optional, text
from beamgym.hardware_bridge.settings import AxisSettings

_FIELDS = (
    *("EGU", "RBV", "LLM", "HLM", "DLLM", "DHLM", "DIR", "OFF", "VELO", "VMAX"),
    *("BDST", "BVEL", "MRES", "RDBD", "MSTA", "DESC", "RTYP"),
)
_DIRECTIONS = {"Pos": 1, "0": 1, "0.0": 1, "Neg": -1, "1": -1, "1.0": -1}
_HOMED = 0x4000  # of MSTA, see the motor record's reference


async def read_motor_settings(record: str, timeout_s: float = LOOK_S) -> AxisSettings:
    """Return what a motor record says; None for the fields that its server does not have within ``timeout_s``."""
    found = await read_optional({field: f"{record}.{field}" for field in _FIELDS}, timeout_s)
    step, status = number(found, "MRES"), number(found, "MSTA")
    return AxisSettings(
        source=record,
        unit=text(found, "EGU"),
        position=number(found, "RBV"),
        limits=_pair(number(found, "LLM"), number(found, "HLM")),
        dial_limits=_pair(number(found, "DLLM"), number(found, "DHLM")),
        direction=direction_sign(found.get("DIR")),
        offset=number(found, "OFF"),
        speed=number(found, "VELO"),
        # 0 says that there is no largest speed.
        largest_speed=number(found, "VMAX") or None,
        backlash=number(found, "BDST"),
        backlash_speed=number(found, "BVEL"),
        # A negative resolution only turns the direction of the raw steps.
        step=None if step is None or not math.isfinite(step) else abs(step) or None,
        deadband=number(found, "RDBD"),
        homed=None if status is None or not math.isfinite(status) else bool(int(status) & _HOMED),
        description=text(found, "DESC"),
        record_type=text(found, "RTYP"),
    )


def direction_sign(found: Any) -> int | None:
    """Return +1 where DIR is Pos, -1 where it is Neg, by its word or its number; None for anything else."""
    # By how the client asks it reads as one or the other.
    return _DIRECTIONS.get(str(found).strip())


def _pair(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)
