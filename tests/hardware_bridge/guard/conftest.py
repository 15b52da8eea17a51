"""A whole instrument of plain-Python devices with faults, and a guard over it."""

import asyncio
import contextlib
import copy
import itertools
import math
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ophyd_async.core import AsyncStatus

from beamgym.hardware_bridge.guard.guard import Guard
from beamgym.hardware_bridge.guard.life import DeadMan
from beamgym.hardware_bridge.instrument_file.load import parse_instrument
from beamgym.hardware_bridge.records.audit import AuditLog

ARPES: dict[str, Any] = {
    "name": "rig",
    "kind": "arpes",
    "devices": {
        **{name: {"adapter": "object", "address": name} for name in ("x", "y", "camera", "shutter", "beat", "current")},
        "dwell": {"adapter": "exposure", "address": "camera"},
    },
    "axes": [
        {"name": name, "device": name, "kind": "linear", "unit": "mm", "vector": vector, "limits": [-1.0, 1.0],
         "speed": 100.0, "tolerance": 0.01, "max_step": 1.5, "timeout_s": 20.0}
        for name, vector in (("x", [1.0, 0.0, 0.0]), ("y", [0.0, 1.0, 0.0]))
    ]
    + [{"name": "dwell", "device": "dwell", "kind": "linear", "unit": "s", "vector": [0.0, 0.0, 0.0],
        "limits": [0.01, 1.0], "tolerance": 0.001, "max_step": 1.0}],
    "detector": {"device": "camera", "shape": [8, 6], "energy_ev": [-0.5, 0.1], "slit_deg": [-10.0, 10.0],
                 "exposure_s": [0.01, 1.0], "timeout_s": 20.0, "saturation": 60000.0, "max_saturated": 0.1},
    "shutter": {"device": "shutter"},
    "dose": {"budget_s": 5.0},
    "heartbeats": [{"name": "server", "device": "beat", "period_s": 0.05, "missed": 20}],
    "suspenders": [{"name": "beam", "device": "current", "low": 10.0, "heartbeat": "server"}],
    "operator": {"deadman_s": 60.0},
    "arpes": {"beam_time_s": 100.0},
}  # fmt: skip


BUSY_S = 10.0
"""On a busy machine a device of this rig may take so long for an answer, seconds; tests of what is late say less."""


class Ended:
    """A bluesky Status in plain Python."""

    def __init__(self) -> None:
        self.done = self.success = False
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[Any], None]] = []
        self._turn = threading.Lock()

    def add_callback(self, callback: Callable[[Any], None]) -> None:
        with self._turn:
            if not self.done:
                self._callbacks.append(callback)
                return
        callback(self)

    def exception(self, timeout: float | None = 0.0) -> BaseException | None:
        return self._error

    def end(self, error: BaseException | None = None) -> None:
        with self._turn:
            if self.done:
                return
            self.done, self.success, self._error = True, error is None, error
        for callback in self._callbacks:
            callback(self)


class Motor:
    """A motor that takes ``travel_s`` for any move; ``fault`` makes it misbehave."""

    parent = None

    def __init__(self, name: str, travel_s: float = 0.02) -> None:
        self.name, self.travel_s, self.fault = name, travel_s, ""
        self.sets: list[float] = []
        self.stops = 0
        self.limits_mm: tuple[float, float] | None = (-2.0, 2.0)
        self.alarm_text, self.home, self.speed = "", True, 50.0
        self._from = self._to = 0.0
        self._begun = 0.0
        self._travel = 0.0
        self._frozen: float | None = None
        self._status: Ended | None = None
        self._timer: threading.Timer | None = None

    @property
    def truth(self) -> float:
        """Where it really is."""
        share = 1.0 if self._travel == 0.0 else min((time.monotonic() - self._begun) / self._travel, 1.0)
        return self._from + share * (self._to - self._from)

    @property
    def really_moving(self) -> bool:
        return self._travel > 0.0 and time.monotonic() - self._begun < self._travel

    def go(self, target: float, travel_s: float) -> None:
        """Drive it, whoever asks."""
        self._from, self._to, self._begun, self._travel = self.truth, target, time.monotonic(), travel_s

    def set(self, value: float) -> Any:
        self._gone()
        self.sets.append(value)
        self._status = status = Ended()
        travel = self.travel_s
        if self.fault == "frozen":
            self._frozen = self.truth
        goals = {"overshoot": value + 0.5, "limit switch": 0.5 * (self.truth + value), "ignored": self.truth}
        if self.fault == "stall":
            self.go(value, 1e6)
            return status
        self.go(goals.get(self.fault, value), travel)
        error = RuntimeError("the controller tripped") if self.fault == "failing" else None
        self._timer = threading.Timer(travel, status.end, [error])
        self._timer.daemon = True
        self._timer.start()
        return status

    def stop(self, success: bool = True) -> None:
        self._gone()
        self.stops += 1
        if self.fault != "deaf":
            here = self.truth
            self._from = self._to = here
            self._travel = 0.0
        if self._status is not None:
            self._status.end()

    def read(self) -> dict[str, Any]:
        self._gone()
        value = self.truth if self._frozen is None else self._frozen
        return {self.name: {"value": math.nan if self.fault == "nan" else value, "timestamp": time.time()}}

    def describe(self) -> dict[str, Any]:
        return {self.name: {"source": "fake", "dtype": "number", "shape": []}}

    def motor_limits(self) -> tuple[float, float] | None:
        self._gone()
        return self.limits_mm

    def moving(self) -> bool:
        self._gone()
        return self.really_moving

    def velocity(self) -> float:
        return self.speed

    def alarm(self) -> str:
        return self.alarm_text

    def home_done(self) -> bool:
        return self.home

    def _gone(self) -> None:
        if self.fault == "gone":
            raise ConnectionError("no answer")


