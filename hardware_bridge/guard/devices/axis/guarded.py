"""A guarded motor: a bluesky Movable that makes all its checks inside ``set()``.

A RunEngine that resumes sends its cached commands again; since the checks are here, they pass again too.
"""

import asyncio
import math
from collections.abc import Mapping
from typing import Any

from beamgym.hardware_bridge.devices import Readings, need, number_key, number_reading
from beamgym.hardware_bridge.guard.devices.axis.admission import decide_on_path, decide_on_standing, decide_on_target
from beamgym.hardware_bridge.guard.devices.axis.arrival import arrive
from beamgym.hardware_bridge.guard.devices.axis.following import about_to_move, followed
from beamgym.hardware_bridge.guard.devices.axis.interruption import ABORTED, STOPPED, Interruption
from beamgym.hardware_bridge.guard.devices.axis.known import KnownAxis
from beamgym.hardware_bridge.guard.devices.axis.times import move_limit_s, still_s
from beamgym.hardware_bridge.guard.devices.axis.under_way import UnderWay
from beamgym.hardware_bridge.guard.devices.commands import CHANGED, ROUNDS, GuardedCommand, Supervisor
from beamgym.hardware_bridge.guard.devices.proxies import finished, forget
from beamgym.hardware_bridge.guard.rules import DEVICE_IS_FREE, TIME, GuardRefused
from beamgym.hardware_bridge.instrument_file import AxisEntry

AsyncStatus = need("ophyd_async.core", "hardware").AsyncStatus


