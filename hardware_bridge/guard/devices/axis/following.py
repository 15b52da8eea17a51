"""Follows an axis while it moves: every reading is judged, and the first that may not be is an abort."""

import asyncio
import contextlib
import math
import time
from collections.abc import Iterator

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.devices.axis.known import KnownAxis
from beamgym.hardware_bridge.guard.devices.axis.under_way import UnderWay
from beamgym.hardware_bridge.guard.devices.commands import GuardedCommand
from beamgym.hardware_bridge.guard.devices.proxies import LOOK_S
from beamgym.hardware_bridge.guard.rules import AXIS_UNDER_WAY, GuardRefused, way
from beamgym.hardware_bridge.records import AuditError


def about_to_move(axis: KnownAxis, start: float, target: float) -> UnderWay:
    """Return what is known of a move that begins now."""
    entry, overshoot, file = axis.entry, axis.overshoot, axis.guard.file
    velocity = axis.state.settings.get("VELO")
    # Nothing is concluded from the speed of a simulation whose clock may run at any pace.
    real = not file.simulation or (file.identity is not None and file.identity.real_time)
    told = real and isinstance(velocity, int | float) and velocity > 0.0
    return UnderWay(
        entry=entry,
        start=start,
        target=target,
        way=way(start, target, entry.backlash, overshoot.distance),
        motor_limits=axis.state.motor_limits,
        velocity=max(float(velocity or 0.0), overshoot.speed or 0.0) if told else None,
        begun=time.monotonic(),
    )


@contextlib.contextmanager
def followed(axis: KnownAxis, under_way: UnderWay) -> "Iterator[asyncio.Future[None] | None]":
    """Follow the axis within this; gives a Future that ends by what it found, None for an axis that is not followed."""
    unseen = axis.sets_exposure or not axis.proxy.reads_while_moving
    following = None if unseen else asyncio.ensure_future(_follow(axis, under_way))
    try:
        yield following
    finally:
        under_way.over = True
        if following is not None:
            following.cancel()
            # What it found is raised by who waits for it, or comes too late to matter.
            following.add_done_callback(lambda ended: ended.cancelled() or ended.exception())


async def _follow(axis: KnownAxis, under_way: UnderWay) -> None:
    """Judge a moving axis at every update of its readback, or as often as it can be asked; raises GuardRefused."""
    # Not only cancelled: ``asyncio.wait_for`` of Python 3.11 forgets a cancellation that comes as its answer does
    # (python/cpython#86296), and the next move would be judged by the way of this one.
    while not under_way.over:
        try:
            position = axis.counted(await axis.proxy.next_position())
            if not under_way.over:
                judge_reading(axis, under_way, position)
        except DeviceError:
            # A connection that was lost is for the watch, which says whose.
            await asyncio.sleep(LOOK_S)


def judge_reading(axis: KnownAxis, under_way: UnderWay, position: float) -> None:
    """Let the rules decide on one reading of a moving axis; a refusal is an abort at once."""
    guard = axis.guard
    command = GuardedCommand(guard, "watch", axis.name)
    try:
        _decide(axis, command, under_way, position)
    except GuardRefused as error:
        # First the abort: a log that cannot be written must not keep a motor moving.
        guard.abort(error.line, error.item)
        with contextlib.suppress(AuditError):
            command.end("refused", item=error.item, line=error.line)
        raise


def _decide(axis: KnownAxis, command: GuardedCommand, under_way: UnderWay, position: float) -> None:
    swept, tolerance, guard = axis.state.swept, axis.entry.tolerance, axis.guard
    if swept is not None and math.isfinite(position):
        swept = min(swept[0], position - tolerance), max(swept[1], position + tolerance)
    command.decide(
        AXIS_UNDER_WAY,
        **under_way.facts(position, time.monotonic()),
        swept=guard.swept({} if swept is None else {axis.name: swept}),
        **guard.obstacles,
    )
    # Kept, so that the next move of another axis counts with it.
    axis.state.swept = swept
