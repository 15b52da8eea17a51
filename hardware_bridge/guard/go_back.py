"""Moves the axes back to where they stood when the guard was armed, by guarded moves, one after another."""

from beamgym.hardware_bridge.guard.devices import GuardedCommand
from beamgym.hardware_bridge.guard.instrument import GuardedInstrument
from beamgym.hardware_bridge.guard.rules import AXIS_AT_RETURN, LATCH


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
