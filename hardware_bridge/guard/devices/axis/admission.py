"""Decides on an axis at rest: whether a move may begin, and whether it stands where nobody else has moved it."""

import asyncio
import time
from typing import Any

from beamgym.hardware_bridge.guard.devices.axis.known import KnownAxis
from beamgym.hardware_bridge.guard.devices.commands import GuardedCommand
from beamgym.hardware_bridge.guard.rules import (
    AXIS_AT_REST,
    AXIS_BEFORE_MOVE,
    EXPOSURE_AXIS_BEFORE_SET,
    PATH,
    TARGET,
)


async def decide_on_target(axis: KnownAxis, command: GuardedCommand, target: float) -> float:
    """Decide on the target and on the axis as it stands; returns where it stands."""
    command.decide(TARGET, axis=axis.name, target=target)
    start, readings = await _readings(axis)
    command.decide(
        EXPOSURE_AXIS_BEFORE_SET if axis.sets_exposure else AXIS_BEFORE_MOVE,
        **readings,
        **_limits_of_file(axis),
        target=target,
        reach=axis.reach(target),
        present=start,
        moves_last_minute=axis.state.moves_last_minute(),
        sent=axis.state.sent,
        before=axis.state.settings,
    )
    axis.state.motor_limits = readings["motor_limits"]
    return start


async def _readings(axis: KnownAxis) -> tuple[float, dict[str, Any]]:
    """Return where it stands, and all that the rules take of its readings."""
    proxy = axis.proxy
    # Read anew for every command: a motor may have been homed, limited or moved by somebody else.
    (start, limits, moving), (velocity, alarm), (setpoint, settings) = await asyncio.gather(
        asyncio.gather(axis.position(), proxy.limits(), proxy.moving()),
        asyncio.gather(_velocity(axis), proxy.alarm()),
        asyncio.gather(proxy.setpoint(), proxy.fields()),
    )
    # A field that a busy server told after the arming counts from now on.
    if settings.keys() - axis.state.settings.keys():
        axis.state.settings = {**settings, **axis.state.settings}
    return start, {
        **_standing(axis, start, bool(moving)),
        "motor_limits": limits,
        "velocity": velocity,
        "text": alarm,
        # What it pretends in a dry run is not what its controller was told.
        "setpoint": None if axis.pretends else setpoint,
        "now": settings,
    }


async def _velocity(axis: KnownAxis) -> float | None:
    """Ask for the motor's speed where the file limits it; each question costs a round trip."""
    return None if axis.entry.max_speed is None else await axis.proxy.velocity()


def _limits_of_file(axis: KnownAxis) -> dict[str, Any]:
    entry = axis.entry
    return {
        "cable_turns": entry.cable_turns,
        "cable_zero": entry.cable_zero,
        "file_limits": entry.limits,
        "max_step": entry.max_step,
        "max_speed": entry.max_speed,
        "max_moves_per_min": entry.max_moves_per_min,
    }


def decide_on_path(axis: KnownAxis, command: GuardedCommand, start: float, target: float) -> None:
    """Decide on the whole path, and take note of the move."""
    if not axis.sets_exposure:
        # Decided with the other axes as they are now: those that move count with all that they may sweep.
        swept, guard = axis.swept(start, target), axis.guard
        command.decide(PATH, swept=guard.swept({axis.name: swept}), **guard.obstacles)
        axis.state.swept = swept
    # Counted when it was permitted, so that moves which then fail count, too.
    axis.state.moves.append(time.monotonic())


def decide_on_standing(axis: KnownAxis, command: GuardedCommand, position: float, moving: bool) -> None:
    """Decide whether an axis that nobody here sent can be read, and was moved by another client."""
    command.decide(AXIS_AT_REST, **_standing(axis, position, moving))


def _standing(axis: KnownAxis, position: float, moving: bool) -> dict[str, Any]:
    """Return what the rules about an axis at rest take: its reading and what was expected."""
    return {
        "axis": axis.name,
        "position": position,
        "expected": axis.state.known,
        "readback": position,
        "tolerance": axis.entry.tolerance,
        "moving": moving,
    }
