"""Records that not every camera has, and the server's clock: what the EPICS camera reads beside the image."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from beamgym.hardware_bridge.adapters.epics.channels import aioca
from beamgym.hardware_bridge.devices import DeviceError, answered

GRACE_S = 0.5
"""Records that are not needed are waited for so long after the needed ones have answered, seconds: one server answers
for all of them in the same moment."""

WORST_S = 0.5
"""A measurement is none where the server took longer for its answer than twice that, seconds."""

_MEASURED = 20
"""So many of the last measurements of a clock are kept: quartz clocks part by less than 1 ms in as many exposures."""


class OptionalRecords:
    """Channel Access records that may be missing, watched from the moment they are found.

    Parameters
    ----------
    name : the device's name, for messages
    pvs : short name → PV
    reply_s : the server answers within this time, seconds
    hear : called with the short name and the value at every update
    """

    def __init__(
        self, name: str, pvs: Mapping[str, str], reply_s: float, hear: Callable[[str, Any], None] | None = None
    ) -> None:
        self._name, self._pvs, self._reply_s, self._hear = name, dict(pvs), reply_s, hear
        self._values: dict[str, Any] = {}
        self._monitors: dict[str, Any] = {}

    async def connect_beside(self, needed: Awaitable[None], timeout: float) -> None:
        """Look for the records while what is needed connects, and for ``GRACE_S`` more; a missing one is no error."""
        searches = [asyncio.ensure_future(self._look_for(short, timeout)) for short in self._pvs]
        try:
            await needed
            await asyncio.wait(searches, timeout=GRACE_S)
        finally:
            for search in searches:
                search.cancel()

    def __contains__(self, short: str) -> bool:
        """Whether the server has a record."""
        return short in self._monitors

    def word(self, short: str) -> str:
        """Return a record's last value as text; "" where there is no such record."""
        value = self._values.get(short)
        return "" if value is None else str(value)

    def words(self, shorts: Iterable[str]) -> dict[str, str]:
        """Return the last values, as text, of the records that there are."""
        return {short: self.word(short) for short in shorts if short in self._values}

    async def numbers(self, shorts: Iterable[str]) -> dict[str, int]:
        """Return whole numbers, read now, of the records that there are; DeviceError where there is no answer."""
        there = [short for short in shorts if short in self]
        found = await asyncio.gather(*(self._read(short) for short in there))
        return dict(zip(there, found, strict=True))

    async def _look_for(self, short: str, timeout: float) -> None:
        pv = self._pvs[short]
        answer = await aioca.caget(pv, datatype=aioca.DBR_ENUM_STR, timeout=timeout, throw=False)
        if not answer.ok:
            return
        self._values[short] = answer
        former = self._monitors.pop(short, None)
        if former is not None:
            former.close()
        self._monitors[short] = aioca.camonitor(
            pv, lambda value: self._update(short, value), datatype=aioca.DBR_ENUM_STR, all_updates=True
        )

    def _update(self, short: str, value: Any) -> None:
        self._values[short] = value
        if self._hear is not None:
            self._hear(short, value)

    async def _read(self, short: str) -> int:
        what = f"{self._name}: reading PV {self._pvs[short]}"
        value = await answered(what, self._reply_s, aioca.caget(self._pvs[short], timeout=None))
        try:
            return int(value)
        except (TypeError, ValueError):
            raise DeviceError(f"{self._name}: PV {self._pvs[short]} is {value!r}, not a number") from None


class ServerClock:
    """How far a server's clock is ahead of ours, from the time stamps of what it was just made to do.

    A record that was processed between two moments of our clock bounds the difference on both sides; the narrowest of
    the last measurements counts, and a clock that was set meanwhile is one that contradicts the earlier ones.
    """

    def __init__(self) -> None:
        self._bounds: list[tuple[float, float]] = []

    async def measure(self, process: Awaitable[None], stamp: Callable[[], Awaitable[float]]) -> None:
        """Make the server do something, and read when it says that it did.

        Parameters
        ----------
        process : writes a record and waits for the completion
        stamp : reads the record's time stamp, unix seconds by the server's clock
        """
        # Read anew each time: an axis that sets the exposure, or another client, may have processed it meanwhile.
        last_s = await stamp()
        begun_s = time.time()
        await process
        ended_s = time.time()
        stamped_s = await stamp()
        # A server that stamps nothing anew says nothing about its clock.
        if stamped_s == last_s:
            return
        low, high = stamped_s - ended_s, stamped_s - begun_s
        if any(high < other_low or low > other_high for other_low, other_high in self._bounds):
            self._bounds.clear()
        self._bounds = [*self._bounds[1 - _MEASURED :], (low, high)]

    def offset_s(self) -> tuple[float, float] | None:
        """Return (how far it is ahead of ours, uncertainty), seconds; None where it could not be measured well."""
        low, high = min(self._bounds, key=lambda pair: pair[1] - pair[0], default=(0.0, math.inf))
        if high - low > 2.0 * WORST_S:
            return None
        return 0.5 * (low + high), 0.5 * (high - low)
