"""One instrument from connecting to closing: its engine, devices, audit log and guard, and episodes upon it.

Everything that is a coroutine runs in the RunEngine's loop, where the devices live. However a session ends, its exit
stops what it moved, closes the shutter and completes the log.
"""

import contextlib
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np

from beamgym.envs.kinds import resolve
from beamgym.hardware_bridge.adapters import Devices, connect
from beamgym.hardware_bridge.ca_loops import quiet_channels
from beamgym.hardware_bridge.deployment.events import AxisOnWay, Event, Events, Question, StateChanged
from beamgym.hardware_bridge.deployment.session.asking import asked_operator
from beamgym.hardware_bridge.deployment.session.claim import claimed
from beamgym.hardware_bridge.deployment.session.ending import close_guard, end_loop, finish_episode
from beamgym.hardware_bridge.deployment.session.log_events import LogEvents
from beamgym.hardware_bridge.deployment.session.motors import read_motor_limits, read_motor_settings
from beamgym.hardware_bridge.deployment.session.plan_engine import PlanEngine
from beamgym.hardware_bridge.deployment.session.quiet import quiet
from beamgym.hardware_bridge.deployment.session.waiting import in_loop, wait_out
from beamgym.hardware_bridge.devices import DeviceError, need
from beamgym.hardware_bridge.guard import AbortReport, DeadMan, Guard
from beamgym.hardware_bridge.guard.devices import DetectorProxy
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.kinds import bridge_kind
from beamgym.hardware_bridge.manual_operator import Operator
from beamgym.hardware_bridge.records import AuditLog
from beamgym.hardware_bridge.rollout import BlueskyInstrument, Rollout
from beamgym.physics.instrument import Float64Array

RunEngine = need("bluesky", "hardware").RunEngine

AUDIT = "audit.jsonl"
CONNECT_S = 10.0
"""A server answers its first call within this time, seconds."""

KEEP_TRYING_S = 120.0
"""An abort that cannot be completed, because a server is away, is tried for so long."""

CLOSE_S = 60.0
"""Closing is bounded by the guard; so much longer than an abort may take it waits for a loop that hangs."""

ATTEMPT = 6.0
"""One attempt of an abort is given so many times as long as a device has for an answer."""

ANSWER_S, PRACTICE_ANSWER_S = 5.0, 15.0
"""A device answers within this time, and one of a simulation, which shares a busy computer with us, within that."""

ARMINGS = 3
"""How often a device that is slow to answer is asked before it counts as away."""

T = TypeVar("T")


