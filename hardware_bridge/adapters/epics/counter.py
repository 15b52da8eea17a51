"""A counter with its monitor over EPICS: a scaler record where axes stand, a multichannel scaler while they move."""

import asyncio
import math
import time
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from beamgym.hardware_bridge.adapters.epics.channels import AsyncStatus, Channels
from beamgym.hardware_bridge.devices import AdapterOptions, DeviceError, Readings, frame_keys
from beamgym.hardware_bridge.sweeps import SweepRequest
from beamgym.physics.instrument import FrameFailed

COLUMNS = ("time", "monitor", "detector", "filter")
"""Columns of a counter's frame: seconds, the monitor's counts, the detector's, the attenuator's factor."""

_IDLE = ("0", "done", "idle")
_OUTPUTS = ("CNT", "TP", "PR2", "G2", "Start", "Axis", "Edges", "Times", "Gate")
_TORN_READS = 5


class EpicsCounterOptions(AdapterOptions):
    """Options of an EPICS counter; its address is the prefix of all its PVs.

    Parameters
    ----------
    records : "scaler": by this word a detector is a counter
    scaler : what follows the prefix for the scaler record
    channels : the same for the multichannel scaler
    factor : the same for the attenuator's factor; "" where there is no attenuator
    frame, stamp : the same for the number of what was counted last, and for its time, unix seconds
    monitor_per_s : counts of the monitor a second where it is what ends a count; 0 where the clock does
    reply_s : the IOC answers within this time, and is idle so long after it was told to stop, seconds
    poll_s : the states are asked this often, seconds
    """

    records: Literal["scaler"] = "scaler"
    scaler: str = "scaler1"
    channels: str = "mcs1:"
    factor: str = "filter:Factor"
    frame: str = "counter:Frame"
    stamp: str = "counter:TimeStamp"
    monitor_per_s: float = Field(default=0.0, ge=0.0, le=1e12)
    reply_s: float = Field(default=2.0, gt=0.0, le=60.0)
    poll_s: float = Field(default=0.005, ge=0.001, le=10.0)


