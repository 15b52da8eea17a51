"""The guard's decisions about axes: limits, steps, the collision envelope, arrival, homing, moves by others.

Positions and distances are in the axis's own unit (degrees, mm or s), speeds in units per second.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from beamgym.hardware_bridge.guard.rules.decision import Decision, Interval, Number, refused, shown

_CHECK = "check the encoder, and whether its server calls the position INVALID"
"""What is to be done where an axis has no position."""


def has_limits(axis: str, file_limits: Interval | None, motor_limits: Interval | None) -> Decision:
    """Item 1: an axis has limits, in the file or in its motor, and the two leave some travel."""
    tightest = tighter(file_limits, motor_limits)
    if tightest is None:
        return refused(1, f"{axis} has limits neither in the file nor in its motor; give it limits")
    # Written with "not", so that nan limits are refused, too.
    if not tightest[0] <= tightest[1]:
        return refused(1, f"{axis} has no travel: file limits {file_limits}, motor limits {motor_limits}; correct one")
    return Decision(1, True)


def limits(
    axis: str,
    target: Number,
    file_limits: Interval | None,
    motor_limits: Interval | None,
    reach: Interval | None = None,
) -> Decision:
    """Item 1: a target, backlash overshoot included, lies within the tighter of the file's and the motor's limits.

    Parameters
    ----------
    target : degrees, mm or s
    file_limits, motor_limits : (low, high) in the same unit, or None where there are none; an axis needs one of the two
    reach : (low, high) of the target and of the overshoot that takes out the backlash; None is the target alone
    """
    tightest = tighter(file_limits, motor_limits)
    if tightest is None or not tightest[0] <= tightest[1]:
        return has_limits(axis, file_limits, motor_limits)
    low, high = tightest
    # A nan target fails both comparisons and is refused.
    if not low <= float(target) <= high:
        return refused(1, f"{axis} was to go to {shown(target)}, its limits are {shown(low)} to {shown(high)}")
    if reach is None or (low <= float(reach[0]) and float(reach[1]) <= high):
        return Decision(1, True)
    return refused(
        1,
        f"{axis} was to go to {shown(target)} and reaches {shown(reach[0])} to {shown(reach[1])} to take out its "
        f"backlash, its limits are {shown(low)} to {shown(high)}; keep so far from them",
    )


def finite(axis: str, target: Number) -> Decision:
    """Item 2: a target is a finite number."""
    if math.isfinite(float(target)):
        return Decision(2, True)
    return refused(2, f"{axis} was to go to {target}; give a finite number")


def step(axis: str, target: Number, present: Number, max_step: Number | None) -> Decision:
    """Item 2: one move is no longer than ``max_step``, in the axis's unit; where it begins, ``readable`` judges."""
    length = abs(float(target) - float(present))
    # One part in 10^9: target minus position is rounded, and a step of exactly max_step is allowed. nan is for
    # ``readable``.
    if max_step is None or math.isnan(length) or length <= float(max_step) * (1.0 + 1e-9):
        return Decision(2, True)
    return refused(
        2, f"{axis} was to move by {shown(length)}, more than max_step {shown(max_step)}; make smaller steps"
    )


def rate(axis: str, moves_last_minute: int, max_moves_per_min: Number | None) -> Decision:
    """Item 2: an axis is moved no more than ``max_moves_per_min`` times in a minute."""
    # Fewer, since this very move is not counted yet.
    if max_moves_per_min is None or moves_last_minute < float(max_moves_per_min):
        return Decision(2, True)
    return refused(
        2, f"{axis} made {moves_last_minute} moves in the last minute, {shown(max_moves_per_min)} are allowed; wait"
    )


def set_speed(axis: str, velocity: Number | None, max_speed: Number | None) -> Decision:
    """Item 2: the motor is set to a speed, units per second, of at most ``max_speed``; None where it does not say."""
    # A controller rounds its speed when it is set; what it rounds is no excess.
    if max_speed is None or velocity is None or float(velocity) <= float(max_speed) * (1.0 + 1e-9):
        return Decision(2, True)
    return refused(2, f"{axis} is set to {shown(velocity)} per second, max_speed is {shown(max_speed)}; slow it down")


