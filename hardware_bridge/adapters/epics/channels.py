"""What the EPICS devices share: channels by ophyd-async over aioca, connected and read within bounds."""

import asyncio
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from beamgym.hardware_bridge.devices import DeviceError, answered, need

_core = need("ophyd_async.epics.core", "epics")
aioca = need("aioca", "epics")
AsyncStatus = need("ophyd_async.core", "epics").AsyncStatus

_TOLD = 3  # PVs named in one message
_POLL_S = 0.02
_SLOW = "; does its IOC live? A slow one needs a larger reply_s in the device's options"


class Channels:
    """Named Channel Access channels of one device, read by ophyd-async and written by aioca.

    Parameters
    ----------
    name : the device's name, for messages
    pvs : short name → PV
    reply_s : the server answers within this time, seconds
    outputs : short names of the PVs that may be written; every other write is refused before it is sent

    Attributes
    ----------
    losses : how often the server was lost since this was made, however soon it was back
    latest : the last values of what ``monitor`` was asked for

    Notes
    -----
    Not written by ophyd-async: aioca's error counts as False, the retry in ophyd-async's ``Signal.set`` keeps it in a
    concurrent.futures.Future, and Python 3.11's Future raises only what counts as True. A put that failed, or whose
    server died, would be reported as done.
    """

    def __init__(self, name: str, pvs: Mapping[str, str], reply_s: float, outputs: Collection[str] = ()) -> None:
        self._name = name
        self._pvs = dict(pvs)
        self._reply_s = reply_s
        self._outputs = frozenset(outputs)
        self.losses = 0
        self.latest: dict[str, Any] = {}
        self._monitor: Any = None
        self._monitors: list[Any] = []
        self._waiting: dict[str, set[asyncio.Future[Any]]] = {}
        # Our own wait ends before the library's, and knows what it waited for.
        # The type is the server's own: real records, gateways and soft IOCs differ in which integers are floats.
        self._signals: dict[str, Any] = {
            short: _core.epics_signal_r(None, f"ca://{pv}", name=f"{name}_{short}", timeout=reply_s + 1.0)
            for short, pv in pvs.items()
        }

    @property
    def outputs(self) -> tuple[str, ...]:
        """PVs that may be written, in the order in which they were given."""
        return tuple(pv for short, pv in self._pvs.items() if short in self._outputs)

    @property
    def pvs(self) -> tuple[str, ...]:
        """All PVs."""
        return tuple(self._pvs.values())

    async def connect(self, timeout: float) -> None:
        """Connect all; DeviceError names the PVs that did not answer."""
        # All at once: a missing PV costs its whole time limit.
        shorts = list(self._signals)
        found = await asyncio.gather(
            *(self._connected(short, timeout) for short in shorts),
            return_exceptions=True,
        )
        silent = [self._pvs[short] for short, error in zip(shorts, found, strict=True) if error is not None]
        if silent:
            more = f" and {len(silent) - _TOLD} more" if len(silent) > _TOLD else ""
            raise DeviceError(
                f"{self._name}: no answer from PV {', '.join(silent[:_TOLD])}{more} within {timeout:g} s; "
                "check its name, the IOC and EPICS_CA_ADDR_LIST"
            )
        # One PV stands for all: as a rule the PVs of a device are on one server.
        self._listen(next(iter(self._pvs.values())))

    async def get(self, short: str) -> Any:
        """Return a value, read now; DeviceError where the server does not answer."""
        return await answered(self._what("reading", short), self._reply_s, self._signals[short].get_value(), _SLOW)

    async def number(self, short: str) -> float:
        """Return a value as a number; DeviceError where it is none."""
        value = await self.get(short)
        try:
            return float(value)
        except (TypeError, ValueError):
            raise DeviceError(f"{self._name}: PV {self._pvs[short]} is {value!r}, not a number") from None

    async def reading(self, short: str) -> dict[str, Any]:
        """Return value, timestamp (unix s) and alarm severity, as bluesky's Reading."""
        found = await answered(self._what("reading", short), self._reply_s, self._signals[short].read(), _SLOW)
        (reading,) = found.values()
        return dict(reading)

    async def put(self, short: str, value: Any, timeout_s: float | None = None) -> None:
        """Write and wait for the put's completion, by default for ``reply_s``; DeviceError where it fails."""
        limit_s = self._reply_s if timeout_s is None else timeout_s
        # Without aioca's own limit of 5 s: a move takes longer, and our wait names the device.
        work = aioca.caput(self._writable(short), value, wait=True, timeout=None)
        await answered(self._what("writing", short), limit_s, work)

    async def send(self, short: str, value: Any) -> None:
        """Write without waiting for completion; DeviceError where the server is not there."""
        # For stops: a completion would come only when the motor rests, or never.
        work = aioca.caput(self._writable(short), value, wait=False, timeout=None)
        await answered(self._what("writing", short), self._reply_s, work, _SLOW)

    async def monitor(self, pvs: Mapping[str, str], timeout_s: float) -> None:
        """Be told of every change of some PVs, of which a server may lack some; ``latest`` holds their values.

        Parameters
        ----------
        pvs : short name → PV
        timeout_s : return after this time, seconds, though some have not answered; they are taken when they do
        """
        for monitor in self._monitors:
            monitor.close()
        self.latest.clear()
        # A PV that its server lacks is looked for on, without a word.
        # With their severity, and told also when only that changes.
        form = aioca.FORMAT_TIME
        self._monitors = [aioca.camonitor(pv, partial(self._update, short), format=form) for short, pv in pvs.items()]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while len(self.latest) < len(pvs) and loop.time() < deadline:
            await asyncio.sleep(_POLL_S)

    async def update(self, short: str, timeout_s: float) -> Any:
        """Return the next value of a PV that is monitored; None where none came within ``timeout_s`` seconds."""
        coming: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(short, set())
        waiting.add(coming)
        try:
            await asyncio.wait({coming}, timeout=timeout_s)
            return coming.result() if coming.done() else None
        finally:
            waiting.discard(coming)
            coming.cancel()

    def _update(self, short: str, value: Any) -> None:
        self.latest[short] = value
        for coming in self._waiting.get(short, set()):
            if not coming.done():
                coming.set_result(value)

    def _listen(self, pv: str) -> None:
        """Be told when the server is lost: one that is back before anybody asked would be taken for the same."""
        if self._monitor is not None:
            self._monitor.close()
        # DBE_PROPERTY sends next to nothing; wanted is only the notice of a lost connection.
        self._monitor = aioca.camonitor(pv, self._hear, events=aioca.DBE_PROPERTY, notify_disconnect=True)

    def _hear(self, value: Any) -> None:
        self.losses += not value.ok

    def _writable(self, short: str) -> str:
        # Here and not in each device: nothing else in this package writes to Channel Access.
        if short not in self._outputs:
            pv = self._pvs.get(short, short)
            raise DeviceError(f"{self._name}: PV {pv} is no declared output; nothing was written")
        return self._pvs[short]

    def _what(self, doing: str, short: str) -> str:
        return f"{self._name}: {doing} PV {self._pvs[short]}"

    async def _connected(self, short: str, timeout: float) -> None:
        # The extra second lets the library's own wait end first.
        await asyncio.wait_for(self._signals[short].connect(timeout=timeout, force_reconnect=True), timeout + 1.0)
