"""Measures what the guard adds to a step, on devices that take no time themselves."""

import asyncio
import math
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from beamgym.hardware_bridge.devices import need
from beamgym.hardware_bridge.guard.guard import Guard
from beamgym.hardware_bridge.guard.life import DeadMan
from beamgym.hardware_bridge.instrument_file import InstrumentFile, parse_instrument
from beamgym.hardware_bridge.records import AuditLog

AsyncStatus = need("ophyd_async.core", "hardware").AsyncStatus

_EXPOSURE_S = 0.05


@dataclass
class Instant:
    """A device that does at once what it is told: a motor, a shutter or a reading."""

    name: str
    value: float = 0.0
    parent: Any = None

    def set(self, value: float) -> Any:
        """Be there."""
        return AsyncStatus(self._set(value), name=self.name)

    async def read(self) -> dict[str, Any]:
        """Return where it is."""
        return {self.name: {"value": self.value, "timestamp": time.time()}}

    async def stop(self, success: bool = True) -> None:
        """Do nothing."""

    async def _set(self, value: float) -> None:
        self.value = float(value)


@dataclass
class InstantBeat(Instant):
    """A heartbeat: another value at every look."""

    async def read(self) -> dict[str, Any]:
        """Return one more."""
        self.value += 1.0
        return await super().read()


@dataclass
class InstantCamera:
    """A camera whose frames are there at once."""

    name: str = "camera"
    images: Any = field(default_factory=lambda: np.random.default_rng(0).poisson(100.0, (16, 64, 64)).astype(np.uint16))
    frames: int = 0
    parent: Any = None

    def trigger(self) -> Any:
        """Take one frame, unlike the last."""
        return AsyncStatus(self._trigger(), name=self.name)

    def set_exposure(self, seconds: float) -> Any:
        """Take note."""
        return AsyncStatus(asyncio.sleep(0.0), name=self.name)

    async def counter(self) -> int:
        """Return how many there were."""
        return self.frames

    async def read(self) -> dict[str, Any]:
        """Return the last frame."""
        values = {"image": self.images[self.frames % len(self.images)], "counter": self.frames, "time": time.time()}
        return {f"{self.name}_{key}": {"value": value, "timestamp": 0.0} for key, value in values.items()}

    async def stop(self, success: bool = True) -> None:
        """Do nothing."""

    async def _trigger(self) -> None:
        # Each with its own noise: a frame that equals one of the last ten is refused.
        self.frames += 1


def guard_step_ms(steps: int = 40, folder: str | Path | None = None) -> dict[str, float]:
    """Measure what the guard adds to a step: two axes moved together, one frame with the shutter open for it.

    Parameters
    ----------
    steps : how many are made
    folder : where the audit log is written; its disk is part of the result. None takes the temporary folder

    Returns
    -------
    "guard_step_ms" : median time of a guarded step less that of the same on the bare devices, milliseconds;
    "audit_ms" : of that, the time of as many log lines, written one after another; "bare_step_ms" : without the guard
    """
    with tempfile.TemporaryDirectory(dir=folder) as place:
        return asyncio.run(_measure(steps, Path(place)))


async def _measure(steps: int, folder: Path) -> dict[str, float]:
    file, devices = _file(), _devices()
    bare = [await _timed(_bare_step(devices, number)) for number in range(steps)]
    devices = _devices()
    with AuditLog(folder / "speed.jsonl") as audit:
        guard = Guard(file, devices, audit, confirm=lambda question: True, deadman=DeadMan())
        try:
            await guard.arm()
            guard.detector.exposure_s = _EXPOSURE_S
            # finding the spots is the task's own work: whoever takes a frame needs them
            guard.detector.finder = guard.detector.presence = None
            # Not timed: the first step is slower than all others.
            await _guarded_step(guard, 0)
            guarded = [await _timed(_guarded_step(guard, number)) for number in range(1, steps)]
            lines = [await _timed(_ten_lines(audit)) for _ in range(5)]
        finally:
            await guard.close()
    middle = statistics.median(bare)
    return {
        "guard_step_ms": statistics.median(guarded) - middle,
        "audit_ms": statistics.median(lines),
        "bare_step_ms": middle,
    }


async def _bare_step(devices: Any, number: int) -> None:
    await asyncio.gather(*(device.set(math.sin(number)) for device in devices.axes.values()))
    await devices.shutter.set(1)
    await devices.detector.trigger()
    await devices.shutter.set(0)
    await devices.detector.read()


async def _guarded_step(guard: Guard, number: int) -> None:
    await asyncio.gather(*(axis.set(math.sin(number)) for axis in guard.axes.values()))
    await guard.detector.trigger()


async def _ten_lines(audit: AuditLog) -> None:
    # As many lines as a step writes: two axes, shutter twice, detector.
    for number in [audit.before("speed") for _ in range(5)]:
        audit.after(number, "done")


async def _timed(work: Any) -> float:
    begun = time.perf_counter()
    await work
    return 1e3 * (time.perf_counter() - begun)


def _devices() -> Any:
    return SimpleNamespace(
        axes={"x": Instant("x"), "y": Instant("y")},
        detector=InstantCamera(),
        shutter=Instant("shutter"),
        heartbeats={"server": InstantBeat("server")},
        suspenders={"beam": Instant("beam", 200.0)},
        identity=None,
    )


def _file() -> InstrumentFile:
    axes = [
        {"name": name, "device": name, "unit": "deg", "vector": vector, "limits": [-2.0, 2.0], "tolerance": 0.01}
        | {"max_step": 5.0}
        for name, vector in (("x", [1.0, 0.0, 0.0]), ("y", [0.0, 1.0, 0.0]))
    ]
    names = ("x", "y", "camera", "shutter", "server", "beam")
    return parse_instrument(
        {
            "name": "speed",
            "kind": "laue",
            "devices": {name: {"adapter": "object", "address": name} for name in names},
            "axes": axes,
            "detector": {
                "device": "camera",
                "shape": [64, 64],
                "origin_mm": [-70.0, -80.0, 80.0],
                "fast": [0.0, 1.0, 0.0],
                "slow": [0.0, 0.0, -1.0],
                "pixel_mm": 2.5,
                "exposure_s": [0.01, 60.0],
                "saturation": 65535,
            },
            "shutter": {"device": "shutter"},
            "dose": {"budget_s": 5e5},
            "heartbeats": [{"name": "server", "device": "server", "period_s": 0.1}],
            "suspenders": [{"name": "beam", "device": "beam", "low": 10.0, "heartbeat": "server"}],
            "laue": {"crystal": "Si", "target": "pose [001] [110]"},
        }
    )
