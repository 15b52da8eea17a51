"""Looks for a second server of the same PVs: before the guard is armed, and again and again while it is.

A second one that comes up during a run takes over nothing that is connected, but whatever is lost and found again.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.devices import GuardedCommand
from beamgym.hardware_bridge.guard.instrument import GuardedInstrument
from beamgym.hardware_bridge.guard.rules import ONE_SERVER, GuardRefused
from beamgym.hardware_bridge.records import AuditError

EVERY_S = 10.0
"""Between two searches while the guard is armed, seconds: a few datagrams, which every server of the network reads."""

Servers = Mapping[str, Sequence[str]]


class ServerWatch:
    """Searches for servers of the instrument's PVs, where its devices can (``servers()``, see adapters.Devices).

    Parameters
    ----------
    guard : of the instrument
    """

    def __init__(self, guard: GuardedInstrument) -> None:
        self._guard = guard
        self._search: Callable[[], Awaitable[Servers]] | None = getattr(guard.devices, "servers", None)
        self._task: asyncio.Task[None] | None = None

    async def search(self) -> Servers:
        """Return every server that answers, by PV; needs nothing to be connected."""
        return {} if self._search is None else await self._search()

    def decide(self, command: GuardedCommand, found: Servers) -> None:
        """Let the rule decide on what was found; raises GuardRefused, which names both servers."""
        command.decide(ONE_SERVER, servers=found)

    def start(self) -> None:
        """Begin to search again and again, where there is anything to search for."""
        if self._search is not None:
            self._task = asyncio.ensure_future(self._run())

    def stop(self) -> None:
        """End it."""
        task, self._task = self._task, None
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            task.cancel()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            command = GuardedCommand(self._guard, "watch", "servers")
            try:
                self.decide(command, await self.search())
            except GuardRefused as error:
                self._guard.abort(error.line, error.item)
                with contextlib.suppress(AuditError):
                    command.end("refused", item=error.item, line=error.line)
                return
            except (DeviceError, OSError):
                # A search that could not be made shows nothing; a network that is gone shows itself elsewhere.
                continue