class AsyncMotor(Motor):
    """The same with coroutines, as ophyd-async has them."""

    def set(self, value: float) -> Any:
        async def move() -> None:
            status = Motor.set(self, value)
            while not status.done:
                await asyncio.sleep(0.001)
            if status.exception() is not None:
                raise status.exception()

        return AsyncStatus(move(), name=self.name)

    async def stop(self, success: bool = True) -> None:
        Motor.stop(self, success)

    async def read(self) -> dict[str, Any]:
        return Motor.read(self)

    async def moving(self) -> bool:
        return Motor.moving(self)


class Camera:
    """A camera that exposes with ``scale`` of the real time and counts its frames; ``fault`` makes it misbehave.

    Where it is ``deaf`` it takes the order to stop, and does nothing.
    """

    parent = None
    name = "camera"

    def __init__(self, shape: tuple[int, int] = (8, 6), scale: float = 0.1) -> None:
        self.shape, self.scale, self.fault = shape, scale, ""
        self.deaf = self.exposes = False
        self.triggers, self.exposures, self.stops = 0, list[float](), 0
        self.offset_s = 0.0
        self.on_trigger: Callable[[], None] = lambda: None
        self.draw: Callable[[float], Any] = self._noise
        self._exposure = 0.1
        self._image = np.zeros(shape, np.uint16)
        self._counter, self._time = 0, time.time()
        self._rng = np.random.default_rng(1)
        self._status: Ended | None = None

    def set_exposure(self, seconds: float) -> Any:
        self.exposures.append(seconds)
        self._exposure = seconds
        status = Ended()
        status.end()
        return status

    def exposure_s(self) -> float:
        return self._exposure

    def trigger(self) -> Any:
        self.triggers += 1
        self.on_trigger()
        self.exposes = True
        self._status = status = Ended()
        if self.fault == "hung":
            return status
        timer = threading.Timer(self.scale * self._exposure, self._finish, [status])
        timer.daemon = True
        timer.start()
        return status

    def stop(self, success: bool = True) -> None:
        self.stops += 1
        if self.deaf:
            return
        self.exposes = False
        if self._status is not None:
            self._status.end()

    def exposing(self) -> bool:
        return self.exposes

    def counter(self) -> int:
        return self._counter

    def read(self) -> dict[str, Any]:
        values = {"image": self._image, "counter": self._counter, "time": self._time + self.offset_s}
        return {f"camera_{key}": {"value": value, "timestamp": self._time} for key, value in values.items()}

    def describe(self) -> dict[str, Any]:
        return {"camera_image": {"source": "fake", "dtype": "array", "shape": list(self.shape)}}

    def _finish(self, status: Ended) -> None:
        self.exposes = False
        if self.fault != "old frame":
            self._counter += 1
            self._time = time.time()
        if self.fault not in ("old frame", "repeats"):
            self._image = self._drawn()
        status.end()

    def _drawn(self) -> Any:
        images = {
            "blank": np.full(self.shape, 7, np.uint16),
            "saturated": np.full(self.shape, 65535, np.uint16),
            "wrong shape": np.ones((3, 3), np.uint16),
            "objects": np.full(self.shape, None, dtype=object),
        }
        return images[self.fault] if self.fault in images else self.draw(self._exposure)

    def _noise(self, exposure: float) -> Any:
        return self._rng.integers(0, 1000, self.shape).astype(np.uint16)


class Shutter:
    """A shutter that notes when it opens and closes; ``fault`` makes it misbehave."""

    parent = None
    name = "shutter"

    def __init__(self) -> None:
        self.place, self.fault = 0, ""
        self.puts: list[int] = []

    def set(self, value: int) -> Any:
        if self.fault == "gone":
            raise ConnectionError("no answer")
        self.puts.append(value)
        if not (self.fault == "stuck" and value == 0):
            self.place = value
        status = Ended()
        status.end()
        return status

    def read(self) -> dict[str, Any]:
        if self.fault == "gone":
            raise ConnectionError("no answer")
        return {self.name: {"value": self.place, "timestamp": time.time()}}


class Signal:
    """A reading; ``value`` is a number or a call."""

    parent = None

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value, self.fault = name, value, ""

    def read(self) -> dict[str, Any]:
        if self.fault == "gone":
            raise ConnectionError("no answer")
        value = self.value() if callable(self.value) else self.value
        return {self.name: {"value": value, "timestamp": time.time()}}


