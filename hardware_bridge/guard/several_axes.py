"""Moves of several axes: judged as a whole before the first is sent, and the way back to where they stood."""

import asyncio
from collections.abc import Mapping

from beamgym.hardware_bridge.guard.devices import CHANGED, ROUNDS, GuardedCommand
from beamgym.hardware_bridge.guard.instrument import GuardedInstrument
from beamgym.hardware_bridge.guard.rules import AXIS_AT_RETURN, DEVICE_IS_FREE, LATCH, PATH, GuardRefused


async def judge_move(guard: GuardedInstrument, targets: Mapping[str, float], interrupt: "asyncio.Future[str]") -> None:
    """Let every rule that can be asked before a move decide on all of its axes, and a human once; sends nothing.

    Each axis is judged again when it is sent. What this is for: a command of which one axis is refused must not have
    moved another one.

    Parameters
    ----------
    guard : of the instrument
    targets : of every axis that is to move, in its own unit
    interrupt : done when the command is to be given up

    Raises
    ------
    GuardRefused : a rule said no, which is an abort
    """
    command = GuardedCommand(guard, "judge", guard.file.name, dict(targets))
    async with guard.attending(command):
        if await _judge(guard, command, targets, interrupt):
            # With the human's yes; the other decisions stand in the lines of the axes.
            command.end("judged")
        else:
            command.drop()


async def _judge(
    guard: GuardedInstrument, command: GuardedCommand, targets: Mapping[str, float], interrupt: "asyncio.Future[str]"
) -> bool:
    """Decide, and once more after each question; returns whether one was put."""
    asked = False
    for _ in range(ROUNDS):
        guard.gate(command)
        axes = {name: guard.axes[name] for name in targets}
        command.decide(DEVICE_IS_FREE, axes=[name for name, axis in axes.items() if axis.busy])
        starts = await asyncio.gather(*(axes[name].admit(command, target) for name, target in targets.items()))
        moves = {name: (start, target) for (name, target), start in zip(targets.items(), starts, strict=True)}
        swept = {name: axes[name].swept(*move) for name, move in moves.items() if not axes[name].sets_exposure}
        command.decide(PATH, swept=guard.swept(swept), **guard.obstacles)
        question = await guard.ask_before(command, interrupt, moves)
        if question is None:
            guard.check_latch()
            return asked
        if not question:
            return asked
        asked = True
    raise GuardRefused(13, CHANGED)


async def safe_return(guard: GuardedInstrument) -> bool:
    """Bring the axes back, one after another, each by its guarded ``set``.

    Doing so twice changes nothing. There is no way back from a position that is not certain, or after an abort.

    Returns
    -------
    False where the guard was never armed, so that there is nowhere to go back to; True when every axis is there

    Raises
    ------
    GuardRefused : not armed, a position not certain, or a rule refused the way
    """
    if not guard.home:
        return False
    command = GuardedCommand(guard, "return", guard.file.name)
    async with guard.attending(command):
        # After an abort nobody knows why things stand where they do: a human brings them back.
        command.decide(LATCH, state=guard.state, reason=guard.reason)
        # All are judged before the first moves: half a way back is worse than none.
        positions = await guard.positions()
        travelling = [axis for axis in guard.axes.values() if not axis.sets_exposure]
        for axis in travelling:
            known = axis.state.certain and not axis.busy
            command.decide(AXIS_AT_RETURN, axis=axis.name, position=positions[axis.name], known=known)
        # So that a second call moves nothing.
        away = [axis for axis in travelling if abs(positions[axis.name] - guard.home[axis.name]) > axis.entry.tolerance]
        # Asked once for the whole way; each set finds the yes given, as long as nothing of it has changed.
        way = {axis.name: (positions[axis.name], guard.home[axis.name]) for axis in away}
        if way:
            guard.announce({name: target for name, (_, target) in way.items()}, exposure_follows=False)
            await guard.ask_before(command, None, way)
        # One after another: each sweeps a line, all together would sweep a box.
        for axis in away:
            await axis.set(guard.home[axis.name])
        command.end("done", moved=[axis.name for axis in away])
    return True
