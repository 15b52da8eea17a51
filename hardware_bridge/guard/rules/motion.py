"""The guard's decisions about an axis that moves, and about what its controller says of itself.

Positions and distances are in the axis's own unit (degrees, mm or s), speeds in units per second.
"""

import math
from collections.abc import Mapping
from typing import Any

from beamgym.hardware_bridge.guard.rules.axes import tighter
from beamgym.hardware_bridge.guard.rules.decision import Decision, Interval, Number, refused, shown
from beamgym.hardware_bridge.settings import is_unit

FASTEST = 2.0
"""No motor is so many times faster than the speed it says it is set to: what rounds and ramps is far less."""

_SAME = 1e-9  # numbers that travelled as text or as float32 differ by less


def kept_limits(
    axis: str,
    position: Number,
    start: Number,
    file_limits: Interval | None,
    motor_limits: Interval | None,
    tolerance: Number,
) -> Decision:
    """Item 1: a moving axis stays within the tighter of the file's and the motor's limits, widened by its tolerance.

    Parameters
    ----------
    start : where the move began; one that began outside comes back in, and may be outside that far
    """
    tightest = tighter(file_limits, motor_limits)
    if tightest is None or not math.isfinite(float(position)):
        return Decision(1, True)
    low, high = min(tightest[0], float(start)), max(tightest[1], float(start))
    if low - float(tolerance) <= float(position) <= high + float(tolerance):
        return Decision(1, True)
    return refused(
        1, f"{axis} runs at {shown(position)}, outside its limits {shown(low)} to {shown(high)}; it is being stopped"
    )


def on_its_way(axis: str, position: Number, way: Interval, margin: Number) -> Decision:
    """Item 4: a moving axis stays between start and target, backlash included, or nearer to them than ``margin``.

    Parameters
    ----------
    way : (low, high) of start, target and the overshoot that takes out the backlash
    """
    low, high = float(way[0]) - float(margin), float(way[1]) + float(margin)
    # nan is for ``readable``, which says what is wrong
    if math.isnan(float(position)) or low <= float(position) <= high:
        return Decision(4, True)
    return refused(
        4,
        f"{axis} runs at {shown(position)}, off its way from {shown(way[0])} to {shown(way[1])}; it is being stopped: "
        "look for a wrong direction, crossed cables, another client, a runaway, or an overshoot larger than the file's "
        "overrun",
    )


def progress(axis: str, still_s: Number, allowed_s: Number) -> Decision:
    """Item 5: an axis that was sent and has not arrived does not read the same for more than ``allowed_s`` seconds."""
    if float(still_s) <= float(allowed_s):
        return Decision(5, True)
    return refused(
        5,
        f"{axis} was sent and has read the same for {shown(still_s)} s, allowed are {shown(allowed_s)}: it stalls, its "
        "readback is frozen or slower than the file's stall_s; it is being stopped",
    )


def travel_time(axis: str, distance: Number, seconds: Number, velocity: Number | None) -> Decision:
    """Item 4: a readback is not ahead of the motor: a distance takes at least half its time at the motor's own speed.

    Parameters
    ----------
    distance : that the readback has changed by since the motor was sent
    seconds : since then
    velocity : the faster of the speeds that the motor says it moves at; None where it does not say
    """
    if velocity is None or not math.isfinite(float(distance)):
        return Decision(4, True)
    least_s = float(distance) / (FASTEST * float(velocity)) if velocity else math.inf
    if float(distance) <= 0.0 or float(seconds) >= least_s:
        return Decision(4, True)
    return refused(
        4,
        f"{axis} reads {shown(distance)} further after {shown(seconds)} s, the motor is set to {shown(velocity)} per "
        "second; the readback shows the target and not the motor, or VELO is not what it moves with",
    )


