"""Judges the end of a move: waits for the readback to settle at the target, and asks the rules."""

import asyncio
import math
import time

from beamgym.hardware_bridge.guard.devices.axis.following import judge_reading
from beamgym.hardware_bridge.guard.devices.axis.interruption import Interruption
from beamgym.hardware_bridge.guard.devices.axis.known import KnownAxis
from beamgym.hardware_bridge.guard.devices.axis.times import charged_s
from beamgym.hardware_bridge.guard.devices.axis.under_way import UnderWay
from beamgym.hardware_bridge.guard.devices.commands import GuardedCommand
from beamgym.hardware_bridge.guard.rules import AXIS_AFTER_MOVE, EXPOSURE_AXIS_AFTER_SET

_POLL_S = 0.02
_LONGEST_LAG = 5.0
"""A readback that still comes nearer after the motor was done is waited for so many times its ``readback_s``."""


async def arrive(axis: KnownAxis, command: GuardedCommand, under_way: UnderWay, interrupt: Interruption) -> bool:
    """Wait for the readback to settle at the target, and judge it; returns False where it was stopped meanwhile."""
    entry, state = axis.entry, axis.state
    start, target, begun = under_way.start, under_way.target, under_way.begun
    # For the shortest dwell the simulation lets the stage not settle either; policies were trained so.
    ended, settle_s = time.monotonic(), 0.0 if axis.guard.on_the_fly else entry.settle_s
    if settle_s and await interrupt.unless_given(asyncio.ensure_future(_nap(settle_s))) is None:
        return False
    # The readback, not the Status: motors report success at limit switches and after stops by others.
    settled = time.monotonic()
    read, moving, alarm = await _settled(axis, under_way)
    # Noted before it is judged, so that a refused arrival leaves the true position behind.
    state.known, state.moved_s = read, charged_s(axis, abs(target - start), settle_s, time.monotonic() - begun)
    command.decide(
        EXPOSURE_AXIS_AFTER_SET if axis.sets_exposure else AXIS_AFTER_MOVE,
        axis=axis.name,
        start=start,
        target=target,
        readback=read,
        tolerance=entry.tolerance,
        waited_s=round(time.monotonic() - settled, 1),
        axes=[axis.name] if moving else [],
        text=alarm,
        velocity=under_way.velocity,
        # Less the tolerance: two noisy readings may lie so much further apart than the motor went.
        distance=abs(read - start) - entry.tolerance,
        seconds=ended - begun,
        max_speed=entry.max_speed,
    )
    # Only now: until every rule has passed, the whole path counts as taken and nothing may be exposed.
    state.swept, state.arrived, state.certain, state.sent = None, True, True, None
    command.end("done", readback=read)
    return True


async def _settled(axis: KnownAxis, under_way: UnderWay) -> tuple[float, bool, str]:
    """Return readback, motion and alarm, as soon as it stands at the target, or when its time is over."""
    begun, nearest = time.monotonic(), math.inf
    tolerance, patience_s = axis.entry.tolerance, axis.entry.readback_s
    deadline = begun + patience_s
    while True:
        read, moving, alarm = await asyncio.gather(axis.position(), axis.proxy.moving(), axis.proxy.alarm())
        # A motor record sets DMOV before its last monitors are out; so its word and the readback are both waited for.
        off, now = abs(read - under_way.target), time.monotonic()
        there = off <= tolerance and not moving
        # A slow readback that still comes nearer is waited for: it says nothing yet.
        if off < nearest - 0.5 * tolerance:
            nearest, deadline = off, min(now + patience_s, begun + _LONGEST_LAG * patience_s)
        # A dead encoder does not come back.
        if there or not math.isfinite(read) or now > deadline:
            return read, bool(moving), alarm
        # It may say that it is done and run on.
        if not axis.sets_exposure:
            judge_reading(axis, under_way, read)
        await asyncio.sleep(_POLL_S)


async def _nap(seconds: float) -> bool:
    await asyncio.sleep(seconds)
    return True
