"""Asks the devices of an instrument what they are set to, and compares all of it with the file."""

import asyncio
from typing import Any

from beamgym.hardware_bridge.guard.devices import AxisProxy, SignalProxy
from beamgym.hardware_bridge.instrument_file import AxisEntry, InstrumentFile
from beamgym.hardware_bridge.settings import AxisSettings, DetectorSettings
from beamgym.hardware_bridge.settings_check.axes import compare_axis
from beamgym.hardware_bridge.settings_check.detector import compare_detector
from beamgym.hardware_bridge.settings_check.difference import Difference


async def read_differences(file: InstrumentFile, devices: Any, answer_s: float) -> tuple[Difference, ...]:
    """Return every difference between a file and its devices, those that would refuse a run first; writes nothing.

    Parameters
    ----------
    file : the instrument
    devices : its devices, connected; those that offer no ``settings`` are passed over
    answer_s : a device answers within this time, seconds

    Raises
    ------
    DeviceError : a device that does not answer
    """
    axes = [entry for entry in file.axes if entry.unit != "s"]
    found = await asyncio.gather(
        _detector(file, devices.detector, answer_s),
        *(_axis(entry, devices.axes[entry.name], answer_s) for entry in axes),
    )
    # Axes first, as in the file; within each sort the order stays.
    listed = [each for part in (*found[1:], found[0]) for each in part]
    return tuple(sorted(listed, key=lambda each: not each.refused))


async def _axis(entry: AxisEntry, device: Any, answer_s: float) -> list[Difference]:
    proxy = AxisProxy(device, entry.name, answer_s)
    settings = await proxy.settings()
    if not isinstance(settings, AxisSettings):
        return []
    return compare_axis(entry, settings, await proxy.limits())


async def _detector(file: InstrumentFile, device: Any, answer_s: float) -> list[Difference]:
    settings = await SignalProxy(device, "detector", answer_s).settings()
    return compare_detector(file, settings) if isinstance(settings, DetectorSettings) else []
