"""A guarded motor: a bluesky Movable that makes all its checks inside ``set()``.

A RunEngine that resumes sends its cached commands again; since the checks are here, they pass again too.
"""

import asyncio
import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from beamgym.hardware_bridge.devices import Readings, need, number_key, number_reading
from beamgym.hardware_bridge.guard.devices.calls import finished, forget
from beamgym.hardware_bridge.guard.devices.command import GuardedCommand
from beamgym.hardware_bridge.guard.devices.proxies import AxisProxy
from beamgym.hardware_bridge.guard.devices.supervisor import CHANGED, ROUNDS, Supervisor
from beamgym.hardware_bridge.guard.rules import (
    AXIS_AFTER_MOVE,
    AXIS_AT_REST,
    AXIS_BEFORE_MOVE,
    DEVICE_IS_FREE,
    EXPOSURE_AXIS_AFTER_SET,
    EXPOSURE_AXIS_BEFORE_SET,
    PATH,
    TARGET,
    TIME,
    GuardRefused,
    swept_interval,
    time_limit_s,
)
from beamgym.hardware_bridge.instrument_file import AxisEntry

AsyncStatus = need("ophyd_async.core", "hardware").AsyncStatus

ARRIVAL_GRACE_S = 0.5
"""How long after settling a readback may still come in: monitors lag behind the done flag."""

_POLL_S = 0.02
_MINUTE_S = 60.0
_STOPPED, _ABORTED = "stopped", "aborted"


@dataclass
class AxisState:
    """What the guard knows of one axis.

    Parameters
    ----------
    known : where it was last seen to stand by what we did; nan before
    swept : what the move under way may sweep, or None
    commanded : it was sent somewhere since the guard was armed
    arrived : the last move ended at its target
    certain : the last stop, if there was one, was confirmed
    moved_s : how long the last move took, settling included, and no less than by the file's speed, seconds
    generation : counts begins and ends of moves, so that a reading taken across one is not judged
    moves : when it was sent, monotonic seconds, within the last minute
    """

    known: float = math.nan
    swept: tuple[float, float] | None = None
    commanded: bool = False
    arrived: bool = True
    certain: bool = True
    moved_s: float = 0.0
    generation: int = 0
    moves: deque[float] = field(default_factory=deque)


