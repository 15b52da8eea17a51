"""Checks heartbeats, suspenders, connections and axes a few times a second while the guard is armed."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.devices import GuardedAxis, GuardedCommand, SignalProxy
from beamgym.hardware_bridge.guard.instrument import GuardedInstrument
from beamgym.hardware_bridge.guard.rules import (
    CONNECTION,
    HEARTBEAT,
    PATH,
    SETTINGS,
    SUSPENDER,
    SUSPENSIONS,
    GuardRefused,
)
from beamgym.hardware_bridge.instrument_file import HeartbeatEntry, SuspenderEntry
from beamgym.hardware_bridge.records import AuditError
from beamgym.physics.messages import named_line

_MINUTE_S = 60.0


@dataclass
class HeartbeatWatch:
    """One heartbeat: its signal, the last reading, and when it was read and changed (loop time, seconds)."""

    entry: HeartbeatEntry
    proxy: SignalProxy
    value: Any = None
    read_s: float = -math.inf
    missed: int = 0
    seen: bool = False

    @property
    def allowed(self) -> int:
        """How many readings in a row without a change are too many."""
        return self.entry.missed

    async def read(self, now_s: float) -> None:
        """Read it, once in its period, and count the readings that found it unchanged."""
        if now_s - self.read_s < self.entry.period_s:
            return
        value = await self.proxy.value()
        # Unchanged rather than backward: counters wrap round, and some servers serve a time or a word. Never nan, which
        # differs from itself and would beat for ever.
        beat = value != self.value and value == value
        self.missed = 0 if beat else self.missed + 1
        # The first reading shows no beat; only a second, different one does.
        self.seen = self.seen or (self.value is not None and beat)
        self.value, self.read_s = value, now_s


@dataclass
class SuspenderWatch:
    """One suspender: its signal and its last reading."""

    entry: SuspenderEntry
    proxy: SignalProxy
    value: float | None = None

    async def read(self) -> None:
        """Read it."""
        try:
            self.value = await self.proxy.number()
        except DeviceError:
            # So that the rule says "not connected" instead of judging an old value.
            self.value = None
            raise

    def decide(self, command: GuardedCommand) -> None:
        """Let the rule decide on its last reading."""
        entry = self.entry
        command.decide(SUSPENDER, name=entry.name, value=self.value, low=entry.low, high=entry.high)


class Watch:
    """Checks everything a few times a second, in the guard's loop.

    Parameters
    ----------
    guard : whose instrument is watched
    period_s : between two checks
    hold_s : a command waits so long for a suspender to come back, seconds

    Attributes
    ----------
    on_way : called with the name of an axis that is on its way and where it is, at each check; must return at once
    """

    def __init__(self, guard: GuardedInstrument, period_s: float, hold_s: float) -> None:
        devices, file, answer_s = guard.devices, guard.file, guard.answer_s
        self.heartbeats = [
            HeartbeatWatch(e, SignalProxy(devices.heartbeats[e.name], e.name, answer_s)) for e in file.heartbeats
        ]
        self.suspenders = [
            SuspenderWatch(e, SignalProxy(devices.suspenders[e.name], e.name, answer_s)) for e in file.suspenders
        ]
        self.tripped = ""
        self.on_way: Callable[[str, float], object] = lambda axis, readback: None
        # When it was suspended since the arming, monotonic seconds.
        self._suspended: list[float] = []
        self._losses: dict[str, int] = {}
        self._guard = guard
        self._period_s = period_s
        self._hold_s = hold_s
        self._task: asyncio.Task[None] | None = None
        self._clear: asyncio.Event | None = None
        self._turn = 0

    async def first_readings(self, command: GuardedCommand) -> None:
        """Read every heartbeat until it was seen to beat, and every suspender; nothing starts without them."""
        self._clear = asyncio.Event()
        self._clear.set()
        self.tripped = ""
        self._suspended.clear()
        # From here on: a server that was lost before the arming has been read anew by it.
        self._losses = {proxy.name: proxy.losses for proxy in self._proxies()}
        await asyncio.gather(*(self._first_beat(command, heartbeat) for heartbeat in self.heartbeats))
        for suspender in self.suspenders:
            try:
                await suspender.read()
            except DeviceError as error:
                command.decide(CONNECTION, what=f"suspender {suspender.entry.name!r} ({error})", lost=True)
            suspender.decide(command)

    async def _first_beat(self, command: GuardedCommand, heartbeat: HeartbeatWatch) -> None:
        loop = asyncio.get_running_loop()
        # One period more than may be missed, since the first reading falls anywhere within a period.
        deadline = loop.time() + heartbeat.entry.period_s * (heartbeat.allowed + 1)
        heartbeat.value, heartbeat.missed, heartbeat.seen = None, 0, False
        while not heartbeat.seen and loop.time() < deadline:
            # Read more often than its period, so that arming takes no longer than the first change.
            heartbeat.read_s = -math.inf
            await heartbeat.read(loop.time())
            await asyncio.sleep(0.0 if heartbeat.seen else min(0.05, 0.25 * heartbeat.entry.period_s))
        missed = 0 if heartbeat.seen else heartbeat.allowed
        command.decide(HEARTBEAT, name=heartbeat.entry.name, missed=missed, allowed=heartbeat.allowed)
        # Reading it so often has counted readings between two beats as missed.
        heartbeat.missed = 0

    def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        """End it."""
        task, self._task = self._task, None
        # A task of another loop cannot be awaited here; it ends with its loop.
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            task.cancel()
            # Bounded: a device call in it may hang, and closing must go on.
            await asyncio.wait({task}, timeout=2.0 * self._guard.answer_s)

    async def clear(self, interrupt: "asyncio.Future[str] | None") -> bool:
        """Wait, for a bounded time, until no suspender holds; returns False where the command was stopped meanwhile."""
        if self._clear is None or self._clear.is_set() or interrupt is None:
            # The usual case must not yield to the loop: nothing may change between the rules and this.
            return interrupt is None or not interrupt.done()
        waiting = asyncio.ensure_future(self._clear.wait())
        both: set[asyncio.Future[Any]] = {waiting, interrupt}
        await asyncio.wait(both, timeout=self._hold_s, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if interrupt.done():
            return False
        if not self._clear.is_set():
            raise GuardRefused(9, f"{self.tripped}, and it did not come back within {self._hold_s:g} s")
        return True

    def release(self) -> None:
        """Let go of what waits for a suspender, because the guard has latched; call it in the guard's loop."""
        if self._clear is not None:
            self._clear.set()

    def decide(self, command: GuardedCommand) -> None:
        """Let the rules about connections, heartbeats and suspenders decide on what was last seen."""
        self._connected(command)
        for heartbeat in self.heartbeats:
            command.decide(HEARTBEAT, name=heartbeat.entry.name, missed=heartbeat.missed, allowed=heartbeat.allowed)
        for suspender in self.suspenders:
            # While one has tripped, commands wait in ``clear`` instead of being refused: the run is suspended.
            if self._clear is None or self._clear.is_set():
                suspender.decide(command)

    def _proxies(self) -> list[SignalProxy]:
        return [
            *self._guard.proxies(),
            *(heartbeat.proxy for heartbeat in self.heartbeats),
            *(each.proxy for each in self.suspenders),
        ]

    def _connected(self, command: GuardedCommand) -> None:
        """Refuse where a server was lost since the arming, also one that is back: it may be as new."""
        for proxy in self._proxies():
            # The connection can be lost and back between two readings; fifty killed servers showed a run that went on
            # by itself.
            if proxy.losses != self._losses.get(proxy.name, proxy.losses):
                command.decide(CONNECTION, what=proxy.name, lost=True)

    async def _run(self) -> None:
        while True:
            # A new one each time, which is dropped where all is well: a quiet hour leaves no lines in the log.
            command = GuardedCommand(self._guard, "watch", "instrument")
            try:
                await asyncio.sleep(self._period_s)
                await self.check(command)
            except asyncio.CancelledError:
                # Whoever ends the watch while the guard is armed, such as a cleanup of the whole loop, leaves it blind.
                if self._task is not None:
                    self._guard.abort("the watch was ended while the guard was armed")
                raise
            except GuardRefused as error:
                # first the abort: a log that cannot be written must not keep a motor moving
                self._guard.abort(error.line, error.item)
                self._tell(command, "refused", item=error.item, line=error.line)
                return
            except BaseException as error:
                self._guard.abort(f"the watch failed: {error}")
                self._tell(command, "failed", error=named_line(error))
                return
            command.drop()

    def _tell(self, command: GuardedCommand, outcome: str, **data: Any) -> None:
        with contextlib.suppress(AuditError):
            command.end(outcome, **data)

    async def check(self, command: GuardedCommand) -> None:
        """Read everything once, and decide; raises GuardRefused at what may not be."""
        loop = asyncio.get_running_loop()
        # A log that was deleted or replaced stops the run now, not at the next command.
        self._guard.audit.check()
        travelling = [axis for axis in self._guard.axes.values() if not axis.sets_exposure]
        found = await asyncio.gather(
            *(heartbeat.read(loop.time()) for heartbeat in self.heartbeats),
            *(suspender.read() for suspender in self.suspenders),
            # Before the axes: another zero or direction explains a position that is another one.
            *(self._check_settings(command, axis) for axis in self._due(travelling)),
            *(self._check_axis(command, axis) for axis in travelling),
            *([] if self._guard.dry_run else [self._guard.shutter.check_closed(command)]),
            # Nothing is raised before all have answered: what fails first need not be the gravest.
            return_exceptions=True,
        )
        # Before the errors: a lost server explains them, and is the reason that a human needs to read.
        self._connected(command)
        for error in found:
            if isinstance(error, DeviceError):
                command.decide(CONNECTION, what=str(error), lost=True)
            elif isinstance(error, BaseException):
                raise error
        for heartbeat in self.heartbeats:
            command.decide(HEARTBEAT, name=heartbeat.entry.name, missed=heartbeat.missed, allowed=heartbeat.allowed)
        self._check_suspenders(command)
        # After them: where the beam is gone, its own shutter may close, and the run waits instead of ending.
        if not self.tripped:
            await self._guard.shutter.check_open(command)

    def _check_suspenders(self, command: GuardedCommand) -> None:
        tripped = ""
        for suspender in self.suspenders:
            try:
                suspender.decide(command)
            except GuardRefused as refused:
                # Without a RunEngine nobody would wait for it to come back.
                if self._guard.suspend is None:
                    raise
                tripped = refused.line
        assert self._clear is not None
        # Only at the change: a suspension that is asked for again at every check would never end.
        if tripped and not self.tripped:
            self._clear.clear()
            self._count_suspension(command)
            assert self._guard.suspend is not None
            # The event, not a time: bluesky waits for it, and then sends the commands again, which pass every rule
            # again.
            self._guard.suspend(self._clear.wait, tripped)
            self._guard.note("suspended", line=tripped)
        elif self.tripped and not tripped:
            self._guard.note("resumed", line=self.tripped)
            self._clear.set()
        self.tripped = tripped

    def _due(self, axes: list[GuardedAxis]) -> list[GuardedAxis]:
        """Return the axes whose settings are looked at now: all that keep them, and one of those that must be asked."""
        asked = [axis for axis in axes if not axis.proxy.tells_fields]
        self._turn += 1
        return [axis for axis in axes if axis.proxy.tells_fields] + ([asked[self._turn % len(asked)]] if asked else [])

    async def _check_settings(self, command: GuardedCommand, axis: GuardedAxis) -> None:
        before, now = axis.state.settings, await axis.proxy.fields()
        # Those of another arming are not compared.
        if before is axis.state.settings:
            command.decide(SETTINGS, axis=axis.name, before=before, now=now)

    def _count_suspension(self, command: GuardedCommand) -> None:
        """Let the rule decide whether the run may be suspended once more."""
        now = time.monotonic()
        self._suspended.append(now)
        recent = sum(now - at < _MINUTE_S for at in self._suspended)
        allowed = self._guard.file.suspensions
        command.decide(
            SUSPENSIONS,
            last_minute=recent,
            per_minute=allowed.per_minute,
            suspensions=len(self._suspended),
            per_run=allowed.per_run,
        )

    async def _check_axis(self, command: GuardedCommand, axis: GuardedAxis) -> None:
        generation = axis.state.generation
        position, moving = await asyncio.gather(axis.position(), axis.proxy.moving())
        # A move began or ended while it was read: the reading belongs to neither state.
        if generation != axis.state.generation:
            return
        if axis.busy and axis.state.swept is not None:
            # who only looks on must not keep a motor from being watched
            with contextlib.suppress(Exception):
                self.on_way(axis.name, position)
            self._follow(command, axis, position)
        # In a dry run an axis pretends to be where it was sent; the real one has not moved.
        elif not (self._guard.dry_run and axis.state.commanded):
            axis.check_at_rest(command, position, bool(moving))

    def _follow(self, command: GuardedCommand, axis: GuardedAxis, position: float) -> None:
        """Where a moving axis has left what its move was allowed to sweep, decide anew with where it is."""
        swept, tolerance = axis.state.swept, axis.entry.tolerance
        # A readback that fails under way is judged by the move itself, which looks more often.
        if swept is None or not math.isfinite(position) or swept[0] <= position <= swept[1]:
            return
        wider = (min(swept[0], position - tolerance), max(swept[1], position + tolerance))
        command.decide(PATH, swept=self._guard.swept({axis.name: wider}), **self._guard.obstacles)
        # Kept, so that the next move of another axis counts with it, and this is not decided at every check.
        axis.state.swept = wider
