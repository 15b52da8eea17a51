"""Tango motors, by PyTango: a device with a position attribute, a state and a stop command; and single attributes."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import Field

from beamgym.hardware_bridge.devices import (
    AdapterOptions,
    DeviceError,
    Readings,
    finite,
    in_thread,
    need,
    number_key,
    number_reading,
    signal_key,
)
from beamgym.hardware_bridge.settings import AxisSettings
from beamgym.physics.messages import one_line

tango = need("tango", "tango")
AsyncStatus = need("ophyd_async.core", "hardware").AsyncStatus

T = TypeVar("T")

_TROUBLE = ("ALARM", "FAULT", "UNKNOWN", "DISABLE", "OFF")


class TangoOptions(AdapterOptions):
    """Options of the adapter "tango".

    Parameters
    ----------
    position : attribute that is written to move and read for the position
    stop : command that stops
    upper_switch, lower_switch : boolean attributes that are True at the ends of travel, or "" for none
    homed : boolean attribute that says whether the axis has been homed, or "" for none
    reply_s : the server answers within this time, seconds
    poll_s : ask this often whether it still moves, seconds
    """

    position: str = "Position"
    stop: str = "Stop"
    upper_switch: str = ""
    lower_switch: str = ""
    homed: str = ""
    reply_s: float = Field(default=3.0, gt=0.0, le=60.0)
    poll_s: float = Field(default=0.05, ge=0.005, le=10.0)


class TangoSignalOptions(AdapterOptions):
    """Options of a single Tango attribute.

    Parameters
    ----------
    reply_s : the server answers within this time, seconds
    """

    reply_s: float = Field(default=3.0, gt=0.0, le=60.0)


class TangoServer:
    """One Tango device, and every call to it bounded.

    Parameters
    ----------
    name : who asks, for messages
    address : device name, e.g. "tango://host:10000/domain/family/member"
    reply_s : the server answers within this time, seconds
    """

    def __init__(self, name: str, address: str, reply_s: float) -> None:
        self.address = address
        self._name = name
        self._reply_s = reply_s
        self._proxy: Any = None

    async def open(self, timeout: float) -> None:
        """Connect; DeviceError names the device."""
        if self._proxy is None:
            self._proxy = await self._bounded("connecting", timeout, self._connect)
        await self.call("asking its state", lambda proxy: proxy.state())

    async def call(self, what: str, work: Callable[[Any], T]) -> T:
        """Return what ``work(proxy)`` returns; DeviceError with the server's reason where it fails."""
        if self._proxy is None:
            raise DeviceError(f"{self._name}: Tango device {self.address} is not connected; await connect() first")
        # Tango's own limit is below ours, so that its reason is the one told.
        return await self._bounded(what, 1.0 + 2.0 * self._reply_s, lambda: work(self._proxy))

    def _connect(self) -> Any:
        proxy = tango.DeviceProxy(self.address)
        proxy.set_timeout_millis(int(1e3 * self._reply_s))
        return proxy

    async def _bounded(self, what: str, timeout_s: float, work: Callable[[], T]) -> T:
        subject = f"{self._name}: {what} at Tango device {self.address}"
        try:
            return await in_thread(subject, timeout_s, work)
        except DeviceError:
            raise
        except Exception as error:  # DevFailed, and TypeError where a server went away within a call
            told = error.args[0].desc if isinstance(error, tango.DevFailed) and error.args else error
            raise DeviceError(f"{subject} failed: {one_line(told, 200)}") from None