def speed(axis: str, distance: Number, seconds: Number, max_speed: Number | None) -> Decision:
    """Item 2: a move was no faster, on average, than ``max_speed`` in units per second."""
    if max_speed is None or float(distance) <= float(max_speed) * float(seconds):
        return Decision(2, True)
    # A jump within the clock's resolution must not divide by zero in its own refusal.
    found = float(distance) / max(float(seconds), 1e-9)
    return refused(2, f"{axis} moved at {shown(found)} per second, max_speed is {shown(max_speed)}; slow it down")


def envelope(
    swept: Mapping[str, Interval],
    forbidden: Sequence[Mapping[str, Any]],
    turns: Mapping[str, Number] | None = None,
) -> Decision:
    """Item 3: everything that a move may sweep stays out of every forbidden box in joint space.

    Parameters
    ----------
    swept : per axis, the interval between start and target of what moves, widened by backlash and tolerance; for an
        axis that stands, its position widened by the tolerance
    forbidden : boxes {"name", "forbidden": {axis: (low, high)}, "margin"}; an axis that a box does not name may have
        any position in it
    turns : of rotary axes, after how much a position is the same place again

    Notes
    -----
    Axes that start together do not arrive together: the path is not straight in joint space, and depends on speeds
    that nobody here can vouch for. So the whole box between start and target must be free: it holds the straight path,
    every order of arrival, every stop half way and the backlash overshoot. Two boxes meet when they overlap on every
    axis.
    """
    for box in forbidden:
        margin = float(box.get("margin", 0.0))
        sides = box["forbidden"].items()
        # An axis that is not swept is an exposure-time axis, which no box can name (the file's check sees to that).
        met = (axis in swept and _overlap(swept[axis], side, margin, (turns or {}).get(axis)) for axis, side in sides)
        if all(met):
            places = ", ".join(f"{axis} {shown(swept[axis][0])} to {shown(swept[axis][1])}" for axis, _ in sides)
            return refused(3, f"the move may sweep {places} and so enter {box['name']!r}; go round it in several moves")
    return Decision(3, True)


def readable(axis: str, position: Number) -> Decision:
    """Item 4: an axis reads a finite position; where it does not, nothing begins and nothing goes on."""
    if math.isfinite(float(position)):
        return Decision(4, True)
    return refused(4, f"{axis} reads {position}; {_CHECK}: nobody knows where it is")


def arrival(
    axis: str, start: Number, target: Number, readback: Number, tolerance: Number, waited_s: Number | None = None
) -> Decision:
    """Item 4: after settling, an axis reads a finite position within its tolerance of the target.

    Parameters
    ----------
    waited_s : for so long after the motor said that it was done

    Notes
    -----
    A status that says success is not asked: it is told for stalls, limit switches and stops by others too.
    """
    read, goal = float(readback), float(target)
    if not math.isfinite(read):
        return refused(4, f"{axis} reads {readback} after its move to {shown(goal)}; {_CHECK}")
    if abs(read - goal) <= float(tolerance):
        return Decision(4, True)
    # It has not left its place: which of the three it is cannot be known from here.
    if abs(read - float(start)) <= float(tolerance):
        waited = "" if waited_s is None else f" and {shown(waited_s)} s of waiting"
        return refused(
            4,
            f"{axis} still reads {shown(read)} after a move to {shown(goal)}{waited}: stalled, or the readback is "
            "frozen or slower than the file's readback_s",
        )
    return refused(
        4,
        f"{axis} did not arrive: {shown(read)} instead of {shown(goal)}, tolerance {shown(tolerance)}; "
        "look for a limit switch, a stop by another client or an overshoot",
    )


def unfinished(axes: Sequence[str]) -> Decision:
    """Item 4: a device is free before its next command, and nothing is exposed over an axis that did not arrive."""
    if not axes:
        return Decision(4, True)
    return refused(4, f"{', '.join(axes)} did not finish the last move; send the target again before exposing")


def alarm(axis: str, text: str) -> Decision:
    """Item 4: an axis reports no alarm, before a move and after it; the empty text is none."""
    if not text:
        return Decision(4, True)
    return refused(4, f"{axis} reports the alarm {text!r}; clear it at the controller")


