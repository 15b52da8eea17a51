"""What is watched while a guard is armed: heartbeats, suspenders, axes that nobody sent, and signs of life."""

import asyncio
import contextlib
import math
from dataclasses import dataclass
from typing import Any

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.devices import GuardedAxis, GuardedCommand, SignalProxy
from beamgym.hardware_bridge.guard.instrument import GuardedInstrument
from beamgym.hardware_bridge.guard.rules import CONNECTION, HEARTBEAT, PATH, SUSPENDER, GuardRefused
from beamgym.hardware_bridge.instrument_file import HeartbeatEntry, SuspenderEntry
from beamgym.hardware_bridge.records import AuditError


@dataclass
class Pulse:
    """One heartbeat: its signal, the last reading, and when it was read and changed (loop time, seconds)."""

    entry: HeartbeatEntry
    proxy: SignalProxy
    value: Any = None
    looks_s: float = -math.inf
    missed: int = 0
    seen: bool = False

    @property
    def allowed(self) -> int:
        """How many looks without a change are one too many."""
        return self.entry.missed

    async def look(self, now_s: float) -> None:
        """Read it, once in its period, and count the looks that found it unchanged."""
        if now_s - self.looks_s < self.entry.period_s:
            return
        value = await self.proxy.value()
        self.missed = self.missed + 1 if value == self.value else 0
        self.seen = self.seen or (self.value is not None and value != self.value)
        self.value, self.looks_s = value, now_s


@dataclass
class Suspender:
    """One suspender: its signal and its last reading."""

    entry: SuspenderEntry
    proxy: SignalProxy
    value: float | None = None

    async def look(self) -> None:
        """Read it."""
        try:
            self.value = float(await self.proxy.value())
        except DeviceError:
            self.value = None
            raise

    def decide(self, command: GuardedCommand) -> None:
        """Let the rule decide on its last reading."""
        entry = self.entry
        command.decide(SUSPENDER, name=entry.name, value=self.value, low=entry.low, high=entry.high)


