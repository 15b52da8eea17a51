"""Reads what the records of a new instrument say; nothing is written to any PV."""

import asyncio
import math
import time
from collections.abc import Coroutine
from itertools import pairwise
from typing import Any

from beamgym.hardware_bridge.adapters.epics.camera_settings import read_camera_settings
from beamgym.hardware_bridge.adapters.epics.channels import aioca
from beamgym.hardware_bridge.adapters.epics.motor import motor_record_limits
from beamgym.hardware_bridge.adapters.epics.motor_settings import read_motor_settings
from beamgym.hardware_bridge.adapters.epics.optional import read_optional
from beamgym.hardware_bridge.ca_loops import forget_channels, quiet_channels
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.new_instrument.found import AxisFound, Found, SignalFound
from beamgym.hardware_bridge.new_instrument.request import NewInstrument
from beamgym.hardware_bridge.settings import SPELLINGS, AxisSettings, DetectorSettings, is_unit

WATCH_S = 3.0
"""A heartbeat is watched for so long, seconds."""

_CONNECT_S = 10.0
_LOOK_S = 0.05
_ADDRESSES = "check its name, the IOC and EPICS_CA_ADDR_LIST"


def read_records(request: NewInstrument) -> Found:
    """Read every record that a request names.

    Raises
    ------
    ValueError : in one line, what does not answer, is no motor record, or has a unit that files do not know
    """

    async def read() -> Found:
        try:
            return await _read(request)
        finally:
            forget_channels(asyncio.get_running_loop())

    try:
        return asyncio.run(read())
    except DeviceError as error:
        raise ValueError(str(error)) from None


async def _read(request: NewInstrument) -> Found:
    pvs = [f"{record}.RBV" for record in request.axes.values()]
    pvs += [*request.heartbeats.values(), *request.suspenders.values()]
    pvs += [f"{request.camera}{request.option('camera', 'camera', 'cam1:')}AcquireTime"]
    status = f"{request.shutter}{request.option('shutter', 'status', 'Status')}" if request.shutter else ""
    pvs += [pv for pv in (status, request.identity) if pv]
    await _connect(pvs)
    quiet_channels()
    camera, *axes = await _all(_camera(request), *(_axis(*pair) for pair in request.axes.items()))
    beats = await _all(*(_heartbeat(pv) for pv in request.heartbeats.values()))
    signals = await _all(*(_signal(pv) for pv in request.suspenders.values()))
    identity = await read_optional({"is": request.identity}) if request.identity else {}
    shutter = await read_optional({"status": status}) if status else {}
    return Found(
        dict(zip(request.axes, axes, strict=True)),
        camera,
        str(shutter.get("status", "")),
        str(identity.get("is", "")),
        dict(zip(request.heartbeats, beats, strict=True)),
        dict(zip(request.suspenders, signals, strict=True)),
    )


async def _all(*work: Coroutine[Any, Any, Any]) -> Any:
    return await asyncio.gather(*work)


async def _connect(pvs: list[str]) -> None:
    """Find every PV without which there is no file; DeviceError names those that do not answer."""
    found = await aioca.connect(pvs, timeout=_CONNECT_S, throw=False)
    silent = [pv for pv, one in zip(pvs, found, strict=True) if not one.ok]
    if silent:
        more = f" and {len(silent) - 3} more" if len(silent) > 3 else ""
        raise DeviceError(f"no answer from PV {', '.join(silent[:3])}{more} within {_CONNECT_S:g} s; {_ADDRESSES}")


async def _axis(name: str, record: str) -> AxisFound:
    settings = await read_motor_settings(record)
    if settings.record_type not in (None, "", "motor"):
        raise DeviceError(
            f"axis {name!r}: {record} is a record of the type {settings.record_type!r}; name a motor record"
        )
    words = settings.unit or ""
    unit = next((unit for unit in SPELLINGS if words and is_unit(words, unit)), "")
    if words and unit not in ("deg", "mm"):
        raise DeviceError(
            f"axis {name!r}: {record}.EGU is {words!r}; axes are in deg or mm: set the record's unit and resolution"
        )
    return AxisFound(settings, unit, _limits(name, settings))


def _limits(name: str, found: AxisSettings) -> tuple[float, float] | None:
    user, dial = found.limits, found.dial_limits
    if user is None and dial is None:
        return None
    # What is missing is as what is unset.
    offset, sign = found.offset or 0.0, found.direction or 1
    return motor_record_limits(name, user or (offset, offset), dial or (0.0, 0.0), sign, offset)


async def _camera(request: NewInstrument) -> DetectorSettings:
    camera, image = request.option("camera", "camera", "cam1:"), request.option("camera", "image", "image1:")
    return await read_camera_settings(request.camera + camera, request.camera + image)


async def _signal(pv: str) -> SignalFound:
    found, info = await asyncio.gather(read_optional({"value": pv}), aioca.cainfo(pv, timeout=_CONNECT_S, throw=False))
    return SignalFound(pv, found.get("value"), str(info.host) if info.ok else "")


async def _heartbeat(pv: str) -> SignalFound:
    """Read a heartbeat and see how often it changes."""
    first = await _signal(pv)
    changes: list[float] = []
    last, until = first.value, time.monotonic() + WATCH_S
    while time.monotonic() < until and len(changes) < 5:
        await asyncio.sleep(_LOOK_S)
        value = (await read_optional({"value": pv})).get("value")
        if value != last:
            changes.append(time.monotonic())
            last = value
    steps = [after - before for before, after in pairwise(changes)]
    period_s = math.ceil(10.0 * max(steps)) / 10.0 if steps else None
    return SignalFound(pv, last, first.server, period_s)
