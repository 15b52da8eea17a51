"""A guarded motor: a bluesky Movable that makes all its checks inside ``set()``.

A RunEngine that resumes sends its cached commands again; since the checks are here, they pass again too.
"""

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from beamgym.hardware_bridge.devices import DeviceError, Readings, need, number_key, number_reading
from beamgym.hardware_bridge.guard.devices.commands import CHANGED, ROUNDS, GuardedCommand, Supervisor
from beamgym.hardware_bridge.guard.devices.proxies import LOOK_S, AxisProxy, Overshoot, finished, forget, overshoot_of
from beamgym.hardware_bridge.guard.devices.under_way import UnderWay
from beamgym.hardware_bridge.guard.rules import (
    AXIS_AFTER_MOVE,
    AXIS_AT_REST,
    AXIS_BEFORE_MOVE,
    AXIS_UNDER_WAY,
    DEVICE_IS_FREE,
    EXPOSURE_AXIS_AFTER_SET,
    EXPOSURE_AXIS_BEFORE_SET,
    PATH,
    TARGET,
    TIME,
    GuardRefused,
    swept_interval,
    time_limit_s,
    way,
)
from beamgym.hardware_bridge.instrument_file import AxisEntry
from beamgym.hardware_bridge.records import AuditError

AsyncStatus = need("ophyd_async.core", "hardware").AsyncStatus