class Watch:
    """Looks at everything a few times a second, in the guard's loop.

    Parameters
    ----------
    guard : whose instrument is watched
    period_s : between two looks
    hold_s : a command waits so long for a suspender to come back, seconds
    """

    def __init__(self, guard: GuardedInstrument, period_s: float, hold_s: float) -> None:
        devices, file, answer_s = guard.devices, guard.file, guard.answer_s
        self.pulses = [Pulse(e, SignalProxy(devices.heartbeats[e.name], e.name, answer_s)) for e in file.heartbeats]
        self.suspenders = [
            Suspender(e, SignalProxy(devices.suspenders[e.name], e.name, answer_s)) for e in file.suspenders
        ]
        self.tripped = ""
        self._losses: dict[str, int] = {}
        self._guard = guard
        self._period_s = period_s
        self._hold_s = hold_s
        self._task: asyncio.Task[None] | None = None
        self._clear: asyncio.Event | None = None
        self._looked_s = -math.inf

    async def first_look(self, command: GuardedCommand) -> None:
        """Read every heartbeat until it was seen to beat, and every suspender; nothing starts without them."""
        self._clear = asyncio.Event()
        self._clear.set()
        self.tripped = ""
        self._losses = {proxy.name: proxy.losses for proxy in self._proxies()}
        await asyncio.gather(*(self._first_beat(command, pulse) for pulse in self.pulses))
        for suspender in self.suspenders:
            try:
                await suspender.look()
            except DeviceError as error:
                command.decide(CONNECTION, what=f"suspender {suspender.entry.name!r} ({error})", lost=True)
            suspender.decide(command)

    async def _first_beat(self, command: GuardedCommand, pulse: Pulse) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + pulse.entry.period_s * (pulse.allowed + 1)
        pulse.value, pulse.missed, pulse.seen = None, 0, False
        while not pulse.seen and loop.time() < deadline:
            pulse.looks_s = -math.inf
            await pulse.look(loop.time())
            await asyncio.sleep(0.0 if pulse.seen else min(0.05, 0.25 * pulse.entry.period_s))
        missed = 0 if pulse.seen else pulse.allowed
        command.decide(HEARTBEAT, name=pulse.entry.name, missed=missed, allowed=pulse.allowed)
        pulse.missed = 0

    def start(self) -> None:
        """Begin to watch."""
        self._looked_s = asyncio.get_running_loop().time()
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        """End it."""
        task, self._task = self._task, None
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            task.cancel()
            await asyncio.wait({task}, timeout=2.0 * self._guard.answer_s)

    async def clear(self, interrupt: "asyncio.Future[str] | None") -> bool:
        """Wait, for a bounded time, until no suspender holds; returns False where the command was stopped meanwhile."""
        if self._clear is None or self._clear.is_set() or interrupt is None:
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

    def decide(self, command: GuardedCommand) -> None:
        """Let the rules about connections, heartbeats and suspenders decide on what was last seen."""
        self._connected(command)
        for pulse in self.pulses:
            command.decide(HEARTBEAT, name=pulse.entry.name, missed=pulse.missed, allowed=pulse.allowed)
        for suspender in self.suspenders:
            if self._clear is None or self._clear.is_set():
                suspender.decide(command)

    def _proxies(self) -> list[SignalProxy]:
        return [
            *self._guard.proxies(),
            *(pulse.proxy for pulse in self.pulses),
            *(each.proxy for each in self.suspenders),
        ]

    def _connected(self, command: GuardedCommand) -> None:
        """Refuse where a server was lost since the arming, also one that is back: it may be as new."""
        for proxy in self._proxies():
            if proxy.losses != self._losses.get(proxy.name, proxy.losses):
                command.decide(CONNECTION, what=proxy.name, lost=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._period_s)
            command = GuardedCommand(self._guard, "watch", "instrument")
            try:
                await self.look(command)
            except asyncio.CancelledError:
                raise
            except GuardRefused as error:
                # first the abort: a log that cannot be written must not keep a motor moving
                self._guard.abort(error.line, error.item)
                self._tell(command, "refused", item=error.item, line=error.line)
                return
            except BaseException as error:
                self._guard.abort(f"the watch failed: {error}")
                self._tell(command, "failed", error=f"{type(error).__name__}: {error}")
                return
            command.drop()

    def _tell(self, command: GuardedCommand, outcome: str, **data: Any) -> None:
        with contextlib.suppress(AuditError):
            command.end(outcome, **data)

    async def look(self, command: GuardedCommand) -> None:
        """Look at everything once, and decide; raises GuardRefused at what may not be."""
        loop = asyncio.get_running_loop()
        self._guard.audit.check()
        found = await asyncio.gather(
            *(pulse.look(loop.time()) for pulse in self.pulses),
            *(suspender.look() for suspender in self.suspenders),
            *(self._look_at_axis(command, axis) for axis in self._guard.axes.values() if not axis.sets_exposure),
            return_exceptions=True,
        )
        self._connected(command)
        for error in found:
            if isinstance(error, DeviceError):
                command.decide(CONNECTION, what=str(error), lost=True)
            elif isinstance(error, BaseException):
                raise error
        for pulse in self.pulses:
            command.decide(HEARTBEAT, name=pulse.entry.name, missed=pulse.missed, allowed=pulse.allowed)
        self._look_at_suspenders(command)

    def _look_at_suspenders(self, command: GuardedCommand) -> None:
        tripped = ""
        for suspender in self.suspenders:
            try:
                suspender.decide(command)
            except GuardRefused as refused:
                if self._guard.suspend is None:
                    raise
                tripped = refused.line
        assert self._clear is not None
        if tripped and not self.tripped:
            self._clear.clear()
            assert self._guard.suspend is not None
            self._guard.suspend(self._clear.wait, tripped)
            self._guard.note("suspended", line=tripped)
        elif self.tripped and not tripped:
            self._guard.note("resumed", line=self.tripped)
            self._clear.set()
        self.tripped = tripped

    async def _look_at_axis(self, command: GuardedCommand, axis: GuardedAxis) -> None:
        generation = axis.state.generation
        position, moving = await asyncio.gather(axis.position(), axis.proxy.moving())
        if generation != axis.state.generation:
            return
        if axis.busy and axis.state.swept is not None:
            self._follow(command, axis, position)
        elif not (self._guard.dry_run and axis.state.commanded):
            axis.check_at_rest(command, position, bool(moving))

    def _follow(self, command: GuardedCommand, axis: GuardedAxis, position: float) -> None:
        """Where a moving axis has left what its move was allowed to sweep, decide anew with where it is."""
        swept, tolerance = axis.state.swept, axis.entry.tolerance
        if swept is None or not math.isfinite(position) or swept[0] <= position <= swept[1]:
            return
        wider = (min(swept[0], position - tolerance), max(swept[1], position + tolerance))
        command.decide(PATH, swept=self._guard.swept({axis.name: wider}), forbidden=self._guard.boxes)
        axis.state.swept = wider