class GuardedAxis:
    """One axis: a bluesky Movable, Readable, Locatable and Stoppable.

    Parameters
    ----------
    guard : permits its commands, and is told when one fails
    entry : its part of the instrument file
    device : what is moved
    sets_exposure : it is the exposure-time axis: nothing travels and nothing can be stopped

    Attributes
    ----------
    asked : the last target, whatever becomes of it; nan before the first
    """

    parent = None

    def __init__(self, guard: Supervisor, entry: AxisEntry, device: Any, sets_exposure: bool = False) -> None:
        self.name = entry.name
        self.entry = entry
        self.sets_exposure = sets_exposure
        self.asked = math.nan
        self.proxy = AxisProxy(device, entry.name, guard.answer_s)
        self.state = AxisState()
        self._guard = guard
        # The reason with which the move under way is to end; there is one as long as it is under way.
        self._interrupt: asyncio.Future[str] | None = None
        self._over: asyncio.Event | None = None

    @property
    def hints(self) -> dict[str, Any]:
        """The reading to plot."""
        return {"fields": [self.name]}

    @property
    def busy(self) -> bool:
        """Whether a move is under way."""
        return self._interrupt is not None

    def set(self, value: float) -> Any:
        """Move to an absolute position, in the axis's unit; the Status fails with GuardRefused or DeviceError.

        It succeeds at arrival, and after ``stop``: a RunEngine that pauses must not fail. An axis that was stopped on
        its way lets nothing be exposed until it is sent again.
        """
        # Everything happens in the coroutine: a RunEngine that resumes calls ``set`` again, and all checks are made
        # again.
        return AsyncStatus(self._set(value), name=self.name)

    async def stop(self, success: bool = True) -> None:
        """Stop the move under way and wait until it stands; nothing is sent where none is. Never refused."""
        over = self._over
        # A stop without a move under way sends nothing: the motor may be another client's.
        if over is None:
            return
        self.interrupt(_STOPPED)
        try:
            # Long enough for a stop and the stand-still to be seen; the move itself ends the wait.
            await asyncio.wait_for(over.wait(), 3.0 * self._guard.answer_s)
        except TimeoutError:
            self._guard.abort(f"{self.name} could not be stopped")

    def interrupt(self, reason: str = _ABORTED) -> None:
        """End the wait for the move under way; call it in the guard's loop."""
        if self._interrupt is not None and not self._interrupt.done():
            self._interrupt.set_result(reason)

    async def position(self) -> float:
        """Return the readback; in a dry run, where the axis would be."""
        # So that a dry run of several moves is judged from where each would have begun.
        pretended = self._guard.dry_run and self.state.commanded
        return self.state.known if pretended else await self.proxy.position()

    async def read(self) -> Readings:
        """Return the readback."""
        return number_reading(self.name, await self.position())

    async def describe(self) -> Readings:
        """Return what ``read`` gives, in bluesky's form."""
        return number_key(self.name, f"guard:{self.name}", self.entry.unit)

    async def locate(self) -> dict[str, float]:
        """Return setpoint and readback: bluesky's Location."""
        return {"setpoint": self.state.known, "readback": await self.position()}

    async def halt(self) -> bool:
        """Stop the motor and say whether it was seen to stand; the abort calls this, again and again if need be."""
        command = GuardedCommand(self._guard, "stop", self.name)
        # A stop is never held back: not by a latch, a rule or a log that fails.
        await command.send_whatever_happens()
        try:
            stopped = await self.proxy.stop_and_confirm(self.entry.tolerance)
        except BaseException as error:
            # Also a cancelled stop gets its outcome in the log.
            await command.end_whatever_happens("failed", error=str(error))
            raise
        self.state.certain = stopped
        await command.end_whatever_happens("done" if stopped else "unconfirmed")
        return stopped

    async def _set(self, value: Any) -> None:
        command = GuardedCommand(self._guard, "set", self.name, value)
        async with self._guard.attending(command):
            command.decide(DEVICE_IS_FREE, axes=[self.name] if self.busy else [])
            # After the rule: a second move must not take over the first one's interruption.
            self._interrupt, self._over = asyncio.get_running_loop().create_future(), asyncio.Event()
            try:
                await self._go(command, value)
            finally:
                self._over.set()
                self._interrupt = self._over = None
                # A reading of the watch that was begun during the move is not judged as one at rest.
                self.state.generation += 1

    async def _go(self, command: GuardedCommand, value: Any) -> None:
        # Noted also where it is refused: what was asked for says whether the next dwell is the shortest.
        self.asked = target = float(value)
        self.state.generation += 1
        start = await self._permitted(command, target)
        if start is None:
            return await self._end_early(command, sent=False)
        if self._guard.dry_run:
            return await self._pretend(command, target)
        # The line is on its way to the disk before the motor is: what may have moved is in the log.
        command.send()
        # Writing the line may take time; an abort in it must not be overtaken by the send.
        self._guard.check_latch()
        # A stop that came while the rules were asked: nothing was sent, so nothing needs stopping.
        if self._interrupt is not None and self._interrupt.done():
            return await self._end_early(command, sent=False)
        begun = time.monotonic()
        if await self._drive(command, start, target):
            await self._arrive(command, start, target, begun)
        else:
            await self._end_early(command, sent=True)

    async def _permitted(self, command: GuardedCommand, target: float) -> float | None:
        """Decide whether the move may be made, and once more after a human was asked, who may have taken minutes.

        Returns where it begins, or None where it was stopped meanwhile. After the last decision nothing is awaited.
        """
        assert self._interrupt is not None
        # What a question delayed is decided anew; a yes to what has changed meanwhile is no yes.
        for _ in range(ROUNDS):
            self._guard.gate(command)
            # A suspension may last minutes, so that all readings come after it.
            if not await self._guard.wait_for_suspenders(self._interrupt):
                return None
            start = await self._admit(command, target)
            question = await self._guard.ask_before(command, self._interrupt, {self.name: (start, target)})
            if question is None:
                return None
            if not question:
                self._sweep(command, start, target)
                return start
        raise GuardRefused(13, CHANGED)

    async def _admit(self, command: GuardedCommand, target: float) -> float:
        """Decide on the target and on the axis as it stands; returns where it stands."""
        entry, proxy = self.entry, self.proxy
        command.decide(TARGET, axis=self.name, target=target)
        # Read anew for every command: a motor may have been homed, limited or moved by somebody else.
        start, limits, moving, velocity, alarm = await asyncio.gather(
            self.position(), proxy.limits(), proxy.moving(), self._velocity(), proxy.alarm()
        )
        command.decide(
            EXPOSURE_AXIS_BEFORE_SET if self.sets_exposure else AXIS_BEFORE_MOVE,
            **self._standing(start, bool(moving)),
            target=target,
            file_limits=entry.limits,
            motor_limits=limits,
            present=start,
            max_step=entry.max_step,
            velocity=velocity,
            max_speed=entry.max_speed,
            moves_last_minute=self._recent(),
            max_moves_per_min=entry.max_moves_per_min,
            text=alarm,
        )
        return start

    def _sweep(self, command: GuardedCommand, start: float, target: float) -> None:
        """Decide on the whole path, and take note of the move."""
        if not self.sets_exposure:
            # Decided with the other axes as they are now: those that move count with all that they may sweep.
            swept = swept_interval(start, target, self.entry.backlash, self.entry.tolerance)
            command.decide(PATH, swept=self._guard.swept({self.name: swept}), forbidden=self._guard.boxes)
            self.state.swept = swept
        # Counted when it was permitted, so that moves which then fail count, too.
        self.state.moves.append(time.monotonic())

    def check_at_rest(self, command: GuardedCommand, position: float, moving: bool) -> None:
        """Let the rules decide whether an axis that nobody here sent can be read, and was moved by another client."""
        command.decide(AXIS_AT_REST, **self._standing(position, moving))

    def _standing(self, position: float, moving: bool) -> dict[str, Any]:
        """Return what the rules about an axis at rest take: its reading and what was expected."""
        return {
            "axis": self.name,
            "position": position,
            "expected": self.state.known,
            "readback": position,
            "tolerance": self.entry.tolerance,
            "moving": moving,
        }

    async def _drive(self, command: GuardedCommand, start: float, target: float) -> bool:
        """Send the motor and wait for it; returns False where it was stopped on the way."""
        guard, state = self._guard, self.state
        # Before the send: whatever becomes of it, an abort has to stop this motor.
        state.commanded, state.arrived = True, False
        # A put may hang on its way; an abort that comes meanwhile is not complete before it has left or failed.
        with guard.launching():
            status = await self.proxy.start(target)
        limit_s = self._limit_s(abs(target - start))
        waiting = asyncio.ensure_future(finished(self.name, status, limit_s))
        try:
            # A Status is not to be trusted with its own end: it may never come, and it may say success for a stall.
            done = await self._unless_interrupted(waiting)
        finally:
            waiting.cancel()
            # A Status that nobody awaits any longer would report its failure to nobody, loudly.
            forget(status)
        if done is None:
            return False
        # Stopped before the rule refuses: the refusal is an abort anyway, but this motor has been late enough.
        if not done:
            await self.halt()
        command.decide(TIME, what=f"the move of {self.name}", limit_s=limit_s, done=done)
        return True

    async def _unless_interrupted(self, waiting: "asyncio.Future[Any]") -> Any:
        """Return what is waited for, or None where the move was stopped first; raises GuardRefused after an abort."""
        assert self._interrupt is not None
        await asyncio.wait({waiting, self._interrupt}, return_when=asyncio.FIRST_COMPLETED)
        if not self._interrupt.done():
            return waiting.result()
        # After an abort the command fails; after a pause of the RunEngine it must end well, or the plan fails.
        if self._interrupt.result() == _ABORTED:
            self._guard.check_latch()
        return None

    async def _arrive(self, command: GuardedCommand, start: float, target: float, begun: float) -> None:
        """Wait for the readback to settle at the target, and judge it."""
        entry, state = self.entry, self.state
        # For the shortest dwell the simulation lets the stage not settle either; policies were trained so.
        ended, settle_s = time.monotonic(), 0.0 if self._guard.on_the_fly else entry.settle_s
        if settle_s and await self._unless_interrupted(asyncio.ensure_future(_nap(settle_s))) is None:
            return await self._end_early(command, sent=True)
        # The readback, not the Status: motors report success at limit switches and after stops by others.
        read, moving, alarm = await self._settled(target)
        # Noted before it is judged, so that a refused arrival leaves the true position behind.
        state.known, state.moved_s = read, self._charged_s(abs(target - start), settle_s, time.monotonic() - begun)
        command.decide(
            EXPOSURE_AXIS_AFTER_SET if self.sets_exposure else AXIS_AFTER_MOVE,
            axis=self.name,
            start=start,
            target=target,
            readback=read,
            tolerance=entry.tolerance,
            axes=[self.name] if moving else [],
            text=alarm,
            # Less the tolerance: two noisy readings may lie so much further apart than the motor went.
            distance=abs(read - start) - entry.tolerance,
            seconds=ended - begun,
            max_speed=entry.max_speed,
        )
        # Only now: until every rule has passed, the whole path counts as taken and nothing may be exposed.
        state.swept, state.arrived, state.certain = None, True, True
        command.end("done", readback=read)

    async def _settled(self, target: float) -> tuple[float, bool, str]:
        """Return readback, motion and alarm, as soon as it stands at the target, or when the grace is over."""
        deadline = time.monotonic() + ARRIVAL_GRACE_S
        while True:
            looks = self.proxy.position(), self.proxy.moving(), self.proxy.alarm()
            read, moving, alarm = await asyncio.gather(*looks)
            # A motor record sets DMOV before its last monitors are out; so its word and the readback are both waited
            # for.
            there = abs(read - target) <= self.entry.tolerance and not moving
            # A dead encoder does not come back within the grace.
            if there or not math.isfinite(read) or time.monotonic() > deadline:
                return read, bool(moving), alarm
            await asyncio.sleep(_POLL_S)

    async def _end_early(self, command: GuardedCommand, sent: bool) -> None:
        """End a move that was stopped: stop the motor, see it stand, remember that it did not arrive."""
        if self._interrupt is not None and self._interrupt.done() and self._interrupt.result() == _ABORTED:
            self._guard.check_latch()
        if not sent:
            return command.end("not sent")
        # Not only told: a stop that was sent and not followed leaves a motor moving.
        if not await self.halt():
            raise GuardRefused(5, f"{self.name} was told to stop and was not seen to stand")
        self.state.known, self.state.swept = await self.proxy.position(), None
        command.end("stopped", readback=self.state.known)

    async def _pretend(self, command: GuardedCommand, target: float) -> None:
        self.state.known, self.state.commanded, self.state.swept = target, True, None
        command.end("dry run")

    async def _velocity(self) -> float | None:
        """Ask for the motor's speed where the file limits it; each question costs a round trip."""
        return None if self.entry.max_speed is None else await self.proxy.velocity()

    def _limit_s(self, distance: float) -> float:
        # Twice the backlash: out beyond the target and back.
        travel = 0.0 if self.sets_exposure else distance + 2.0 * self.entry.backlash
        return time_limit_s("move", distance=travel, speed=self.entry.speed, timeout_s=self.entry.timeout_s)

    def _charged_s(self, distance: float, settle_s: float, measured_s: float) -> float:
        """Return what a move is charged: what it took, and no less than by the file.

        A simulation, whose clock may run at any speed, is charged what the file says.
        """
        # No less than nominal, since a motor that is faster than its file would make a policy's budget differ from its
        # training.
        nominal_s = 0.0 if self.sets_exposure or distance == 0.0 else distance / self.entry.speed + settle_s
        return nominal_s if self._guard.file.simulation else max(measured_s, nominal_s)

    def _recent(self) -> int:
        moves, now = self.state.moves, time.monotonic()
        while moves and moves[0] < now - _MINUTE_S:
            moves.popleft()
        return len(moves)


async def _nap(seconds: float) -> bool:
    await asyncio.sleep(seconds)
    return True