class EpicsCounter:
    """One counter.

    Parameters
    ----------
    name : the detector's name
    prefix : of all its PVs, e.g. "bgym:"
    points : rows of its frame, at most so many points of a sweep
    timeout_s : a count or a sweep may take this long beyond its own time, seconds
    options : see EpicsCounterOptions

    Attributes
    ----------
    begun : set when a sweep under way counts, so that axes may set off

    Notes
    -----
    ``read`` gives a frame (points, 4), see ``COLUMNS``; rows behind the last point are of 0 s.
    """

    parent = None

    def __init__(
        self, name: str, prefix: str, points: int, timeout_s: float, options: EpicsCounterOptions | None = None
    ) -> None:
        self.name, self._points, self._timeout_s = name, points, timeout_s
        self._options = chosen = options or EpicsCounterOptions()
        scaler, channels = prefix + chosen.scaler, prefix + chosen.channels
        pvs = {field: f"{scaler}.{field}" for field in ("CNT", "TP", "PR2", "G2", "T", "S2", "S3")}
        pvs |= {part: channels + part for part in ("Start", "Acquiring", "Axis", "Edges", "Times", "Gate")}
        pvs |= {part: channels + part.capitalize() for part in COLUMNS}
        pvs |= {"frame": prefix + chosen.frame, "stamp": prefix + chosen.stamp}
        if chosen.factor:
            pvs["factor"] = prefix + chosen.factor
        self._standing = ["T", "S2", "S3", *(["factor"] if chosen.factor else [])]
        self._read_names: list[str] = self._standing
        self._pv = Channels(name, pvs, chosen.reply_s, _OUTPUTS)
        self._source = f"ca://{pvs['detector']}"
        self._sweep: SweepRequest | None = None
        self.begun = asyncio.Event()

    @property
    def outputs(self) -> tuple[str, ...]:
        """PVs that it may write: those that count, preset and name a sweep's channels."""
        return self._pv.outputs

    @property
    def losses(self) -> int:
        """How often its server was lost since this was made."""
        return self._pv.losses

    async def connect(self, timeout: float) -> None:
        """Connect every PV used; DeviceError names those that did not answer. Writes nothing."""
        await self._pv.connect(timeout)

    def set_exposure(self, seconds: float) -> Any:
        """Preset seconds, or what the monitor counts in them; the Status fails where another preset is read back."""
        return AsyncStatus(self._preset(seconds), name=self.name)

    def prepare_sweep(self, sweep: SweepRequest) -> Any:
        """Write what the next trigger counts while axes move; later ones count where they stand again."""
        return AsyncStatus(self._prepare(sweep), name=self.name)

    async def gate(self, opened: bool) -> None:
        """Open or close a channel of a sweep that has no axis of its own."""
        await self._pv.put("Gate", int(opened))

    async def counter(self) -> int:
        """Return the number of what was counted last."""
        return int(await self._pv.number("frame"))

    def trigger(self) -> Any:
        """Count; the Status is done when all is counted and its numbers are there."""
        return AsyncStatus(self._trigger(), name=self.name)

    async def exposing(self) -> bool:
        """Say whether it counts."""
        found = await asyncio.gather(self._pv.get("CNT"), self._pv.get("Acquiring"))
        return any(str(state).lower() not in _IDLE for state in found)

    async def stop(self, success: bool = True) -> None:
        """Stop counting and see it idle; DeviceError where it is not so within ``reply_s``."""
        await asyncio.gather(self._pv.send("CNT", 0), self._pv.send("Start", 0))
        self._sweep = None
        deadline = time.monotonic() + self._options.reply_s
        while await self.exposing():
            if time.monotonic() > deadline:
                limit_s = self._options.reply_s
                raise DeviceError(f"{self.name} still counts {limit_s:g} s after it was told to stop; stop it by hand")
            await asyncio.sleep(self._options.poll_s)

    async def read(self) -> Readings:
        """Return ``NAME_image`` (points, 4), ``NAME_counter`` and ``NAME_time`` (unix s) of one and the same count.

        Raises
        ------
        FrameFailed : the numbers change while they are read, or there are too many of them
        """
        for _ in range(_TORN_READS):
            counter = await self.counter()
            names = (*self._read_names, "stamp")
            *columns, stamp_s = await asyncio.gather(*(self._pv.get(name) for name in names))
            if counter == await self.counter():
                values = {"image": self._image(columns), "counter": counter, "time": float(stamp_s)}
                return {f"{self.name}_{key}": {"value": one, "timestamp": stamp_s} for key, one in values.items()}
        raise FrameFailed(f"{self.name}: the counts change while they are read, {_TORN_READS} times; stop the counter")

    async def describe(self) -> Readings:
        """Return what ``read`` gives, in bluesky's form."""
        return frame_keys(self.name, self._source, (self._points, len(COLUMNS)))

    def _image(self, columns: list[Any]) -> NDArray[np.float64]:
        image = np.zeros((self._points, len(COLUMNS)))
        image[:, -1] = 1.0
        for i, values in enumerate(columns):
            column = np.atleast_1d(np.asarray(values, dtype=np.float64))
            if len(column) > self._points:
                raise FrameFailed(f"{self.name} has {len(column)} channels, detector.shape {self._points}; give more")
            image[: len(column), i] = column
        return image

    async def _preset(self, seconds: float) -> None:
        if not (math.isfinite(seconds) and seconds > 0):
            raise ValueError(f"{self.name}: a count takes a positive number of seconds, not {seconds!r}")
        await self._pv.put("TP", float(seconds))
        by_monitor = self._options.monitor_per_s > 0.0
        if by_monitor:
            await self._pv.put("PR2", float(seconds) * self._options.monitor_per_s)
        await self._pv.put("G2", int(by_monitor))
        found = await self._pv.number("TP")
        if not math.isclose(found, seconds, rel_tol=0.01):
            raise DeviceError(f"{self.name}: asked to count {seconds:g} s, the scaler took {found:g} s")

    async def _prepare(self, sweep: SweepRequest) -> None:
        self._sweep = sweep
        # before the trigger: the last sweep's must not be taken for this one's
        self.begun.clear()
        edges = sweep.edges if len(sweep.edges) else np.zeros(1)
        await self._pv.put("Axis", sweep.axis)
        await self._pv.put("Edges", np.asarray(edges, dtype=np.float64))
        await self._pv.put("Times", np.asarray(sweep.times, dtype=np.float64))

    async def _trigger(self) -> None:
        if await self.exposing():
            raise DeviceError(f"{self.name} counts already: another client has started it; stop that one first")
        sweep, self._sweep = self._sweep, None
        self.begun.clear()
        self._read_names = self._standing if sweep is None else list(COLUMNS)
        if sweep is None:
            limit_s = await self._pv.number("TP") + self._timeout_s
            await self._pv.put("CNT", 1, limit_s)
        else:
            await self._sweep_on(float(np.sum(sweep.times)) + self._timeout_s)
        while await self.exposing():
            await asyncio.sleep(self._options.poll_s)

    async def _sweep_on(self, limit_s: float) -> None:
        counting = asyncio.ensure_future(self._pv.put("Start", 1, limit_s))
        try:
            while not (counting.done() or self.begun.is_set()):
                if await self.exposing():
                    self.begun.set()
                await asyncio.sleep(self._options.poll_s)
            await counting
        finally:
            counting.cancel()