class Exposure:
    """The detector's exposure time as an axis, as the adapter makes it."""

    parent = None
    name = "dwell"

    def __init__(self, camera: Camera) -> None:
        self._camera = camera

    def set(self, value: float) -> Any:
        return self._camera.set_exposure(value)

    def read(self) -> dict[str, Any]:
        return {self.name: {"value": self._camera.exposure_s(), "timestamp": time.time()}}


class Clock:
    """Seconds that pass when they are told to, for signs of life; ``asked`` counts how often somebody looked."""

    def __init__(self) -> None:
        self.now_s, self.asked = 0.0, 0

    def __call__(self) -> float:
        self.asked += 1
        return self.now_s


class Rig:
    """Devices, file, log and guard of one test; the policy's silence is counted by ``clock``, which stands.

    The items of ``left_out`` are left out while the guard is armed.
    """

    def __init__(
        self, folder: Any, changes: dict[str, Any], motor: type[Motor], without: Any, left_out: tuple[int, ...]
    ) -> None:
        content = copy.deepcopy(ARPES)
        content.update(changes)
        self.file = parse_instrument(content)
        self.x, self.y = motor("x"), motor("y")
        self.camera, self.shutter = Camera(), Shutter()
        beats = itertools.count()
        self.beat, self.current = Signal("beat", lambda: next(beats)), Signal("current", 200.0)
        self.identity: Signal | None = None
        self.answers: dict[str, bool] = {}
        self.questions: list[str] = []
        self.clock = Clock()
        self.deadman = DeadMan(self.clock)
        self.log = folder / "audit.jsonl"
        self.audit = AuditLog(self.log)
        self._without, self._left_out = without, left_out
        self.guard: Guard = Any
        self.looks = 0

    def devices(self) -> Any:
        return SimpleNamespace(
            axes={"x": self.x, "y": self.y, "dwell": Exposure(self.camera)},
            detector=self.camera,
            shutter=self.shutter,
            heartbeats={"server": self.beat},
            suspenders={"beam": self.current},
            identity=self.identity,
        )

    def confirm(self, question: str) -> bool:
        self.questions.append(question)
        return next((answer for part, answer in self.answers.items() if part in question), True)

    def make(self, **options: Any) -> Guard:
        """Make the guard, without arming it."""
        options = {"confirm": self.confirm, "deadman": self.deadman, "answer_s": BUSY_S, "watch_s": 0.03} | options
        self.guard = Guard(self.file, self.devices(), self.audit, **{"keep_trying_s": 60.0, **options})
        self._count_looks()
        return self.guard

    def _count_looks(self) -> None:
        look, self.looks = self.guard.watch.check, 0

        async def counted(command: Any) -> None:
            await look(command)
            self.looks += 1

        self.guard.watch.check = counted

    @contextlib.asynccontextmanager
    async def armed(self, **options: Any) -> Any:
        """Make the guard, arm it, and close it at the end."""
        guard = self.make(**options)
        with self._without(*self._left_out):
            try:
                await guard.arm()
                yield guard
            finally:
                await guard.close()

    def enforces(self, item: int) -> bool:
        """Whether a guard item is not left out."""
        return item not in self._left_out

    def drive(self, test: Any, **options: Any) -> Any:
        """Run a coroutine function of an armed guard, within 200 s."""

        async def all_of_it() -> Any:
            async with self.armed(**options) as guard:
                return await test(guard)

        return asyncio.run(asyncio.wait_for(all_of_it(), 200.0))

    async def until(self, true: Callable[[], Any]) -> None:
        """Wait, while the loop goes on, until something is so; 30 s at most."""
        deadline = time.monotonic() + 30.0
        while not true():
            assert time.monotonic() < deadline, "not so within 30 s"
            await asyncio.sleep(0.01)

    def wait(self, true: Callable[[], Any]) -> None:
        """Wait in a thread, until something is so; 30 s at most."""
        asyncio.run(self.until(true))

    async def looked(self, times: int = 3) -> None:
        """Wait until the watch has looked at everything so often again, and let it be."""
        wanted = self.looks + times + 1  # one may be under way
        await self.until(lambda: self.looks >= wanted)

    async def latched(self) -> None:
        """Wait until the guard has latched by itself."""
        await self.until(lambda: self.guard.state == "latched")


@pytest.fixture
def rig(tmp_path, without):
    """Return a maker of rigs: rig(changes to the file, motor class, guard items)."""
    made = []

    leave_out = without

    def make(changes: dict[str, Any] | None = None, motor: type[Motor] = Motor, without: tuple[int, ...] = ()) -> Rig:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Rig(folder, changes or {}, motor, leave_out, without))
        return made[-1]

    yield make
    for each in made:
        each.audit.close()


@pytest.fixture
def async_motor():
    return AsyncMotor


@pytest.fixture
def arpes_content():
    """Return the rig's instrument file as a mapping, to be changed."""
    return copy.deepcopy(ARPES)