class TangoMotor:
    """One Tango motor.

    Parameters
    ----------
    name : the axis's name
    address : the Tango device
    unit : "deg" or "mm"
    timeout_s : a move may take this long, seconds
    options : see TangoOptions
    """

    parent = None

    def __init__(
        self, name: str, address: str, unit: str, timeout_s: float, options: TangoOptions | None = None
    ) -> None:
        self.name = name
        self._unit = unit
        self._timeout_s = timeout_s
        self._options = options or TangoOptions()
        self._server = TangoServer(name, address, self._options.reply_s)

    async def real_name(self) -> str:
        """Return the device's own name, another one than the address where that is an alias."""
        await self._server.open(self._options.reply_s)
        return await self._server.call("asking its name", lambda proxy: str(proxy.dev_name()))

    async def connect(self, timeout: float) -> None:
        """Connect and read the position once; DeviceError names device and attribute."""
        await self._server.open(timeout)
        await self.read()

    def set(self, value: float) -> Any:
        """Write the position and wait until the state is not MOVING; judging arrival is the guard's."""
        return AsyncStatus(self._move(value), name=self.name)

    async def read(self) -> Readings:
        """Return the position; NaN where the server marks it invalid."""
        found = await self._attribute(self._options.position)
        invalid = found.quality == tango.AttrQuality.ATTR_INVALID or found.value is None
        return number_reading(self.name, math.nan if invalid else found.value, found.time.totime())

    async def describe(self) -> Readings:
        """Return what ``read`` gives, in bluesky's form."""
        return number_key(self.name, f"{self._server.address}/{self._options.position}", self._unit)

    async def motor_limits(self) -> tuple[float, float] | None:
        """Return the position attribute's min_value and max_value, or None where one of them is unset."""
        name = self._options.position
        found = await self._server.call(f"reading the limits of {name}", lambda proxy: proxy.get_attribute_config(name))
        try:
            low, high = float(found.min_value), float(found.max_value)
        except ValueError:  # Tango says "Not specified"
            return None
        if not low < high:
            raise DeviceError(f"{self.name}: Tango says min_value {low:g} and max_value {high:g}, in wrong order")
        return low, high

    async def settings(self) -> AxisSettings:
        """Return unit, limits and position; Tango has no words for speed, backlash and step that all servers share."""
        name = self._options.position
        found = await self._server.call(f"reading the unit of {name}", lambda proxy: proxy.get_attribute_config(name))
        # Tango says "No unit" where its server has not set one.
        unit = "" if str(found.unit).lower() in ("", "no unit") else str(found.unit).strip()
        homed = await self.home_done() if self._options.homed else None
        position = (await self.read())[self.name]["value"]
        return AxisSettings(self._server.address, unit, position, await self.motor_limits(), homed=homed)

    async def moving(self) -> bool:
        """Say whether the state is MOVING."""
        return await self._state() == "MOVING"

    async def alarm(self) -> str:
        """Return the limit switch or the state that is trouble, with the server's status text; "" where all is well."""
        for side, switch in (("upper", self._options.upper_switch), ("lower", self._options.lower_switch)):
            if switch and bool((await self._attribute(switch)).value):
                return f"{side} limit switch"
        state = await self._state()
        if state not in _TROUBLE:
            return ""
        status = await self._server.call("reading its status", lambda proxy: str(proxy.status()))
        return f"{state}: {one_line(status, 120)}"

    async def home_done(self) -> bool:
        """Say whether the axis is homed; False where it cannot be asked."""
        return bool(self._options.homed) and bool((await self._attribute(self._options.homed)).value)

    async def stop(self, success: bool = True) -> None:
        """Run the stop command."""
        name = self._options.stop
        await self._server.call(f"command {name}", lambda proxy: proxy.command_inout(name))

    async def _move(self, value: float) -> None:
        target, name = finite(self.name, value), self._options.position
        deadline = time.monotonic() + self._timeout_s
        await self._server.call(f"writing {name}", lambda proxy: proxy.write_attribute(name, target))
        while await self.moving():
            if time.monotonic() > deadline:
                raise DeviceError(f"{self.name} still moves {self._timeout_s:g} s after its command to {target:g}")
            await asyncio.sleep(self._options.poll_s)

    async def _state(self) -> str:
        return str(await self._server.call("asking its state", lambda proxy: proxy.state()))

    async def _attribute(self, name: str) -> Any:
        # Without extract_as a scalar of quality INVALID still comes back, with value None.
        return await self._server.call(f"reading {name}", lambda proxy: proxy.read_attribute(name))


class TangoSignal:
    """One attribute that is only read: a heartbeat, a beam current, a pressure.

    Parameters
    ----------
    name : the signal's name
    address : device and attribute, e.g. "machine/beam/1/Current"
    options : see TangoSignalOptions
    """

    parent = None

    def __init__(self, name: str, address: str, options: TangoSignalOptions | None = None) -> None:
        self.name = name
        device, _, self._attribute = address.rpartition("/")
        fragment = ""
        if "#" in self._attribute:
            self._attribute, _, fragment = self._attribute.partition("#")
        if not device or not self._attribute:
            raise ValueError(f"{name}: {address!r} is no Tango attribute; write domain/family/member/attribute")
        suffix = f"#{fragment}" if fragment else ""
        self._server = TangoServer(name, device + suffix, (options or TangoSignalOptions()).reply_s)

    async def connect(self, timeout: float) -> None:
        """Connect and read once; DeviceError names device and attribute."""
        await self._server.open(timeout)
        await self.read()

    async def read(self) -> Readings:
        """Return the value; NaN where the server marks it invalid."""
        name = self._attribute
        found = await self._server.call(f"reading {name}", lambda proxy: proxy.read_attribute(name))
        value = math.nan if found.value is None else found.value
        return {self.name: {"value": value, "timestamp": found.time.totime()}}

    async def describe(self) -> Readings:
        """Return what ``read`` gives, in bluesky's form."""
        value = (await self.read())[self.name]["value"]
        return signal_key(self.name, f"{self._server.address}/{self._attribute}", value)
