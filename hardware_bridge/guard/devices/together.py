"""All devices of an instrument together: what its axes may take on, the exposure that one has set, stopping at once."""

import asyncio
import math
from collections.abc import Coroutine, Mapping
from typing import Any

from beamgym.hardware_bridge.guard.devices.axis import GuardedAxis
from beamgym.hardware_bridge.guard.devices.detector import GuardedDetector
from beamgym.hardware_bridge.guard.devices.shutter import GuardedShutter
from beamgym.physics.arpes.stage import is_shortest

Axes = Mapping[str, GuardedAxis]


def swept_together(axes: Axes, moving: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Return what every axis may take on: ``moving`` as given, the others as allowed, or as they stand."""
    intervals: dict[str, tuple[float, float]] = {}
    for name, axis in axes.items():
        # It is nowhere in space.
        if axis.sets_exposure:
            continue
        width = axis.entry.tolerance
        # What stands may be anywhere within its tolerance; nan reaches everywhere, see the rule.
        stand = (axis.state.known - width, axis.state.known + width)
        intervals[name] = moving.get(name, axis.state.swept or stand)
    return intervals


def unfinished_axes(axes: Axes) -> list[str]:
    """Return the axes that move, or stand where they were stopped on their way."""
    return [name for name, axis in axes.items() if axis.busy or not axis.state.arrived]


def asks_shortest_dwell(axes: Axes) -> bool:
    """Whether the dwell asked for is the shortest: then nothing needs to settle after it has arrived."""
    return any(
        axis.sets_exposure and axis.entry.limits is not None and bool(is_shortest(axis.asked, axis.entry.limits[0]))
        for axis in axes.values()
    )


def exposure_set_s(axes: Axes) -> float | None:
    """Return the exposure that an axis has set, seconds; None where no axis sets it."""
    times_s = [axis.state.known for axis in axes.values() if axis.sets_exposure and math.isfinite(axis.state.known)]
    return times_s[0] if times_s else None


async def halt_together(axes: Axes, shutter: GuardedShutter, detector: GuardedDetector) -> tuple[str, ...]:
    """Stop and close once what we sent, all at the same time; returns what was not seen to stand or to be closed."""
    parts: dict[str, Coroutine[Any, Any, bool]] = {
        # Only what we sent: another client's motor is not ours to stop.
        name: axis.halt()
        for name, axis in axes.items()
        if axis.state.commanded and not axis.sets_exposure
    }
    # Closing a shutter that somebody else opened would spoil their measurement.
    if shutter.ours or detector.busy:
        parts["shutter"] = shutter.close_for_good()
    if detector.ours or detector.busy:
        parts["detector"] = detector.halt()
    # each by itself: what was seen to be safe must not hide what was not
    found = await asyncio.gather(*parts.values(), return_exceptions=True)
    return tuple(name for name, stopped in zip(parts, found, strict=True) if stopped is not True)


async def set_off_again(axes: Axes, shutter: GuardedShutter) -> tuple[str, ...]:
    """Return what no longer stands, or is no longer closed, as an abort of ours has left it; nothing is sent."""
    stopped = [axis for axis in axes.values() if math.isfinite(axis.state.stopped_at)]
    looks = [*(_left_again(axis) for axis in stopped), shutter.opened_again()]
    # What cannot be read was not seen to stay, and must not hide the others, nor keep the report from being written.
    found = await asyncio.gather(*looks, return_exceptions=True)
    names = [*(axis.name for axis in stopped), "shutter"]
    return tuple(name for name, left in zip(names, found, strict=True) if left is not False)


async def _left_again(axis: GuardedAxis) -> bool:
    position, moving = await asyncio.gather(axis.position(), axis.proxy.moving())
    # Written so that nan counts.
    stands = abs(position - axis.state.stopped_at) <= axis.entry.tolerance
    return bool(moving) or not stands
