"""A guard over Channel Access and the practice instrument behind it, whose own truth is asked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aioca
import yaml

from beamgym.hardware_bridge.adapters.connect import connect
from beamgym.hardware_bridge.guard.guard import Guard
from beamgym.hardware_bridge.instrument_file.load import parse_instrument, shipped_instrument
from beamgym.hardware_bridge.practice.process import IocProcess
from beamgym.hardware_bridge.records.audit import AuditLog
from rigs.guarded import BUSY_S, Guarded, left_out

LONG_S = 60.0
"""On a busy machine a move or an exposure may take so long beyond its time; tests of what is late say less, seconds."""


def patient(kind: str, change: Callable[[dict[str, Any]], Any] | None) -> dict[str, Any]:
    """Return a shipped instrument file as a mapping, changed, with time for a busy machine."""
    content: dict[str, Any] = yaml.safe_load(shipped_instrument(f"{kind}_soft_ioc").read_text(encoding="utf-8"))
    content["heartbeats"][0]["missed"] = 40
    content["operator"] = {"deadman_s": 4.0 * LONG_S}
    for part in (content["detector"], *content["axes"]):
        part["timeout_s"] = LONG_S
    for device in content["devices"].values():
        if device["adapter"] == "epics":
            device["options"] = {"reply_s": BUSY_S}
    content["devices"]["shutter"]["options"]["travel_s"] = BUSY_S
    if change is not None:
        change(content)
    return content


class Bench(Guarded):
    """A guard over Channel Access, and the practice instrument behind it as new.

    Parameters
    ----------
    ioc : the practice instrument
    folder : for the audit log
    change : gets the shipped instrument file as a mapping, and changes it
    items : guard items that are left out while something is driven
    agree : see the fixture ``agreed_log``
    """

    most_s, pause_s = 600.0, 0.02

    def __init__(self, ioc: IocProcess, folder: Path, change: Any, items: tuple[int, ...], agree: Any) -> None:
        super().__init__(parse_instrument(patient(ioc.kind, change)), folder, items)
        self.ioc, self.agree = ioc, agree
        self.objects: dict[str, Any] = {}

    @contextlib.asynccontextmanager
    async def armed(self, arm: bool = True, **options: Any) -> AsyncIterator[Guard]:
        """Make the guard, arm it, close it at the end, and hold its log against the truth."""
        with left_out(*self.items), AuditLog(self.log) as audit:
            made = self.guarded(connect(self.file, self.objects), audit, **{"watch_s": 0.05, **options})
            try:
                async with self.closing(made, arm) as guard:
                    yield guard
            finally:
                audit.close()
                aioca.purge_channel_caches()
                if self.ioc.running:
                    self.agree(self.log, self.ioc)

    async def asked(self, true: Callable[[], Any]) -> Any:
        """Ask whether something is so; the server's answer is waited for in a thread."""
        return await asyncio.to_thread(true)

    def happened(self, kind: str) -> list[dict[str, Any]]:
        """Return what really happened of one kind."""
        return [record for record in self.ioc.records() if record["kind"] == kind]

    def received(self, ending: str) -> list[Any]:
        """Return the values that clients have put into the PVs whose names end so."""
        return [record["value"] for record in self.ioc.puts() if record["pv"].endswith(ending)]
