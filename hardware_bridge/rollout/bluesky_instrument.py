"""BlueskyInstrument: real devices behind the guard as the Instrument that tasks and environments know (n = 1).

``positions``, ``move`` and ``acquire`` run their plans in the RunEngine and block: call them from the main thread. A
plan that holds a whole episode uses ``positions_plan``, ``move_plan`` and ``acquire_plan`` instead.
"""

import asyncio
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

import numpy as np

from beamgym.envs.kinds import resolve
from beamgym.envs.task import TaskCommand
from beamgym.hardware_bridge.devices import need
from beamgym.hardware_bridge.guard import Guard
from beamgym.hardware_bridge.guard.rules import refusal
from beamgym.hardware_bridge.instrument_file import Context, InstrumentFile, context_of
from beamgym.hardware_bridge.kinds import bridge_kind
from beamgym.physics.instrument import (
    AcquireSettings,
    Axis,
    BoolArray,
    Float64Array,
    Frame,
    FrameFailed,
    MoveFailed,
    MoveReport,
)

bps = need("bluesky.plan_stubs", "hardware")

T = TypeVar("T")
Plan = Generator[Any, Any, T]


class BlueskyInstrument:
    """One guarded instrument.

    Parameters
    ----------
    file : the instrument file
    guard : its guard, armed before the first move or exposure; ``arm`` here does it in the RunEngine's loop
    run_engine : a bluesky RunEngine; None where only the plans are used
    """

    n = 1

    def __init__(self, file: InstrumentFile, guard: Guard, run_engine: Any | None = None) -> None:
        self.file, self.guard, self.run_engine = file, guard, run_engine
        self._context: Context | None = None
        self._frame: Frame | None = None

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes, within what the limits and the backlash leave, as read when the guard was armed."""
        return self.file.physics_axes(self.guard.travel)

    @property
    def context(self) -> Context:
        """What the task may know, from the instrument file; the motors' limits are those read at arming."""
        if self._context is None:
            self._context = context_of(self.file, self.guard.travel)
        return self._context

    def arm(self, homed: Sequence[str] = (), timeout_s: float = 60.0) -> None:
        """Arm the guard in the RunEngine's loop; raises what ``Guard.arm`` raises."""
        # The limits may have been changed at the controller since the last arming.
        self._context = None
        self._in_loop(lambda: self.guard.arm(homed), timeout_s)

    def close(self, timeout_s: float = 120.0) -> None:
        """Close the guard in the RunEngine's loop: everything stopped, shutter closed."""
        self._in_loop(self.guard.close, timeout_s)

    def require_armed(self) -> None:
        """Raise GuardRefused where the guard has latched, or a sign of life is missing; from any thread."""
        self.guard.require_armed()

    def require_same_sample(self, task: Any, seen: Sequence[tuple[Frame, Float64Array]], claimed: bool = True) -> None:
        """Raise GuardRefused where frames are not of one sample that moved as its axes did; from any thread.

        Parameters
        ----------
        task : the rules
        seen : frames and the positions (1, k) at which each was taken, in order; the last one is what success rests on
        claimed : whether success is claimed; where not, frames that do not tell are no reason to refuse
        """
        change = bridge_kind(self.file.kind).sample_change
        if change is None or len(seen) < 2:
            return
        by, allowed = resolve(change)(task, seen)
        if claimed or by is not None:
            self.guard.judge_sample(by, allowed)

    def positions(self) -> Float64Array:
        """Return the readback of every axis, (1, k)."""
        read = self._in_loop(self.guard.positions, 10.0 * self.guard.answer_s)
        return np.array([[read[name] for name in self.file.axis_names]])

    def move(self, target: Float64Array, mask: BoolArray) -> MoveReport:
        """Move to absolute positions (1, k); raises MoveFailed when the guard refuses or a motor does not arrive."""
        if not mask.any():
            # An episode that ends without a last move must not end well behind a latched guard.
            self.guard.require_armed()
            return MoveReport(self.positions(), np.zeros(1))
        return self._run(lambda: self.move_plan(target), MoveFailed)

    def acquire(self, settings: AcquireSettings, mask: BoolArray) -> Frame:
        """Take one frame; raises FrameFailed when the guard refuses, or the frame cannot be used.

        Where an axis sets the exposure, ``settings.exposure_s`` is not used, as in the simulated instrument.
        """
        if not mask.any() and self._frame is not None:
            self.guard.require_armed()
            return self._frame
        return self._run(lambda: self.acquire_plan(settings), FrameFailed)

    def positions_plan(self) -> Plan[Float64Array]:
        """Read every axis; returns (1, k)."""
        read: list[dict[str, float]] = []

        async def look() -> None:
            read.append(await self.guard.positions())

        yield from _awaited(look)
        return np.array([[read[-1][name] for name in self.file.axis_names]])

    def move_plan(self, target: Float64Array) -> Plan[MoveReport]:
        """Move to absolute positions (1, k), all axes together; the Status of each is done when it has arrived."""
        wanted = dict(zip(self.file.axis_names, np.asarray(target, dtype=np.float64).reshape(-1), strict=True))
        group = bps.short_uid("move") if hasattr(bps, "short_uid") else f"move-{id(wanted)}"
        # One command: a human is asked about all of its axes at once.
        self.guard.announce(wanted)
        # All of them are judged before the first is sent: one that is refused must not leave another one moved.
        yield from _awaited(lambda: self.guard.judge_move(wanted))
        # the dwell first: whether a motor must settle depends on it
        for name, value in sorted(wanted.items(), key=lambda item: not self.guard.axes[item[0]].sets_exposure):
            yield from bps.abs_set(self.guard.axes[name], float(value), group=group)
        # All together: one after another would take the sum of their times, and the simulation counts the longest.
        yield from bps.wait(group)
        states = {name: self.guard.axes[name].state for name in wanted}
        # The exposure-time axis takes no time of a motor.
        travelling = [states[entry.name].moved_s for entry in self.file.axes if entry.unit != "s"]
        readback = np.array([[states[name].known for name in wanted]])
        return MoveReport(readback, np.array([max(travelling, default=0.0)]))

    def acquire_plan(self, settings: AcquireSettings | None = None) -> Plan[Frame]:
        """Take one frame; the exposure is that of the settings, of the file's task, or of the axis that sets it."""
        self._choose_exposure(settings)
        detector = self.guard.detector
        yield from bps.trigger(detector, wait=True)
        self._frame = detector.last_frame()
        return self._frame

    def acquire_for_plan(self, command: TaskCommand) -> Plan[Frame]:
        """Take the frame of a task's command, whose move was made; here, as ``acquire_plan`` does it."""
        return (yield from self.acquire_plan())

    def _choose_exposure(self, settings: AcquireSettings | None) -> None:
        self.guard.detector.exposure_s = resolve(bridge_kind(self.file.kind).exposure_s)(self.file, settings)

    def _run(self, plan: Callable[[], Plan[T]], kind: type[Exception]) -> T:
        """Run a plan in the RunEngine and return what it returns."""
        if self.run_engine is None:
            raise ValueError("this instrument has no RunEngine; give it one, or use its plans")
        kept: list[T] = []

        def keeping() -> Plan[None]:
            kept.append((yield from plan()))

        try:
            self.run_engine(keeping())
        except Exception as error:
            # bluesky wraps what a Status raised; the guard's own line is what the caller needs.
            behind = refusal(error)
            line = str(behind) if behind is not None else str(error.__cause__ or error)
            raise kind(line) from error
        # A paused RunEngine returns without a result and without an error.
        if not kept:
            raise kind("the RunEngine was interrupted; resume or abort it, then begin anew")
        return kept[-1]

    def _in_loop(self, work: Callable[[], Any], timeout_s: float) -> Any:
        if self.run_engine is None:
            raise ValueError("this instrument has no RunEngine; give it one, or use its plans")
        future = asyncio.run_coroutine_threadsafe(work(), self.run_engine.loop)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            # It must do nothing any more after its caller has given up.
            future.cancel()
            raise


def _awaited(factory: Callable[[], Any]) -> Plan[None]:
    futures = yield from bps.wait_for([factory])
    for future in futures or ():
        if future.exception() is not None:
            raise future.exception()
