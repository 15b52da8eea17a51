"""Reads what a human is shown of a command: the instrument as it is when the question is put."""

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from beamgym.hardware_bridge.guard.devices import GuardedAxis
from beamgym.hardware_bridge.guard.instrument import GuardedInstrument
from beamgym.hardware_bridge.guard.rules import tighter
from beamgym.hardware_bridge.records import ShownCommand, ShownMove

Interval = tuple[float, float]


async def show_move(
    guard: GuardedInstrument, targets: Mapping[str, float], exposure_follows: bool = True
) -> ShownCommand:
    """Return a move as a human is shown it.

    Parameters
    ----------
    guard : of the instrument
    targets : of every axis that is to move, in its own unit
    exposure_follows : it ends with an exposure
    """
    positions = await guard.positions()
    moves = await asyncio.gather(*(_shown(axis, positions[axis.name], targets) for axis in guard.axes.values()))
    swept = {
        name: axis.swept(positions[name], target)
        for name, target in targets.items()
        if not (axis := guard.axes[name]).sets_exposure
    }
    exposure_s = await _exposure_s(guard, targets) if exposure_follows else None
    near = nearest_box(guard.swept(swept), guard.boxes)
    return ShownCommand(tuple(moves), exposure_s, False, near, *_dose(guard), _frame_age_s(guard))


async def show_exposure(guard: GuardedInstrument, exposure_s: float) -> ShownCommand:
    """Return an exposure as a human is shown it."""
    return ShownCommand((), exposure_s, True, "", *_dose(guard), _frame_age_s(guard))


def nearest_box(swept: Mapping[str, Interval], boxes: Sequence[Mapping[str, Any]]) -> str:
    """Return, in words, the forbidden box that a swept path comes nearest to; "" where there are none.

    A path stays out of a box by one axis alone; the one that keeps it out by most says how near it comes.
    """
    nearest = min((_clearance(swept, box) for box in boxes), default=None)
    if nearest is None:
        return ""
    gap, name, axis = nearest
    # nan: where an axis stands is not known
    return f"{name}, {gap:.6g} away on {axis}" if gap >= 0.0 else f"{name}, WHICH THE PATH MAY ENTER"


def _clearance(swept: Mapping[str, Interval], box: Mapping[str, Any]) -> tuple[float, str, str]:
    gaps = [
        (_gap(swept[axis], side, float(box.get("margin", 0.0))), axis)
        for axis, side in box["forbidden"].items()
        if axis in swept
    ]
    gap, axis = max(gaps, default=(-math.inf, ""))
    return gap, str(box["name"]), axis


def _gap(swept: Interval, side: Sequence[float], margin: float) -> float:
    gap = max(float(side[0]) - margin - swept[1], swept[0] - float(side[1]) - margin)
    return gap if math.isfinite(gap) else -math.inf


async def _shown(axis: GuardedAxis, position: float, targets: Mapping[str, float]) -> ShownMove:
    limits = tighter(axis.entry.limits, await axis.proxy.limits())
    target = targets.get(axis.name, position)
    return ShownMove(axis.name, axis.entry.unit, position, target, limits, axis.entry.tolerance)


async def _exposure_s(guard: GuardedInstrument, targets: Mapping[str, float]) -> float:
    # The exposure-time axis is part of the command: what follows is exposed for what it will be set to.
    asked = [target for name, target in targets.items() if guard.axes[name].sets_exposure]
    return asked[0] if asked else await guard.exposure_now()


def _frame_age_s(guard: GuardedInstrument) -> float | None:
    frame = guard.detector.frame
    return None if frame is None else time.time() - float(frame.time_s[0])


def _dose(guard: GuardedInstrument) -> tuple[float, float | None]:
    spent_s = guard.shutter.dose.spent_s
    return spent_s, None if guard.budget_s is None else guard.budget_s - spent_s
