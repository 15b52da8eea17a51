"""Arming: connects, reads every device and lets the rules decide whether commands may pass."""

import asyncio
import math
from dataclasses import dataclass, field
from typing import Any

from beamgym.hardware_bridge.guard.devices import AxisState, GuardedAxis, GuardedCommand, SignalProxy
from beamgym.hardware_bridge.guard.instrument import GuardedInstrument
from beamgym.hardware_bridge.guard.questions import Confirms
from beamgym.hardware_bridge.guard.rules import ANSWER, AXIS_AT_ARMING, SERVER, SHUTTER_PLACE
from beamgym.hardware_bridge.guard.servers import ServerWatch
from beamgym.hardware_bridge.guard.watch import Watch
from beamgym.hardware_bridge.instrument_file import simulation_beside, strangers

MotorLimits = dict[str, tuple[float, float] | None]

CONNECT_S = 5.0
"""A server answers its first call within this time, seconds."""


@dataclass(frozen=True)
class FoundAtArming:
    """What was read when the guard was armed.

    Parameters
    ----------
    home : where every axis stood, in its own unit
    motor_limits : each motor's own (low, high), None where it has none
    travel : the targets that the tighter limits leave when each axis's backlash is taken off; None without limits
    """

    home: dict[str, float]
    motor_limits: MotorLimits
    travel: MotorLimits = field(default_factory=dict)


async def arm_everything(
    guard: GuardedInstrument,
    watch: Watch,
    servers: ServerWatch,
    questions: Confirms,
    command: GuardedCommand,
    homed: frozenset[str],
) -> FoundAtArming:
    """Connect and read everything; raises GuardRefused at the first thing that is not as it must be.

    Nothing is written but, where the shutter stands open and this is no dry run, its closing; and where an exposure of
    ours was not seen to end, the detector's stop.
    """
    # Beside connecting, which takes as long.
    searching = asyncio.ensure_future(servers.search())
    try:
        # Plain objects that a caller hands over have nothing to connect.
        connect = getattr(guard.devices, "connect", None)
        if connect is not None:
            await connect(CONNECT_S)
        # First of all: on hardware that was taken for a simulation not even the shutter may be touched; and before
        # anybody's name is asked for, that it is one who answers.
        servers.decide(command, await searching)
        await _check_identity(guard, command)
    finally:
        searching.cancel()
    # Before the axes: what a hung server says of its motors may be long out of date.
    await watch.first_readings(command)
    # All at once: one after another the answers of slow servers would add up.
    states = await asyncio.gather(*(_check_axis(axis, command, axis.name in homed) for axis in guard.axes.values()))
    # The first command, and towards the safe side; after the readings, so that nothing else is wrong.
    await _close_shutter(guard, command)
    await guard.detector.settle()
    await guard.shutter.check_beam(command)
    # Last: whoever has said yes is not refused for a limit afterwards, and asked again.
    await _ask_to_start(guard, questions, command)
    found = FoundAtArming({}, {})
    for axis, (position, limits, settings) in zip(guard.axes.values(), states, strict=True):
        # The generation goes on counting, so that no reading begun before this is judged by the new position.
        generation, sent = axis.state.generation + 1, axis.state.sent
        axis.state = AxisState(known=position, generation=generation, seen=position, sent=sent, settings=settings)
        found.home[axis.name], found.motor_limits[axis.name] = position, limits
        backlash = 0.0 if axis.sets_exposure else axis.entry.backlash
        found.travel[axis.name] = axis.proxy.targets(axis.entry.limits, limits, backlash, settings)
    return found


async def _check_identity(guard: GuardedInstrument, command: GuardedCommand) -> None:
    entry, found = guard.file.identity, None
    if guard.devices.identity is not None:
        found = str(await SignalProxy(guard.devices.identity, "identity", guard.answer_s).value())
    # A simulation may run without a human (--yes): a file that is wrong here would free real motors.
    simulation, expected = guard.file.simulation, entry.expected if entry else None
    command.decide(SERVER, simulation=simulation, expected=expected, found=found)
    if simulation:
        for stranger in await strangers(guard.file, guard.devices):
            command.decide(SERVER, simulation=True, expected=expected, found=f"of another server: {stranger}")
    else:
        beside = await simulation_beside(guard.file, guard.devices)
        if beside is not None:
            command.decide(SERVER, simulation=False, expected=None, found=beside)


async def _check_axis(
    axis: GuardedAxis, command: GuardedCommand, homed: bool
) -> tuple[float, tuple[float, float] | None, dict[str, Any]]:
    """Read one axis and decide; returns its position, the motor's own limits and its settings."""
    proxy, entry = axis.proxy, axis.entry
    (read, limits, moving), (alarm, done, velocity), (setpoint, settings) = await asyncio.gather(
        asyncio.gather(proxy.position(), proxy.limits(), proxy.moving()),
        asyncio.gather(proxy.alarm(), proxy.homed(), proxy.velocity()),
        asyncio.gather(proxy.setpoint(), proxy.fields()),
    )
    # It is a setting of the detector: it does not travel, and has no zero to lose.
    if axis.sets_exposure:
        return read, limits, {}
    position = _counted(read, setpoint, entry.turn)
    said = settings.get("EGU")
    command.decide(
        AXIS_AT_ARMING,
        axis=axis.name,
        file_limits=entry.limits,
        motor_limits=limits,
        unit=entry.unit,
        said=None if said is None else str(said),
        egu=entry.egu,
        turn=entry.turn,
        position=position,
        # After an abort a human has looked; whether the last stop was confirmed is asked before the way back.
        known=True,
        reach=(position, position),
        cable_turns=entry.cable_turns,
        cable_zero=entry.cable_zero,
        # Nobody has sent it yet, so that where it stands is where it was left; only its moving can be wrong.
        expected=position,
        readback=position,
        tolerance=entry.tolerance,
        moving=bool(moving),
        setpoint=setpoint,
        # A controller may keep the target of a move that was stopped by the abort before.
        sent=axis.state.sent,
        text=alarm,
        velocity=velocity,
        max_speed=entry.max_speed,
        home_required=entry.home_required,
        home_done=done or homed,
    )
    return position, limits, settings


def _counted(read: float, setpoint: float | None, turn: float | None) -> float:
    """Return a readback with the turns that the controller's setpoint says it has made."""
    if turn is None or setpoint is None or not math.isfinite(read):
        return read
    return read + turn * round((setpoint - read) / turn)


async def _ask_to_start(guard: GuardedInstrument, questions: Confirms, command: GuardedCommand) -> None:
    if guard.dry_run:
        return
    try:
        question, answer = await questions.start()
    except ValueError as error:
        # Noted as a decision like any other answer, so that the log says why nothing began.
        # such as NotConfirmed: it must be asked, and nobody may be
        question, answer = str(error), False
    command.decide(ANSWER, question=question, answer=answer)


async def _close_shutter(guard: GuardedInstrument, command: GuardedCommand) -> None:
    shutter = guard.shutter
    if shutter.proxy is None or guard.dry_run:
        return
    # Asked before it is told: a shutter that is closed gets no command at every start.
    place = await shutter.proxy.place()
    if place != "closed" and await shutter.close():
        place = "closed"
    command.decide(SHUTTER_PLACE, position=place, asked="closed")
