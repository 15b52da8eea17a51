"""An emulated motor as an ophyd-async device: it takes its time, can be stopped, and knows its limits."""

import math
import time
from collections.abc import AsyncIterator
from typing import Any

from beamgym.hardware_bridge.devices import need
from beamgym.hardware_bridge.practice.devices.bench import Bench, PartOfBench
from beamgym.hardware_bridge.practice.simulated import EmulatedHardware
from beamgym.physics.instrument import Axis

core = need("ophyd_async.core", "hardware")

Format: Any = core.StandardReadableFormat

UNITS = {"rotation": "deg", "linear": "mm"}


class PracticeMotor(PartOfBench):
    """One motor: bluesky's Movable, Locatable, Stoppable, Checkable and Readable.

    Its signals have the names of ophyd-async's own Motor: ``user_readback``, ``user_setpoint``, ``velocity``,
    ``low_limit_travel``, ``high_limit_travel``, ``motor_done_move``, ``motor_egu``; besides ``alarm`` (empty where all
    is well) and ``home_done``.

    Parameters
    ----------
    bench : the instrument
    axis : which motor
    name : of the device
    """

    def __init__(self, bench: Bench, axis: Axis, name: str = "") -> None:
        self._axis = axis.name
        self._stopped, self._stopped_well = False, True
        unit = UNITS[axis.kind]
        with self.add_children_as_readables(Format.HINTED_UNCACHED_SIGNAL):
            self.user_readback = bench.signal(float, lambda hardware: hardware.readback(axis.name), unit)
        # By the clock on the wall, which a motor that is sped up does not follow by its own setting.
        self.velocity = bench.setting(float, self._speed, self._put_speed, f"{unit}/s")
        self.low_limit_travel = self._field(bench, "low", unit)
        self.high_limit_travel = self._field(bench, "high", unit)
        self.motor_egu = bench.signal(str, lambda hardware: unit)
        # In this order, which a with statement of ophyd-async would not keep.
        settings = [self.velocity, self.low_limit_travel, self.high_limit_travel, self.motor_egu]
        self.add_readables(settings, Format.CONFIG_SIGNAL)
        self.user_setpoint = bench.setting(float, lambda hardware: hardware.motors[axis.name].target, self._send, unit)
        self.motor_done_move = bench.signal(bool, self._stands)
        self.alarm = bench.signal(str, lambda hardware: "MAJOR" if hardware.has_fault("alarm", axis.name) else "")
        self.home_done = bench.signal(bool, lambda hardware: hardware.motors[axis.name].homed)
        super().__init__(bench, name)

    def set_name(self, name: str, *, child_name_separator: str | None = None) -> None:
        """Name the device and its children; the readback is what is plotted, and has the motor's own name."""
        super().set_name(name, child_name_separator=child_name_separator)
        self.user_readback.set_name(name)

    async def check_value(self, value: float) -> None:
        """Raise ValueError for a target that is not finite or beyond the limits; both 0 means no limits."""
        low, high = await self.low_limit_travel.get_value(), await self.high_limit_travel.get_value()
        if not math.isfinite(value):
            raise ValueError(f"{self.name}: the target is {value}; give a finite number")
        if not (low <= value <= high or low == high == 0.0):
            raise ValueError(f"{self.name}: {value:g} is beyond its limits, {low:g} to {high:g}")

    def set(self, value: float) -> Any:
        """Move to an absolute position; done at arrival.

        The Status fails with ValueError for a target beyond the limits, and with RuntimeError where the motor did not
        take the command or was stopped on its way, other than by ``stop(success=True)``.
        """
        # Here and not in the coroutine, which begins later: a stop in between belongs to this move.
        self._stopped, self._stopped_well = False, True
        return core.WatchableAsyncStatus(self._move(float(value)), name=self.name)

    async def _move(self, target: float) -> AsyncIterator[Any]:
        begun = time.monotonic()
        await self.check_value(target)
        if self._bench.mocked:
            core.set_mock_value(self.user_setpoint, target)
            core.set_mock_value(self.user_readback, target)
            return
        initial = await self.user_readback.get_value()
        if not self._stopped:
            with self._bench.hardware() as hardware:
                self._send(hardware, target)
        async for _ in self._bench.until(self._stands):
            yield core.WatcherUpdate(
                current=await self.user_readback.get_value(),
                initial=initial,
                target=target,
                name=self.name,
                unit=await self.motor_egu.get_value(),
                time_elapsed=time.monotonic() - begun,
            )
        if self._stopped and not self._stopped_well:
            raise RuntimeError(f"{self.name} was stopped on its way to {target:g}")

    async def stop(self, success: bool = False) -> None:
        """Stop the motor where it is; a move under way then succeeds or fails, by ``success``."""
        if not self._bench.mocked:
            self._stopped, self._stopped_well = True, success
            with self._bench.hardware() as hardware:
                hardware.stop(self._axis)

    async def locate(self) -> dict[str, float]:
        """Return where it was sent and where it is: bluesky's Location."""
        return {"setpoint": await self.user_setpoint.get_value(), "readback": await self.user_readback.get_value()}

    def _field(self, bench: Bench, name: str, unit: str) -> Any:
        """Return a setting of the motor itself as a signal."""

        def put(hardware: EmulatedHardware, value: float) -> None:
            setattr(hardware.motors[self._axis], name, float(value))

        return bench.setting(float, lambda hardware: getattr(hardware.motors[self._axis], name), put, unit)

    def _speed(self, hardware: EmulatedHardware) -> float:
        return hardware.motors[self._axis].velocity * hardware.speed

    def _put_speed(self, hardware: EmulatedHardware, value: float) -> None:
        if not (math.isfinite(value) and value > 0.0):
            raise ValueError(f"{self.name}: a velocity of {value:g}; give a finite number above 0")
        hardware.motors[self._axis].velocity = float(value) / hardware.speed

    def _stands(self, hardware: EmulatedHardware) -> bool:
        return hardware.motors[self._axis].motion is None

    def _send(self, hardware: EmulatedHardware, value: float) -> None:
        if not hardware.move(self._axis, float(value)):
            raise RuntimeError(f"{self.name}: the motor refused {value:g}; see its limits")