class Session:
    """An instrument that is connected.

    Parameters
    ----------
    file : the instrument
    folder : where the audit log goes; there already
    objects : what entries of the adapter "object" name
    operator : who turns manual axes; by default whoever answers the events' questions
    dry_run : nothing is written to any device
    dose_s : seconds of open shutter at most, where that is less than the file allows
    keep_trying_s : an abort that cannot be completed, because a server is away, is tried for so long, seconds
    events : is told what the guard does, from whichever thread does it; see ``EventStream``
    check : called again and again while a device or a human is waited for; what it raises ends the wait
    engine : the RunEngine to work in, where this is done within a plan of it; by default the session makes its own
    scan_id_source : of its own RunEngine, see ``ScanNumbers``; by default scan_id begins at 1

    Attributes
    ----------
    guard : made by ``guarded``; None before
    signs_of_life : further dead-men beside the policy's own, such as the operator's token
    abort_report : what became of the last abort; None where there was none
    """

    def __init__(
        self,
        file: InstrumentFile,
        folder: Path,
        *,
        objects: Mapping[str, Any] | None = None,
        operator: Operator | None = None,
        dry_run: bool = False,
        dose_s: float | None = None,
        keep_trying_s: float = KEEP_TRYING_S,
        events: Events | None = None,
        check: Callable[[], object] = lambda: None,
        engine: PlanEngine | None = None,
        scan_id_source: Callable[[Mapping[str, Any]], int] | None = None,
    ) -> None:
        self._within, self._scan_id_source = engine, scan_id_source
        self._keep_trying_s = keep_trying_s
        self._events, self._check = events, check
        self.file, self.folder, self.dry_run = file, folder, dry_run
        self._dose_s = dose_s
        self._objects, self._operator = objects, operator
        self._answer_s = PRACTICE_ANSWER_S if file.simulation else ANSWER_S
        self.guard: Guard | None = None
        self.alive = DeadMan()
        self.signs_of_life: list[Callable[[], float]] = []
        self.abort_report: AbortReport | None = None
        self.engine: Any = None
        self.devices: Devices | None = None
        self.audit: AuditLog | None = None
        self._stop_reason = ""
        self._claims = contextlib.ExitStack()

    def __enter__(self) -> Self:
        if self._within is None:
            quiet()
        self._report(StateChanged("connecting"))
        self.devices = connect(self.file, self._objects, self._operator or asked_operator(self._events))
        listener = None if self._events is None else LogEvents(self._events, lambda: self.guard)
        self.audit = AuditLog(self.folder / AUDIT, listener=listener)
        self.engine = self._within or self._own_engine()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        finally:
            # a guard that still works, because a loop hangs, needs log and loop; at the program's end it tries again
            if self.guard is None:
                self._end()

    def _end(self) -> None:
        try:
            if self.engine is not None:
                self.in_loop(self._devices.close, CONNECT_S, check=lambda: None)
        finally:
            self._claims.close()
            if self.audit is not None:
                self.audit.close()
            # Somebody else's engine goes on.
            if self.engine is not None and self._within is None:
                end_loop(self.engine)

    def _own_engine(self) -> Any:
        numbered = {} if self._scan_id_source is None else {"scan_id_source": self._scan_id_source}
        return RunEngine(context_managers=[], **numbered)

    def connect(self) -> None:
        """Reach out for every device; writes nothing.

        Raises
        ------
        DeviceError : the first that does not answer, or that another process on this computer commands
        """
        if not self.dry_run:
            devices = (*self._devices.axes.values(), self._devices.detector, self._devices.shutter)
            outputs = dict.fromkeys(pv for device in devices for pv in getattr(device, "outputs", ()))
            self._claims.enter_context(claimed(outputs))

        async def connected() -> None:
            await self._devices.connect(CONNECT_S)
            quiet_channels()

        self.in_loop(connected, 3 * CONNECT_S)
        self._report(StateChanged("connected"))

    def motor_limits(self) -> dict[str, tuple[float, float] | None]:
        """Return what each motor's own limits leave of targets, its backlash taken off; None where it has none."""
        return self.in_loop(lambda: read_motor_limits(self.file, self._devices, self._answer_s), 3 * self._answer_s)

    def motor_settings(self) -> dict[str, dict[str, Any]]:
        """Return what each motor says of its settings, by axis, by the motor record's names; may be empty."""
        return self.in_loop(lambda: read_motor_settings(self.file, self._devices, self._answer_s), 3 * self._answer_s)

    def image_modes(self) -> dict[str, str]:
        """Return how the detector is set, in words, by names of its own; empty where it does not say."""
        detector = DetectorProxy(self._devices.detector, "detector", self._answer_s)
        return self.in_loop(detector.modes, 3 * self._answer_s)

    def guarded(self, confirm: Any) -> BlueskyInstrument:
        """Put a new guard before the devices; an earlier one is closed.

        Parameters
        ----------
        confirm : a Confirmation, or any callable that answers questions
        """
        self.close()
        if self.audit is None:
            raise ValueError("this session has ended; begin a new one")
        self.alive = DeadMan()
        devices: Any = self._devices
        self.guard = Guard(
            self.file,
            devices,
            self.audit,
            confirm=confirm,
            deadman=[self.alive, *self.signs_of_life],
            dry_run=self.dry_run,
            answer_s=self._answer_s,
            keep_trying_s=self._keep_trying_s,
            suspend=self._suspend,
        )
        self.guard.watch.on_way = lambda axis, readback: self._report(AxisOnWay(axis, readback))
        if self._dose_s is not None:
            self.guard.budget_s = min(self._dose_s, self.guard.budget_s or np.inf)
        make: type[BlueskyInstrument] = resolve(bridge_kind(self.file.kind).instrument)
        return make(self.file, self.guard, self.engine)

    def arm(self, homed: Collection[str] = (), timeout_s: float = 900.0) -> None:
        """Arm the guard: everything is read again, and a human is asked what must be asked.

        A device that is slow to answer is asked again, since nothing has moved yet.

        Raises
        ------
        GuardRefused, DeviceError : the first thing that is not as it must be; nothing has moved
        """
        guard = self._guard
        for attempt in range(ARMINGS):
            try:
                self.in_loop(lambda: guard.arm(homed), timeout_s)
                break
            except DeviceError:
                if attempt == ARMINGS - 1:
                    raise

    def rearm(self, operator: str, homed: Collection[str] = (), timeout_s: float = 900.0) -> None:
        """Arm a latched guard again, after a human has looked at the instrument.

        Everything is read again as by ``arm``. The dose and the log go on; where the axes stand now is where
        ``finish`` brings them back to.

        Parameters
        ----------
        operator : name of the human who has looked; it stands in the log
        homed : axes of which he says that they are homed

        Raises
        ------
        ValueError : no name
        GuardRefused, DeviceError : as ``arm``, and where the abort is still under way; the guard stays latched
        """
        guard = self._guard
        self.in_loop(lambda: guard.rearm(operator, homed), timeout_s)
        self._stop_reason = ""

    def positions(self) -> Float64Array:
        """Return the readback of every axis, (1, k)."""
        read = self.in_loop(self._guard.positions, 3 * self._answer_s)
        return np.array([[read[name] for name in self.file.axis_names]])

    def play(self, rollout: Rollout, consumers: Collection[Callable[[str, dict[str, Any]], object]] = ()) -> None:
        """Run an episode; the documents go to the consumers.

        Raises
        ------
        GuardRefused : the guard has latched, at whatever moment
        Exception : what else ended it, other than the episode itself
        """
        tokens = [self.engine.subscribe(consumer) for consumer in consumers]
        try:
            self.engine(rollout.plan())
        finally:
            for token in tokens:
                self.engine.unsubscribe(token)
        self._guard.require_unlatched()

    async def finish(self, well: bool, back: bool = False, closes: bool = True) -> None:
        """Leave the instrument safe at the end of an episode; runs in the loop.

        Parameters
        ----------
        well : it ended by itself; otherwise everything is aborted
        back : bring the axes back to where they stood when the guard was armed
        closes : close the guard, so that nothing can go wrong any more between this and the run's last document;
            False where another episode follows with the same guard

        Raises
        ------
        GuardRefused : the guard has latched, or does now: the episode has not ended well
        """
        await finish_episode(self._guard, well, back, closes, self._stop_reason)

    def conclude(self) -> None:
        """Look at everything once more and close the guard: the end of what is no episode, such as known moves.

        Raises
        ------
        GuardRefused : the guard has latched, or does now; what was done is worth nothing then
        """
        guard = self._guard
        self.in_loop(guard.look_once_more, self._ending_s)
        self.close()
        guard.require_unlatched()

    def stop(self, reason: str) -> None:
        """Abort whatever is under way; from any thread but the loop's, and from none twice at once."""
        self._stop_reason = self._stop_reason or reason
        report = self.guard.abort(reason) if self.guard is not None else None
        try:
            self.engine.abort(reason)
        except Exception:  # it was idle, or on its way to idle
            logging.getLogger(__name__).debug("the engine had nothing to abort")
        if report is not None:
            wait_out(report, self._ending_s)

    def close(self) -> AbortReport | None:
        """Stop what moves, close the shutter, end the guard; returns what became of an abort, None without one.

        Nothing interrupts this: a KeyboardInterrupt, or whatever else a signal raises, is raised when it has ended.

        Raises
        ------
        DeviceError : the instrument's loop hangs; the guard has then done from its own thread what can be done
        """
        guard = self.guard
        if guard is None:
            return None
        closing = close_guard(guard, self.engine.loop, self._ending_s)
        self.abort_report = closing.report or self.abort_report
        if guard.state == "closed":
            self.guard = None
        return closing.result()

    def seal(self) -> str:
        """Close the log for good, and return the hash of its last line; nothing can be commanded from then on.

        Noted down elsewhere, that hash shows later whether lines were cut off.

        Raises
        ------
        AuditError : the last lines could not be written
        """
        if self.audit is None:
            raise ValueError("this session has no log yet; use it in a with statement")
        self.audit.close()
        return self.audit.head

    def in_loop(
        self, work: Callable[[], Coroutine[Any, Any, T]], timeout_s: float, check: Callable[[], object] | None = None
    ) -> T:
        """Run a coroutine in the engine's loop and wait for its result.

        Parameters
        ----------
        work : makes the coroutine
        timeout_s : wait this long, seconds
        check : instead of the session's own

        Raises
        ------
        TimeoutError : there was no result in time
        Exception : what the coroutine raises, or ``check``; an interruption here cancels the coroutine there
        """
        return in_loop(self.engine.loop, work, timeout_s, check or self._check)

    def ask(self, question: Question, timeout_s: float = 600.0) -> str:
        """Put a question to whoever answers the events' questions; "" where nobody does, or not in time.

        The question is taken back by what the session's ``check`` raises, and by a stop.
        """
        events = self._events
        if events is None:
            return ""
        try:
            return self.in_loop(lambda: events.ask(question), timeout_s)
        except (EOFError, TimeoutError):
            return ""

    def _report(self, event: Event) -> None:
        if self._events is not None:
            self._events.report(event)

    def _suspend(self, wait: Callable[[], Coroutine[Any, Any, Any]], why: str) -> None:
        if self.engine.state == "running":
            self.engine.request_suspend(wait, justification=why)

    @property
    def _ending_s(self) -> float:
        """An abort's last attempt may begin when its time is nearly over, seconds."""
        return self._keep_trying_s + ATTEMPT * self._answer_s + CLOSE_S

    @property
    def _devices(self) -> Devices:
        if self.devices is None:
            raise ValueError("this session has not begun; use it in a with statement")
        return self.devices

    @property
    def _guard(self) -> Guard:
        if self.guard is None:
            raise ValueError("nothing is guarded yet; call guarded() first")
        return self.guard
