"""Single EPICS records: a shutter, and readings such as heartbeat, beam current, pressure and identity."""

import asyncio
import math
import time
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from beamgym.hardware_bridge.adapters.epics.channels import AsyncStatus, Channels
from beamgym.hardware_bridge.devices import AdapterOptions, DeviceError, Readings, signal_key

_INVALID = -1
"""Severity INVALID, as ophyd-async hands it over."""


class EpicsShutterOptions(AdapterOptions):
    """Options of an EPICS shutter; its address is the prefix of its PVs.

    Parameters
    ----------
    open : what follows the prefix for the PV to which 1 is written to open, and 0 to close
    close : the same for a PV of its own to which 1 is written to close; "" where ``open`` does both
    status : the same for the PV that says how the shutter stands
    opened, closed : what ``status`` reads then, upper and lower case alike
    travel_s : the status follows a command within this time, seconds
    reply_s : the IOC answers within this time, seconds
    poll_s : the status is asked this often, seconds
    """

    open: str = "Open"
    close: str = ""
    status: str = "Status"
    opened: tuple[str, ...] = ("1", "1.0", "open", "opened")
    # With its default too: "closed" may have been given to ``opened``.
    closed: tuple[str, ...] = Field(default=("0", "0.0", "closed", "close"), validate_default=True)
    travel_s: float = Field(default=3.0, gt=0.0, le=600.0)
    reply_s: float = Field(default=2.0, gt=0.0, le=60.0)
    poll_s: float = Field(default=0.02, ge=0.001, le=10.0)

    @field_validator("closed")
    @classmethod
    def _told_apart(cls, closed: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        both = {word.lower() for word in closed} & {word.lower() for word in info.data.get("opened", ())}
        if both:
            raise ValueError(f"{', '.join(sorted(both))} is among opened, too; a word says one of them")
        return closed


class EpicsShutter:
    """A shutter: ``set(1)`` opens, ``set(0)`` closes, and neither is done before the status says so.

    Parameters
    ----------
    name : the shutter's name
    prefix : of its PVs, e.g. "bgym:shutter:"
    options : see EpicsShutterOptions
    """

    parent = None

    def __init__(self, name: str, prefix: str, options: EpicsShutterOptions | None = None) -> None:
        self.name = name
        self._options = options or EpicsShutterOptions()
        self._status_pv = prefix + self._options.status
        readable = {"open": prefix + self._options.open, "status": self._status_pv}
        if self._options.close:
            readable["close"] = prefix + self._options.close
        self._pv = Channels(name, readable, self._options.reply_s, ("open", "close"))

    @property
    def losses(self) -> int:
        """How often its server was lost since this was made."""
        return self._pv.losses

    @property
    def outputs(self) -> tuple[str, ...]:
        """PVs that it may write."""
        return self._pv.outputs

    async def connect(self, timeout: float) -> None:
        """Connect; DeviceError names the PVs that did not answer. Writes nothing."""
        await self._pv.connect(timeout)

    def set(self, value: int) -> Any:
        """Open (1) or close (0); the Status fails where the shutter does not follow within ``travel_s``."""
        return AsyncStatus(self._set(value), name=self.name)

    async def read(self) -> Readings:
        """Return 1 for open, 0 for closed, NaN where the status says neither."""
        return {self.name: {"value": await self._state(), "timestamp": time.time()}}

    async def describe(self) -> Readings:
        """Return what ``read`` gives, in bluesky's form."""
        return {self.name: {"source": f"ca://{self._status_pv}", "dtype": "number", "shape": []}}

    async def stop(self, success: bool = True) -> None:
        """Close without waiting for the travel."""
        await self._command(0)

    async def _set(self, value: int) -> None:
        if value not in (0, 1):
            raise ValueError(f"{self.name} takes 1 to open and 0 to close, not {value!r}")
        await self._command(int(value))
        deadline = time.monotonic() + self._options.travel_s
        # Completion of the put means that it was taken; a blade needs its time, and may be stuck.
        while await self._state() != value:
            if time.monotonic() > deadline:
                words = "opened" if value else "closed"
                raise DeviceError(f"{self.name} has not {words} within {self._options.travel_s:g} s of its command")
            await asyncio.sleep(self._options.poll_s)

    async def _command(self, value: int) -> None:
        # Many beamline shutters have a button for each direction, which is written 1.
        if value == 0 and self._options.close:
            await self._pv.put("close", 1)
        else:
            await self._pv.put("open", value)

    async def _state(self) -> float:
        found = await self._pv.reading("status")
        # The record has lost the blade's controller, and shows what it last knew.
        if found.get("alarm_severity") == _INVALID:
            return math.nan
        text = str(found["value"]).strip().lower()
        for value, words in ((1.0, self._options.opened), (0.0, self._options.closed)):
            if text in [word.lower() for word in words]:
                return value
        # Between the two ends, or a word nobody told us: not known, which the guard takes as not closed.
        return math.nan


class EpicsSignalOptions(AdapterOptions):
    """Options of a single EPICS reading.

    Parameters
    ----------
    reply_s : the IOC answers within this time, seconds
    """

    reply_s: float = Field(default=2.0, gt=0.0, le=60.0)


class EpicsSignal:
    """One PV that is only read.

    Parameters
    ----------
    name : the signal's name
    pv : the PV, e.g. "bgym:heartbeat"
    options : see EpicsSignalOptions
    """

    parent = None

    def __init__(self, name: str, pv: str, options: EpicsSignalOptions | None = None) -> None:
        self.name = name
        self._source = f"ca://{pv}"
        self._pv = Channels(name, {"value": pv}, (options or EpicsSignalOptions()).reply_s)

    @property
    def losses(self) -> int:
        """How often its server was lost since this was made."""
        return self._pv.losses

    async def connect(self, timeout: float) -> None:
        """Connect; DeviceError names the PV if it does not answer."""
        await self._pv.connect(timeout)

    async def read(self) -> Readings:
        """Return the value, with its timestamp and alarm severity."""
        return {self.name: await self._pv.reading("value")}

    async def describe(self) -> Readings:
        """Return what ``read`` gives, in bluesky's form."""
        return signal_key(self.name, self._source, await self._pv.get("value"))
