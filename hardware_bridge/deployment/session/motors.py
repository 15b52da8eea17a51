"""What motors say of themselves, before a guard is there to read them: their limits and their settings."""

import asyncio
from typing import Any

from beamgym.hardware_bridge.adapters import Devices
from beamgym.hardware_bridge.guard.devices import AxisProxy
from beamgym.hardware_bridge.instrument_file import InstrumentFile


async def read_motor_limits(
    file: InstrumentFile, devices: Devices, answer_s: float
) -> dict[str, tuple[float, float] | None]:
    """Return what each motor's own limits leave of targets, its backlash taken off; None where it has none."""

    async def one(name: str, device: Any) -> tuple[float, float] | None:
        proxy, entry = AxisProxy(device, name, answer_s, devices.records), file.axis(name)
        if entry.unit == "s":
            return await proxy.limits()
        limits, settings = await asyncio.gather(proxy.limits(), proxy.fields())
        return proxy.targets(entry.limits, limits, entry.backlash, settings)

    found = await asyncio.gather(*(one(name, device) for name, device in devices.axes.items()))
    return dict(zip(devices.axes, found, strict=True))


async def read_motor_settings(file: InstrumentFile, devices: Devices, answer_s: float) -> dict[str, dict[str, Any]]:
    """Return what each motor says of its settings, by axis, by the motor record's names; may be empty."""
    axes = {name: device for name, device in devices.axes.items() if file.axis(name).unit != "s"}
    proxies = [AxisProxy(device, name, answer_s, devices.records) for name, device in axes.items()]
    found = await asyncio.gather(*(proxy.fields() for proxy in proxies))
    return dict(zip(axes, found, strict=True))