_POLL_S = 0.02
_MINUTE_S = 60.0
# A motor is seen to stand when all readings of so long lie within its tolerance: at its speed it would have gone four
# times as far. Not less than some readings of a controller that is asked ten times a second, and not for ever.
_LEAST_STILL_S, _MOST_STILL_SHARE, _TOLERANCES = 0.25, 0.75, 4.0
_LONGEST_LAG = 5.0
"""A readback that still comes nearer after the motor was done is waited for so many times its ``readback_s``."""
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
    seen : the last reading, its turns counted; nan before
    sent : target of a move of ours that did not end there; None where there is none
    settings : of the motor, as they were read when the guard was armed
    """

    known: float = math.nan
    swept: tuple[float, float] | None = None
    commanded: bool = False
    arrived: bool = True
    certain: bool = True
    moved_s: float = 0.0
    generation: int = 0
    moves: deque[float] = field(default_factory=deque)
    seen: float = math.nan
    sent: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


class GuardedAxis:
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
        self.name = entry.name
        self.entry = entry
        self.sets_exposure = sets_exposure
        self.asked = math.nan
        self.proxy = AxisProxy(device, entry.name, guard.answer_s, {} if records is None else records)
        self.state = AxisState()
        self._guard = guard
        self._limits: tuple[float, float] | None = None
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
            self._guard.abort(f"{self.name} was told to stop and was not seen to stand")

    def interrupt(self, reason: str = _ABORTED) -> None:
        """End the wait for the move under way; call it in the guard's loop."""
        if self._interrupt is not None and not self._interrupt.done():
            self._interrupt.set_result(reason)

    async def position(self) -> float:
        """Return the readback; in a dry run, where the axis would be."""
        # So that a dry run of several moves is judged from where each would have begun.
        return self.state.known if self._pretends else self.counted(await self.proxy.position())

    def counted(self, read: float) -> float:
        """Return a readback with the turns that a rotary axis has made: the one nearest to where it was last seen."""
        turn, seen = self.entry.turn, self.state.seen
        if turn is not None and math.isfinite(read) and math.isfinite(seen):
            read += turn * round((seen - read) / turn)
        self.state.seen = read if math.isfinite(read) else seen
        return read

    @property
    def overshoot(self) -> Overshoot:
        """How the motor takes out its backlash, as its settings say."""
        return overshoot_of(self.state.settings)

    def reach(self, target: float) -> tuple[float, float]:
        """Return what a move to a target takes it to besides where it begins: the target, backlash included."""
        return way(target, target, self.entry.backlash, self.overshoot.distance)

    @property
    def _pretends(self) -> bool:
        return self._guard.dry_run and self.state.commanded

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
        sent: list[str] = []
        try:
            sent = await self.proxy.halt()
            stopped = await self.proxy.stands(self.entry.tolerance, self._still_s(), self.entry.readback_s)
        except BaseException as error:
            # Also a cancelled stop gets its outcome in the log.
            await command.end_whatever_happens("failed", error=str(error), sent=sent)
            raise
        self.state.certain = stopped
        # With what was really sent: a device may have no stop, or one that sends nothing.
        await command.end_whatever_happens("done" if stopped else "unconfirmed", sent=sent)
        return stopped

    def _still_s(self) -> float:
        """Return how long it must be seen to stand, seconds."""
        speed = self.entry.speed
        velocity = self.state.settings.get("VELO")
        if isinstance(velocity, int | float) and 0.0 < velocity < speed:
            speed = float(velocity)
        longest_s = max(_MOST_STILL_SHARE * self._guard.answer_s, _LEAST_STILL_S)
        return min(max(_TOLERANCES * self.entry.tolerance / speed, _LEAST_STILL_S), longest_s)

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
        under_way = self._under_way(start, target)
        if await self._drive(command, under_way):
            await self._arrive(command, under_way)
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
            start = await self.admit(command, target)
            question = await self._guard.ask_before(command, self._interrupt, {self.name: (start, target)})
            if question is None:
                return None
            if not question:
                self._sweep(command, start, target)
                return start
        raise GuardRefused(13, CHANGED)

    async def admit(self, command: GuardedCommand, target: float) -> float:
        """Decide on the target and on the axis as it stands; returns where it stands."""
        entry, proxy = self.entry, self.proxy
        command.decide(TARGET, axis=self.name, target=target)
        # Read anew for every command: a motor may have been homed, limited or moved by somebody else.
        (start, limits, moving), (velocity, alarm), (setpoint, settings) = await asyncio.gather(
            asyncio.gather(self.position(), proxy.limits(), proxy.moving()),
            asyncio.gather(self._velocity(), proxy.alarm()),
            asyncio.gather(proxy.setpoint(), proxy.fields()),
        )
        # A field that a busy server told after the arming counts from now on.
        if settings.keys() - self.state.settings.keys():
            self.state.settings = {**settings, **self.state.settings}
        reach = self.reach(target)
        command.decide(
            EXPOSURE_AXIS_BEFORE_SET if self.sets_exposure else AXIS_BEFORE_MOVE,
            **self._standing(start, bool(moving)),
            target=target,
            reach=reach,
            cable_turns=entry.cable_turns,
            cable_zero=entry.cable_zero,
            file_limits=entry.limits,
            motor_limits=limits,
            present=start,
            max_step=entry.max_step,
            velocity=velocity,
            max_speed=entry.max_speed,
            moves_last_minute=self._recent(),
            max_moves_per_min=entry.max_moves_per_min,
            text=alarm,
            # What it pretends in a dry run is not what its controller was told.
            setpoint=None if self._pretends else setpoint,
            sent=self.state.sent,
            before=self.state.settings,
            now=settings,
        )
        self._limits = limits
        return start

    def swept(self, start: float, target: float) -> tuple[float, float]:
        """Return all that a move may sweep: its way, widened by the tolerance."""
        entry = self.entry
        return swept_interval(start, target, entry.backlash, entry.tolerance, self.overshoot.distance)

    def _sweep(self, command: GuardedCommand, start: float, target: float) -> None:
        """Decide on the whole path, and take note of the move."""
        if not self.sets_exposure:
            # Decided with the other axes as they are now: those that move count with all that they may sweep.
            swept, guard = self.swept(start, target), self._guard
            command.decide(PATH, swept=guard.swept({self.name: swept}), **guard.obstacles)
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

    async def _drive(self, command: GuardedCommand, under_way: UnderWay) -> bool:
        """Send the motor and wait for it; returns False where it was stopped on the way."""
        guard, state, start, target = self._guard, self.state, under_way.start, under_way.target
        # Before the send: whatever becomes of it, an abort has to stop this motor.
        state.commanded, state.arrived, state.sent = True, False, target
        # A put may hang on its way; an abort that comes meanwhile is not complete before it has left or failed.
        with guard.launching():
            status = await self.proxy.start(target)
        limit_s = self._limit_s(abs(target - start))
        waiting = asyncio.ensure_future(finished(self.name, status, limit_s))
        following = (
            None
            if self.sets_exposure or not self.proxy.reads_while_moving
            else asyncio.ensure_future(self._follow(under_way))
        )
        try:
            # A Status is not to be trusted with its own end: it may never come, and it may say success for a stall.
            done = await self._unless_interrupted(waiting, following)
        finally:
            waiting.cancel()
            under_way.over = True
            if following is not None:
                following.cancel()
                # What it found is raised above, or comes too late to matter.
                following.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            # A Status that nobody awaits any longer would report its failure to nobody, loudly.
            forget(status)
        if done is None:
            return False
        # Stopped before the rule refuses: the refusal is an abort anyway, but this motor has been late enough.
        stands = None if done else await self.halt()
        command.decide(TIME, what=f"the move of {self.name}", limit_s=limit_s, done=done, stands=stands)
        return True

    def _under_way(self, start: float, target: float) -> UnderWay:
        entry, overshoot, simulation = self.entry, self.overshoot, self._guard.file.simulation
        identity, velocity = self._guard.file.identity, self.state.settings.get("VELO")
        # Nothing is concluded from the speed of a simulation whose clock may run at any pace.
        real = not simulation or (identity is not None and identity.real_time)
        told = real and isinstance(velocity, int | float) and velocity > 0.0
        return UnderWay(
            entry=entry,
            start=start,
            target=target,
            way=way(start, target, entry.backlash, overshoot.distance),
            motor_limits=self._limits,
            velocity=max(float(velocity or 0.0), overshoot.speed or 0.0) if told else None,
            begun=time.monotonic(),
        )

    async def _follow(self, under_way: UnderWay) -> None:
        """Judge a moving axis at every update of its readback, or as often as it can be asked; raises GuardRefused."""
        # Not only cancelled: ``asyncio.wait_for`` of Python 3.11 forgets a cancellation that comes as its answer does
        # (python/cpython#86296), and the next move would be judged by the way of this one.
        while not under_way.over:
            try:
                position = self.counted(await self.proxy.next_position())
                if not under_way.over:
                    self._look(under_way, position)
            except DeviceError:
                # A connection that was lost is for the watch, which says whose.
                await asyncio.sleep(LOOK_S)

    def _look(self, under_way: UnderWay, position: float) -> None:
        """Let the rules decide on one reading of a moving axis; a refusal is an abort at once."""
        command = GuardedCommand(self._guard, "watch", self.name)
        try:
            self._judge(command, under_way, position)
        except GuardRefused as error:
            # First the abort: a log that cannot be written must not keep a motor moving.
            self._guard.abort(error.line, error.item)
            with contextlib.suppress(AuditError):
                command.end("refused", item=error.item, line=error.line)
            raise

    def _judge(self, command: GuardedCommand, under_way: UnderWay, position: float) -> None:
        swept, tolerance, guard = self.state.swept, self.entry.tolerance, self._guard
        if swept is not None and math.isfinite(position):
            swept = min(swept[0], position - tolerance), max(swept[1], position + tolerance)
        command.decide(
            AXIS_UNDER_WAY,
            **under_way.facts(position, time.monotonic()),
            swept=guard.swept({} if swept is None else {self.name: swept}),
            **guard.obstacles,
        )
        # Kept, so that the next move of another axis counts with it.
        self.state.swept = swept

    async def _unless_interrupted(
        self, waiting: "asyncio.Future[Any]", following: "asyncio.Future[None] | None" = None
    ) -> Any:
        """Return what is waited for, or None where the move was stopped first; raises GuardRefused after an abort."""
        assert self._interrupt is not None
        watched = {waiting, self._interrupt} if following is None else {waiting, self._interrupt, following}
        await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        # Before the others: it ends only by what it found, and the abort that follows has interrupted the move, too.
        if following is not None and following.done():
            following.result()
        if not self._interrupt.done():
            return waiting.result()
        # After an abort the command fails; after a pause of the RunEngine it must end well, or the plan fails.
        if self._interrupt.result() == _ABORTED:
            self._guard.check_latch()
        return None

    async def _arrive(self, command: GuardedCommand, under_way: UnderWay) -> None:
        """Wait for the readback to settle at the target, and judge it."""
        entry, state = self.entry, self.state
        start, target, begun = under_way.start, under_way.target, under_way.begun
        # For the shortest dwell the simulation lets the stage not settle either; policies were trained so.
        ended, settle_s = time.monotonic(), 0.0 if self._guard.on_the_fly else entry.settle_s
        if settle_s and await self._unless_interrupted(asyncio.ensure_future(_nap(settle_s))) is None:
            return await self._end_early(command, sent=True)
        # The readback, not the Status: motors report success at limit switches and after stops by others.
        settled = time.monotonic()
        read, moving, alarm = await self._settled(under_way)
        # Noted before it is judged, so that a refused arrival leaves the true position behind.
        state.known, state.moved_s = read, self._charged_s(abs(target - start), settle_s, time.monotonic() - begun)
        command.decide(
            EXPOSURE_AXIS_AFTER_SET if self.sets_exposure else AXIS_AFTER_MOVE,
            axis=self.name,
            start=start,
            target=target,
            readback=read,
            tolerance=entry.tolerance,
            waited_s=round(time.monotonic() - settled, 1),
            axes=[self.name] if moving else [],
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

    async def _settled(self, under_way: UnderWay) -> tuple[float, bool, str]:
        """Return readback, motion and alarm, as soon as it stands at the target, or when its time is over."""
        begun, nearest = time.monotonic(), math.inf
        tolerance, patience_s = self.entry.tolerance, self.entry.readback_s
        deadline = begun + patience_s
        while True:
            looks = self.position(), self.proxy.moving(), self.proxy.alarm()
            read, moving, alarm = await asyncio.gather(*looks)
            # A motor record sets DMOV before its last monitors are out; so its word and the readback are both waited
            # for.
            off, now = abs(read - under_way.target), time.monotonic()
            there = off <= tolerance and not moving
            # A slow readback that still comes nearer is waited for: it says nothing yet.
            if off < nearest - 0.5 * tolerance:
                nearest, deadline = off, min(now + patience_s, begun + _LONGEST_LAG * patience_s)
            # A dead encoder does not come back.
            if there or not math.isfinite(read) or now > deadline:
                return read, bool(moving), alarm
            # It may say that it is done and run on.
            if not self.sets_exposure:
                self._look(under_way, read)
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
        self.state.known, self.state.swept = await self.position(), None
        command.end("stopped", readback=self.state.known)

    async def _pretend(self, command: GuardedCommand, target: float) -> None:
        self.state.known, self.state.commanded, self.state.swept = target, True, None
        command.end("dry run")

    async def _velocity(self) -> float | None:
        """Ask for the motor's speed where the file limits it; each question costs a round trip."""
        return None if self.entry.max_speed is None else await self.proxy.velocity()

    def _limit_s(self, distance: float) -> float:
        entry, overshoot = self.entry, self.overshoot
        return time_limit_s(
            "move",
            distance=0.0 if self.sets_exposure else distance,
            speed=entry.speed,
            timeout_s=entry.timeout_s,
            backlash=0.0 if self.sets_exposure else max(entry.backlash, abs(overshoot.distance)),
            backlash_speed=overshoot.speed,
        )

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
