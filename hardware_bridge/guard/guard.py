"""The guard: every command to every axis, the shutter and the detector passes here, or nothing moves.

What is decided, and in which order, is in ``rules/table.py``; docs/guard.md explains it. The state is "new", "armed",
"latched" or "closed". Any refusal and any failure is an abort: every motor that was sent is stopped, the shutter is
closed, and the guard is latched. A latched guard refuses everything but stopping and closing, until a human has looked
and calls ``rearm``.
"""

import asyncio
import atexit
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from beamgym.hardware_bridge.guard.abort import AbortReport, AbortThread
from beamgym.hardware_bridge.guard.arming import MotorLimits, arm_everything
from beamgym.hardware_bridge.guard.devices import (
    GuardedAxis,
    GuardedCommand,
    GuardedDetector,
    GuardedShutter,
    SignalProxy,
    asks_shortest_dwell,
    exposure_set_s,
    halt_together,
    set_off_again,
    swept_together,
    unfinished_axes,
)
from beamgym.hardware_bridge.guard.instrument import DevicesOfInstrument, Suspend
from beamgym.hardware_bridge.guard.latch import Latch
from beamgym.hardware_bridge.guard.life import SignsOfLife
from beamgym.hardware_bridge.guard.permits import Permits
from beamgym.hardware_bridge.guard.questions import questions
from beamgym.hardware_bridge.guard.rules import RUN, SAMPLE, GuardRefused, decide
from beamgym.hardware_bridge.guard.servers import ServerWatch
from beamgym.hardware_bridge.guard.several_axes import judge_move, safe_return
from beamgym.hardware_bridge.guard.watch import Watch
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.records import AuditLog
from beamgym.physics.messages import named_line, one_line

__all__ = ["AbortReport", "Guard", "GuardRefused"]


