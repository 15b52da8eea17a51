"""Plain-Python devices that can be told to misbehave."""

import asyncio
import math
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from ophyd_async.core import AsyncStatus


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
        # a step, as every spectrum has one: a flat one shows no sample
        step = np.where(np.arange(self.shape[0]) < self.shape[0] // 2, 20.0, 400.0)[:, None]
        return self._rng.poisson(step, self.shape).astype(np.uint16)


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