def setpoint(axis: str, setpoint: Number | None, readback: Number, tolerance: Number, sent: Number | None) -> Decision:
    """Item 4: an axis at rest reads what its controller was last told, or where we stopped it; None does not say.

    Parameters
    ----------
    sent : the target of the move of ours that was stopped on its way; None where the last one arrived
    """
    # nan is for ``readable``
    if setpoint is None or math.isnan(float(readback)):
        return Decision(4, True)
    goals = [setpoint] if sent is None else [setpoint, readback]
    # After a stop of ours a controller may keep that target, and no other.
    known = (
        sent is None or abs(float(setpoint) - float(sent)) <= float(tolerance) or _near(setpoint, readback, tolerance)
    )
    if known and any(_near(goal, readback, tolerance) for goal in goals):
        return Decision(4, True)
    return refused(
        4,
        f"{axis} has the setpoint {shown(setpoint)} and reads {shown(readback)}: from which of the two it would move "
        "is not known; bring both together at the controller (motor record: SYNC), or give turn: 360 "
        "to a rotary axis whose readback begins anew each turn",
    )


def rotary(axis: str, turn: Number | None, setpoint: Number | None) -> Decision:
    """Item 1: an axis whose readback begins anew each ``turn`` says by its setpoint how many turns it has made."""
    if turn is None or setpoint is not None:
        return Decision(1, True)
    return refused(
        1,
        f"{axis} has turn: {shown(turn)} and no setpoint, so that its turns cannot be counted; give it one, or no turn",
    )


def cable(axis: str, reach: Interval, cable_turns: Number | None, cable_zero: Number) -> Decision:
    """Item 1: an axis is never more than ``cable_turns`` turns from where its cables hang free, on either side.

    Parameters
    ----------
    reach : (low, high) that the move takes it to, in degrees that count on over the turns
    cable_zero : where the cables hang free, degrees
    """
    if cable_turns is None:
        return Decision(1, True)
    far = max(abs(float(end) - float(cable_zero)) for end in reach) / 360.0
    # Written with "not", so that nan is refused, too.
    if not far <= float(cable_turns) * (1.0 + _SAME):
        return refused(
            1,
            f"{axis} would be {shown(far)} turns from where its cables hang free, {shown(cable_turns)} are allowed; "
            "turn it back",
        )
    return Decision(1, True)


def unit(axis: str, unit: str, said: str | None, egu: str | None) -> Decision:
    """Item 1: the motor's own unit is the file's; None where it does not say.

    Parameters
    ----------
    unit : of the file: "deg", "mm" or "s"
    said : the motor's EGU
    egu : what the file says that the motor says, where that is no usual spelling; "" for a record without one
    """
    if said is None:
        return Decision(1, True)
    text = said.strip().lower()
    if is_unit(text, unit) if egu is None else text == egu.strip().lower():
        return Decision(1, True)
    if not text:
        return refused(
            1, f"{axis}'s motor does not say its unit (EGU is empty); set EGU to {unit!r}, or give the axis egu: ''"
        )
    return refused(
        1, f"{axis}'s motor is in {said!r}, the file says {unit!r}; correct one, or give the axis egu: {said}"
    )


def settings(axis: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Decision:
    """Item 17: the settings of a motor are those that were read when the guard was armed; lower speeds are let pass.

    Parameters
    ----------
    before, now : field, such as "OFF" or "HLM", to what it reads; a field that one of the two lacks is not compared
    """
    for field, old in before.items():
        new = now.get(field, old)
        # A slower motor gets nowhere that was not judged, and its time is limited.
        if _equal(old, new) or (field in ("VELO", "BVEL") and _slower(old, new)):
            continue
        return refused(
            17,
            f"{axis}: {field} was changed from {_told(old)} to {_told(new)} by another client; agree with them first",
        )
    return Decision(17, True)


def _near(one: Number, other: Number, within: Number) -> bool:
    return abs(float(one) - float(other)) <= float(within)


def _equal(old: Any, new: Any) -> bool:
    if isinstance(old, int | float) and isinstance(new, int | float):
        both_nan = math.isnan(old) and math.isnan(new)
        return both_nan or math.isclose(old, new, rel_tol=_SAME, abs_tol=1e-12)
    return bool(old == new)


def _slower(old: Any, new: Any) -> bool:
    return isinstance(old, int | float) and isinstance(new, int | float) and 0.0 < float(new) < float(old)


def _told(value: Any) -> str:
    return shown(value) if isinstance(value, int | float) else repr(str(value))