def undisturbed(axis: str, expected: Number, readback: Number, tolerance: Number, moving: bool) -> Decision:
    """Item 17: an axis that nobody here sent stands still where it was left; ``readable`` judges nan."""
    if moving:
        return refused(17, f"{axis} moves though it was not sent; another client drives it, agree with them first")
    # nan passes here and is refused by ``readable``, which says what is wrong.
    drift = abs(float(readback) - float(expected))
    if math.isnan(drift) or drift <= float(tolerance):
        return Decision(17, True)
    return refused(
        17, f"{axis} was left at {shown(expected)} and reads {shown(readback)}; another client moved it, or it slipped"
    )


def homed(axis: str, home_required: bool, home_done: bool | None) -> Decision:
    """Item 16: an axis that must be homed is: it says so itself, or a human says it (``homed`` of ``Guard.arm``)."""
    # None, which is "cannot say", is not enough: somebody has to vouch for it.
    if not home_required or home_done:
        return Decision(16, True)
    return refused(16, f"{axis} must be homed before it moves; home it at the controller, then arm again")


def known_position(axis: str, position: Number, known: bool) -> Decision:
    """Item 11: where an axis stands is known: its position is finite, and every move and stop was confirmed."""
    if known and math.isfinite(float(position)):
        return Decision(11, True)
    remedy = "bring it back by hand" if math.isfinite(float(position)) else _CHECK
    return refused(11, f"where {axis} stands is not certain (it reads {position}); {remedy}")


def move_limit_s(
    distance: float, speed: float, timeout_s: float, backlash: float = 0.0, backlash_speed: float | None = None
) -> float:
    """Item 5: a move has the time that its distance takes at the file's speed, and the file's timeout on top, seconds.

    Parameters
    ----------
    distance : in the axis's unit; 0 for an exposure-time axis
    speed : units per second
    timeout_s : grace beyond that
    backlash : travelled out and back beside the distance
    backlash_speed : of the way back, units per second, where the motor takes out its backlash more slowly
    """
    back = min(speed, backlash_speed) if backlash_speed else speed
    return (distance + backlash) / speed + backlash / back + timeout_s


def tighter(first: Interval | None, second: Interval | None) -> tuple[float, float] | None:
    """Return what two limits (low, high) leave; None where neither is given."""
    given = [(float(low), float(high)) for low, high in (pair for pair in (first, second) if pair is not None)]
    if not given:
        return None
    return max(low for low, _ in given), min(high for _, high in given)


def way(start: float, target: float, backlash: float, overshoot: float = 0.0) -> tuple[float, float]:
    """Return the positions that a motor takes on its way.

    Parameters
    ----------
    backlash : of the file, which does not say on which side: the motor may run past the target, or first back past
        its start
    overshoot : of the motor record, in user coordinates: it comes to a target from ``target - overshoot``
    """
    ends = (start, target, target - overshoot)
    wider = abs(backlash)
    return min(min(start, target) - wider, *ends), max(max(start, target) + wider, *ends)


def targets_within(limits: Interval | None, backlash: float, overshoot: float = 0.0) -> tuple[float, float] | None:
    """Return the targets that limits leave when a motor takes out its backlash; see ``way``. None without limits."""
    if limits is None:
        return None
    below, above = way(0.0, 0.0, backlash, overshoot)
    return float(limits[0]) - below, float(limits[1]) - above


def swept_interval(
    start: float, target: float, backlash: float, tolerance: float, overshoot: float = 0.0
) -> tuple[float, float]:
    """Return the positions that an axis may take on a move: its way (see ``way``), widened by the tolerance."""
    low, high = way(start, target, backlash, overshoot)
    return low - abs(tolerance), high + abs(tolerance)


def _overlap(first: Interval, second: Interval, margin: float, turn: Number | None = None) -> bool:
    low, high = float(second[0]) - margin, float(second[1]) + margin
    if turn is not None and math.isfinite(float(first[0])):
        # The turn of the box that begins next above the interval's begin, or the one before it.
        shift = math.ceil((float(first[0]) - low) / float(turn)) * float(turn)
        return _overlap(first, (low + shift, high + shift), 0.0) or _overlap(
            first, (low + shift - float(turn), high + shift - float(turn)), 0.0
        )
    # written so that nan overlaps with everything
    return not (float(first[1]) < low or float(first[0]) > high)