class Guard:
    """Guards one instrument.

    Parameters
    ----------
    file : the instrument file
    devices : its devices, as ``connect`` builds them
    audit : the log that gets a line before and after every command
    confirm : asks a human, ``confirm(question, **facts) -> bool``, blocking or a coroutine function
    deadman : one or several signs of life, each a call that returns the seconds of silence; see life.DeadMan
    dry_run : decide and log everything, send nothing
    keep_trying_s : an abort that cannot be completed, because a server is away, is tried for so long, seconds
    answer_s : a device answers within this time, seconds
    watch_s : time between two checks of everything, seconds
    hold_s : a command waits so long for a suspender to come back, seconds
    suspend : suspends the run when a suspender trips; without it a tripped suspender is an abort

    Notes
    -----
    ``arm`` and everything else that is a coroutine belong into the loop in which the devices live: the RunEngine's.
    ``abort`` may be called from anywhere.
    """

    def __init__(
        self,
        file: InstrumentFile,
        devices: DevicesOfInstrument,
        audit: AuditLog,
        *,
        confirm: Any,
        deadman: Callable[[], float] | Sequence[Callable[[], float]],
        dry_run: bool = False,
        keep_trying_s: float = 60.0,
        answer_s: float = 2.0,
        watch_s: float = 0.2,
        hold_s: float = 60.0,
        suspend: Suspend | None = None,
    ) -> None:
        self.file, self.devices, self.audit, self.dry_run = file, devices, audit, dry_run
        self.answer_s, self.suspend = answer_s, suspend
        self.latch = Latch()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.home: dict[str, float] = {}
        self.motor_limits: MotorLimits = {}
        # What the tighter limits leave of targets when the backlash is taken off; a task is given these.
        self.travel: MotorLimits = {}
        self.budget_s = file.dose.budget_s if file.dose else None
        # As plain mappings, since the rule's inputs go into the log as they are.
        self.obstacles = file.obstacles()
        self.boxes: list[dict[str, Any]] = self.obstacles["forbidden"]
        records = getattr(devices, "records", None)
        self.axes = {
            entry.name: GuardedAxis(self, entry, devices.axes[entry.name], entry.unit == "s", records)
            for entry in file.axes
        }
        self.shutter = GuardedShutter(self, devices.shutter, getattr(devices, "attenuator", None))
        # After the shutter, which every exposure opens.
        self.detector = GuardedDetector(self, self.shutter, devices.detector)
        self.watch, self.servers = Watch(self, watch_s, hold_s), ServerWatch(self)
        self.questions = questions(confirm, file.confirm)
        self.permits = Permits(self, self.questions)
        self.life = SignsOfLife(deadman)
        self._abort_thread, self._keep_trying_s = AbortThread(self, keep_trying_s), keep_trying_s
        self._launching = 0
        self._judged: set[asyncio.Future[str]] = set()
        # A line is with the operating system before its command; waiting for the disk would cost milliseconds a
        # command.
        audit.sync_in_background()
        self._turn = threading.Lock()

    # -- its state ---------------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """State "new", "armed", "latched" or "closed"."""
        return self.latch.state

    @property
    def reason(self) -> str:
        """Why it latched, kept when it is closed; empty where it did not since it was armed."""
        return self.latch.reason

    @property
    def latched_item(self) -> int:
        """The item that latched it, 0 where none did."""
        return self.latch.item

    # -- arming ------------------------------------------------------------------------------------------------------

    async def arm(self, homed: Collection[str] = ()) -> None:
        """Connect, read everything again, and let commands pass from now on.

        Parameters
        ----------
        homed : axes of which a human says that they are homed, where the motors cannot say it themselves

        Raises
        ------
        GuardRefused : with the item and the line of the first thing that is not as it must be; nothing has moved
        DeviceError : a device cannot be reached
        """
        if self.state == "armed":
            return
        if self.state in ("latched", "closed"):
            self.check_latch()
        await self._arm(homed)
        # The human may have thought for minutes: what others did meanwhile is seen before the first frame.
        await self.look_once_more()

    async def rearm(self, operator: str, homed: Collection[str] = ()) -> None:
        """Arm a latched guard again: a human has looked at the instrument, and says so with a name.

        Everything is read and decided anew, as ``arm`` does it, a human's yes included; where one thing is not as it
        must be, the guard stays latched for the reason it was. What was spent of the dose stays spent, and ``home``,
        to which ``safe_return`` goes, is where the axes stand now. The log gets a line "re-armed" with the name and
        with what had latched the guard.

        Parameters
        ----------
        operator : who looked
        homed : as for ``arm``

        Raises
        ------
        ValueError : no name
        GuardRefused : as ``arm``; also where the guard is not latched, or the abort or a command has not ended yet
        DeviceError : a device cannot be reached
        """
        if not operator.strip():
            raise ValueError("re-arming needs the name of the human who looked at the instrument; found none")
        if self.state != "latched":
            raise GuardRefused(11, f"the guard is {self.state}; only a latched guard is re-armed")
        report = self._abort_thread.report
        if report is not None and not report.done():
            raise GuardRefused(11, "the abort is still stopping motors; wait for its end")
        if self.life.under_way:
            # it was let pass by the arming that is over: it must not be sent under the next one
            raise GuardRefused(11, "a command is still ending; wait for its end")
        # with nothing awaited between: nobody else re-arms meanwhile, and an abort from now on is a new one
        latched_by = self.latch.release()
        self._abort_thread.forget()
        try:
            self.servers.stop()
            await self.watch.stop()
            self.note("re-armed", operator=operator, latched_by=latched_by[0])
            await self._arm(homed)
        except BaseException:
            if self.latch.restore(latched_by):
                self._abort_thread.report = report
            raise
        await self.look_once_more()

    async def _arm(self, homed: Collection[str]) -> None:
        self.loop = asyncio.get_running_loop()
        self.permits.forget()
        command = GuardedCommand(self, "arm", self.file.name)
        try:
            found = await arm_everything(self, self.watch, self.servers, self.questions, command, frozenset(homed))
            self.home, self.motor_limits, self.travel = found.home, found.motor_limits, found.travel
            # Arming took its time, and a human may have thought; the silence is counted from here.
            self.life.touch()
            # After everything was read, and before the abort thread, which checks the dead-man of an armed guard only.
            # Refused after an abort while all this was read, or while the human was asked.
            self.latch.arm()
        except BaseException as error:
            command.end("refused", error=str(error))
            raise
        self._abort_thread.start()
        self.watch.start()
        self.servers.start()
        # registered after the libraries' own, so that it runs before theirs take the connections down
        atexit.register(self._at_exit)
        command.end(
            "armed",
            digest=self.file.digest(),
            positions=self.home,
            motor_limits=self.motor_limits,
            budget_s=self.budget_s,
            dry_run=self.dry_run,
        )

    # -- what every command passes -----------------------------------------------------------------------------------

    def gate(self, command: GuardedCommand) -> None:
        """Let the rules decide that hold for every command: armed, dead-man, connections, heartbeats, suspenders."""
        # Besides this very command: it must not excuse itself.
        silent_s, lapse_s = self.life.silent_s(besides=1), self.file.operator.deadman_s
        command.decide(RUN, state=self.state, reason=self.reason, silent_s=silent_s, lapse_s=lapse_s)
        self.watch.decide(command)

    def check_latch(self) -> None:
        """Raise GuardRefused where the guard was latched meanwhile; called with nothing awaited before the send."""
        self.latch.check()

    def require_armed(self) -> None:
        """Raise GuardRefused, with what has latched it, where no command may pass any more; from any thread.

        The dead-man is asked now: a decision that outlasted it is none, however soon it came afterwards.
        """
        self.check_deadman()
        self.require_unlatched()
        self.latch.check()

    def require_unlatched(self) -> None:
        """Raise GuardRefused where anything has latched the guard since it was armed, though it be closed now."""
        refusal = self.latch.refusal()
        if refusal is not None:
            raise refusal

    def judge_sample(self, change_deg: float | None, allowed_deg: float) -> None:
        """Let the rule decide whether a success is claimed of the sample with which the run began; from any thread.

        Parameters
        ----------
        change_deg, allowed_deg : see ``rules.frames.same_sample``

        Raises
        ------
        GuardRefused : it is another one, after an abort
        """
        command = GuardedCommand(self, "judge", self.file.name)
        try:
            command.decide(SAMPLE, change_deg=change_deg, allowed_deg=allowed_deg)
        except GuardRefused as error:
            self.abort(error.line, error.item)
            command.end("refused", item=error.item, line=error.line)
            raise
        command.end("judged")

    async def look_once_more(self) -> None:
        """Check everything that is watched now, at the end of what was done; raises GuardRefused, after an abort.

        What happened since the last look of the watch would be noticed after the end otherwise, and so by nobody.
        """
        self.require_armed()
        command = GuardedCommand(self, "watch", self.file.name)
        async with self.attending(command):
            await self.watch.check(command)
        command.drop()
        self.require_armed()

    @contextlib.asynccontextmanager
    async def attending(self, command: GuardedCommand) -> AsyncIterator[None]:
        """Do a command within this: any failure is logged, aborts, and goes on to the caller."""
        # While it waits for a device, the policy cannot give a sign of life.
        with self.life.busy():
            try:
                yield
            except BaseException as error:
                # Cancellation too: a plan that is thrown away leaves its motor moving.
                refusal = error if isinstance(error, GuardRefused) else None
                item = 0 if refusal is None else refusal.item
                self.abort(one_line(error) if refusal is None else refusal.line, item)
                # The command itself may have written its last line before it failed.
                if not command.ended:
                    with contextlib.suppress(Exception):
                        command.end("failed" if command.sent else "refused", error=str(error), item=item)
                raise
            finally:
                self.permits.used(command.device)

    @contextlib.contextmanager
    def launching(self) -> Iterator[None]:
        """Send a command within this: an abort is not complete while something may still leave."""
        with self._turn:
            self._launching += 1
        try:
            yield
        finally:
            with self._turn:
                self._launching -= 1

    async def wait_for_suspenders(self, interrupt: "asyncio.Future[str]") -> bool:
        """Wait, for a bounded time, until no suspender holds; returns False where the command was stopped meanwhile."""
        return await self.watch.clear(interrupt)

    def announce(self, targets: Mapping[str, float], exposure_follows: bool = True) -> None:
        """Say which axes one command moves together, in their own units: a human is asked about all of them at once.

        Commands nothing by itself. It holds until the next one, or until an axis of it is sent elsewhere.
        """
        self.permits.announce(targets, exposure_follows)

    async def judge_move(self, targets: Mapping[str, float]) -> None:
        """Judge a move of several axes as a whole, before the first of them is sent; see several_axes.judge_move."""
        given_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._judged.add(given_up)
        try:
            await judge_move(self, targets, given_up)
        finally:
            self._judged.discard(given_up)
            given_up.cancel()

    async def ask_before(
        self,
        command: GuardedCommand,
        interrupt: "asyncio.Future[str] | None",
        moves: Mapping[str, tuple[float, float]] | None = None,
        exposure_s: float | None = None,
    ) -> str | None:
        """Have a human confirm what needs it, as a whole; in a dry run nothing does.

        Parameters
        ----------
        command : gets the answer as a decision
        interrupt : is done when the command is stopped; None where nothing stops it but an abort
        moves : (from, to) of every axis that the command moves, in its own unit; None for an exposure
        exposure_s : of a command that is an exposure, seconds

        Returns
        -------
        The question, empty where none was asked, or None where the command was stopped before the answer. After a
        question everything must be decided anew, since the human may have taken minutes, and then this is called
        again: where nothing has changed that was shown, it asks nothing more.

        Raises
        ------
        GuardRefused : the answer is no
        """
        # Nothing will move that a human would have to allow.
        return "" if self.dry_run else await self.permits.ask(command, interrupt, moves or {}, exposure_s)

    def swept(self, moving: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        """Return what every axis may take on: ``moving`` as given, the others as allowed, or as they stand."""
        return swept_together(self.axes, moving)

    def unfinished(self) -> list[str]:
        """Return the axes that move, or stand where they were stopped on their way."""
        return unfinished_axes(self.axes)

    @property
    def on_the_fly(self) -> bool:
        """Whether the dwell asked for is the shortest: then nothing needs to settle after it has arrived."""
        return asks_shortest_dwell(self.axes)

    @property
    def axis_exposure_s(self) -> float | None:
        """The exposure that an axis has set, seconds; None where no axis sets it."""
        return exposure_set_s(self.axes)

    def exposure_was_set(self, seconds: float) -> None:
        """Take note that the exposure, which an axis sets too, was set by the detector."""
        for axis in self.axes.values():
            if axis.sets_exposure:
                axis.state.known = seconds

    async def exposure_now(self) -> float:
        """Return how long the next exposure is to be, seconds: as an axis has set it, or as the detector was told."""
        set_s = self.axis_exposure_s
        asked = set_s if set_s is not None else self.detector.exposure_s
        return self.file.detector.exposure_s[0] if asked is None else asked

    async def positions(self) -> dict[str, float]:
        """Return every axis's readback."""
        found = await asyncio.gather(*(axis.position() for axis in self.axes.values()))
        return dict(zip(self.axes, found, strict=True))

    def note(self, kind: str, **data: Any) -> None:
        """Write a line about something that is no command."""
        self.audit.event(kind, **data)

    # -- the dead-man ------------------------------------------------------------------------------------------------

    def check_deadman(self) -> None:
        """Abort where a sign of life is missing; the abort thread calls this, since a blocked loop cannot."""
        if self.state != "armed":
            return
        lapse_s = self.file.operator.deadman_s
        try:
            decision = decide("deadman", {"silent_s": self.life.silent_s(), "lapse_s": lapse_s})
        except Exception as error:
            # A sign of life that cannot be asked for is none, and must not end the thread that asks.
            self.abort(f"a sign of life cannot be read: {named_line(error)}", 8)
            return
        if not decision.allowed:
            self.abort(decision.line, decision.item)

    # -- ending ------------------------------------------------------------------------------------------------------

    def abort(self, reason: str, item: int = 11) -> "Future[AbortReport]":
        """Latch, stop every motor that was sent, close the shutter: at once, whatever the state, never refused.

        May be called from any thread, from the loop and from a signal handler, as often as one likes. Returns at once
        with a Future of the report; wait for it with ``result(timeout)``, but not in the loop.
        """
        self.latch.latch(reason, item)
        future = self._abort_thread.request(reason)
        loop = self.loop
        if loop is not None and loop.is_running():
            with contextlib.suppress(RuntimeError):
                # Waiting commands end at once; the motors are stopped by the thread, whatever this loop does.
                loop.call_soon_threadsafe(self._interrupt_all)
        return future

    async def aborted(self) -> AbortReport | None:
        """Wait for the end of an abort, which is bounded; returns None where there was none."""
        report = self._abort_thread.report
        if report is None:
            return None
        ended: AbortReport = await asyncio.wrap_future(report)
        return ended

    async def halt(self) -> tuple[str, ...]:
        """Stop and close once, all at the same time; returns what was not seen to stand or to be closed."""
        if self.dry_run:
            return ()
        # Counted before the stops: what leaves after a stop was sent would move on, so another attempt is needed.
        still_leaving = self._launching > 0 or any(proxy.leaving for proxy in self.proxies())
        unconfirmed = await halt_together(self.axes, self.shutter, self.detector)
        return (*unconfirmed, "a command that was leaving") if still_leaving else unconfirmed

    async def stop_again(self) -> tuple[str, ...]:
        """Stop and close once more what has not stayed as an abort left it; returns its names, with what became of it.

        A controller that resumes after a STOP, or a client that opens the shutter again, is noticed by nobody else.
        """
        left = () if self.dry_run else await set_off_again(self.axes, self.shutter)
        if not left:
            return ()
        self.note("set off again", names=list(left))
        unconfirmed = await self.halt()
        told = [f"{name} (set off again after it was stopped)" for name in left if name not in unconfirmed]
        return (*unconfirmed, *told)

    async def safe_return(self) -> bool:
        """Bring the axes back to where they stood when the guard was armed; see several_axes.safe_return."""
        return await safe_return(self)

    async def close(self) -> None:
        """End: stop what moves or exposes, close the shutter where we may have opened it, stop watching. Idempotent."""
        if self.state == "closed":
            return
        # Closing in the middle of something is an abort: nobody waits for its end any more.
        if self._unsettled():
            self.abort("closed while something was under way")
        atexit.unregister(self._at_exit)
        report = await self.aborted()
        self.servers.stop()
        await self.watch.stop()
        # After the report: it is this thread that stops the motors.
        self._abort_thread.close()
        unconfirmed = [] if report is None else list(report.unconfirmed)
        state = self.latch.close()
        self.note("closed", state=state, reason=self.reason, spent_s=self.shutter.dose.spent_s, unconfirmed=unconfirmed)

    def _at_exit(self) -> None:
        """The process ends and nobody closed the guard: abort what may be under way, and wait for it."""
        if self.state != "closed" and self._unsettled():
            with contextlib.suppress(Exception):
                self.abort("the process ended").result(self._keep_trying_s + 10.0 * self.answer_s)

    def proxies(self) -> list[SignalProxy]:
        """Return every device that is commanded."""
        proxies: list[SignalProxy] = [axis.proxy for axis in self.axes.values()]
        return [*proxies, self.detector.proxy, *([] if self.shutter.proxy is None else [self.shutter.proxy])]

    def _unsettled(self) -> bool:
        """Whether anything is under way, or was not seen to end."""
        return bool(self.life.under_way or self.shutter.ours or self.detector.ours or self.unfinished())

    def _interrupt_all(self) -> None:
        # A RunEngine that is suspended goes on, and its next command is refused: it must not wait for beam for ever.
        self.watch.release()
        for judged in self._judged:
            if not judged.done():
                judged.set_result("aborted")
        self.detector.interrupt()
        for axis in self.axes.values():
            axis.interrupt()