class GuardedAxis(KnownAxis):
    """One axis: a bluesky Movable, Readable, Locatable and Stoppable.

    Parameters
    ----------
    guard : permits its commands, and is told when one fails
    entry : its part of the instrument file
    device : what is moved
    sets_exposure : it is the exposure-time axis: nothing travels and nothing can be stopped
    records : see AxisProxy

    Attributes
    ----------
    asked : the last target, whatever becomes of it; nan before the first
    """

    parent = None

    def __init__(
        self,
        guard: Supervisor,
        entry: AxisEntry,
        device: Any,
        sets_exposure: bool = False,
        records: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(guard, entry, device, sets_exposure, records)
        self.asked = math.nan
        # There is one as long as a move is under way.
        self._interrupt: Interruption | None = None

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
        interrupt = self._interrupt
        # A stop without a move under way sends nothing: the motor may be another client's.
        if interrupt is None:
            return
        interrupt.give(STOPPED)
        try:
            # Long enough for a stop and the stand-still to be seen; the move itself ends the wait.
            await asyncio.wait_for(interrupt.over.wait(), 3.0 * self.guard.answer_s)
        except TimeoutError:
            self.guard.abort(f"{self.name} was told to stop and was not seen to stand")

    def interrupt(self, reason: str = ABORTED) -> None:
        """End the wait for the move under way; call it in the guard's loop."""
        if self._interrupt is not None:
            self._interrupt.give(reason)

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
        command = GuardedCommand(self.guard, "stop", self.name)
        # A stop is never held back: not by a latch, a rule or a log that fails.
        await command.send_whatever_happens()
        sent: list[str] = []
        try:
            sent = await self.proxy.halt()
            stopped = await self.proxy.stands(self.entry.tolerance, still_s(self), self.entry.readback_s)
            self.state.stopped_at = await self.position() if stopped else math.nan
        except BaseException as error:
            # Also a cancelled stop gets its outcome in the log.
            await command.end_whatever_happens("failed", error=str(error), sent=sent)
            raise
        self.state.certain = stopped
        # With what was really sent: a device may have no stop, or one that sends nothing.
        await command.end_whatever_happens("done" if stopped else "unconfirmed", sent=sent)
        return stopped

    async def admit(self, command: GuardedCommand, target: float) -> float:
        """Decide on the target and on the axis as it stands; returns where it stands."""
        return await decide_on_target(self, command, target)

    def check_at_rest(self, command: GuardedCommand, position: float, moving: bool) -> None:
        """Let the rules decide whether an axis that nobody here sent can be read, and was moved by another client."""
        decide_on_standing(self, command, position, moving)

    async def _set(self, value: Any) -> None:
        command = GuardedCommand(self.guard, "set", self.name, value)
        async with self.guard.attending(command):
            command.decide(DEVICE_IS_FREE, axes=[self.name] if self.busy else [])
            # After the rule: a second move must not take over the first one's interruption.
            self._interrupt = interrupt = Interruption(self.guard.check_latch)
            try:
                await self._go(command, value, interrupt)
            finally:
                interrupt.over.set()
                self._interrupt = None
                # A reading of the watch that was begun during the move is not judged as one at rest.
                self.state.generation += 1

    async def _go(self, command: GuardedCommand, value: Any, interrupt: Interruption) -> None:
        # Noted also where it is refused: what was asked for says whether the next dwell is the shortest.
        self.asked = target = float(value)
        self.state.generation += 1
        start = await self._permitted(command, target, interrupt)
        if start is None:
            return self._end_unsent(command, interrupt)
        if self.guard.dry_run:
            return self._pretend(command, target)
        # The line is on its way to the disk before the motor is: what may have moved is in the log.
        command.send()
        # Writing the line may take time; an abort in it must not be overtaken by the send.
        self.guard.check_latch()
        # A stop that came while the rules were asked: nothing was sent, so nothing needs stopping.
        if interrupt.given:
            return self._end_unsent(command, interrupt)
        under_way = about_to_move(self, start, target)
        reached = await self._drive(command, under_way, interrupt)
        if not reached or not await arrive(self, command, under_way, interrupt):
            await self._end_early(command, interrupt)

    async def _permitted(self, command: GuardedCommand, target: float, interrupt: Interruption) -> float | None:
        """Decide whether the move may be made, and once more after a human was asked, who may have taken minutes.

        Returns where it begins, or None where it was stopped meanwhile. After the last decision nothing is awaited.
        """
        # What a question delayed is decided anew; a yes to what has changed meanwhile is no yes.
        for _ in range(ROUNDS):
            self.guard.gate(command)
            # A suspension may last minutes, so that all readings come after it.
            if not await self.guard.wait_for_suspenders(interrupt.reason):
                return None
            start = await self.admit(command, target)
            question = await self.guard.ask_before(command, interrupt.reason, {self.name: (start, target)})
            if question is None:
                return None
            if not question:
                decide_on_path(self, command, start, target)
                return start
        raise GuardRefused(13, CHANGED)

    async def _drive(self, command: GuardedCommand, under_way: UnderWay, interrupt: Interruption) -> bool:
        """Send the motor and wait for it; returns False where it was stopped on the way."""
        state, target = self.state, under_way.target
        # Before the send: whatever becomes of it, an abort has to stop this motor.
        state.commanded, state.arrived, state.sent = True, False, target
        # A put may hang on its way; an abort that comes meanwhile is not complete before it has left or failed.
        with self.guard.launching():
            status = await self.proxy.start(target)
        limit_s = move_limit_s(self, abs(target - under_way.start))
        waiting = asyncio.ensure_future(finished(self.name, status, limit_s))
        with followed(self, under_way) as following:
            try:
                # A Status is not to be trusted with its own end: it may never come, and it may say success for a stall.
                done = await interrupt.unless_given(waiting, following)
            finally:
                waiting.cancel()
                # A Status that nobody awaits any longer would report its failure to nobody, loudly.
                forget(status)
        if done is None:
            return False
        # Stopped before the rule refuses: the refusal is an abort anyway, but this motor has been late enough.
        stands = None if done else await self.halt()
        command.decide(TIME, what=f"the move of {self.name}", limit_s=limit_s, done=done, stands=stands)
        return True

    def _end_unsent(self, command: GuardedCommand, interrupt: Interruption) -> None:
        """End a move that was stopped before anything was sent."""
        interrupt.check_abort()
        command.end("not sent")

    async def _end_early(self, command: GuardedCommand, interrupt: Interruption) -> None:
        """End a move that was stopped: stop the motor, see it stand, remember that it did not arrive."""
        interrupt.check_abort()
        # Not only told: a stop that was sent and not followed leaves a motor moving.
        if not await self.halt():
            raise GuardRefused(5, f"{self.name} was told to stop and was not seen to stand")
        self.state.known, self.state.swept = await self.position(), None
        command.end("stopped", readback=self.state.known)

    def _pretend(self, command: GuardedCommand, target: float) -> None:
        self.state.known, self.state.commanded, self.state.swept = target, True, None
        command.end("dry run")
