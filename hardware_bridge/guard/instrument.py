"""The guarded instrument as arming, watching and returning see it: a protocol that the guard fulfils."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

from beamgym.hardware_bridge.guard.devices import (
    GuardedAxis,
    GuardedDetector,
    GuardedShutter,
    SignalProxy,
    Supervisor,
)

Suspend = Callable[[Callable[[], Coroutine[Any, Any, Any]], str], None]
"""Suspends a run until the coroutine that the first argument makes has ended; the second says why."""


class DevicesOfInstrument(Protocol):
    """What ``connect`` returns: see connect.Devices."""

    axes: dict[str, Any]
    detector: Any
    shutter: Any
    heartbeats: dict[str, Any]
    suspenders: dict[str, Any]
    identity: Any


class GuardedInstrument(Supervisor, Protocol):
    """All guarded devices of an instrument, and what belongs to them together."""

    @property
    def devices(self) -> DevicesOfInstrument:
        """The bare devices."""
        ...

    @property
    def axes(self) -> Mapping[str, GuardedAxis]:
        """The guarded axes by name, in the file's order."""
        ...

    @property
    def shutter(self) -> GuardedShutter:
        """The guarded shutter."""
        ...

    @property
    def detector(self) -> GuardedDetector:
        """The guarded detector."""
        ...

    @property
    def reason(self) -> str:
        """Why the guard latched; empty where it did not."""
        ...

    @property
    def home(self) -> Mapping[str, float]:
        """Where the axes stood when the guard was armed, in their own units; empty before."""
        ...

    @property
    def suspend(self) -> Suspend | None:
        """Suspends the run when a suspender trips; None where a tripped suspender is an abort."""
        ...

    async def positions(self) -> dict[str, float]:
        """Return every axis's readback, in its own unit."""
        ...

    def proxies(self) -> list[SignalProxy]:
        """Return every device that is commanded."""
        ...

    def announce(self, targets: Mapping[str, float], exposure_follows: bool = True) -> None:
        """Say which axes one command moves together, so that a human is asked about all of them at once."""
        ...

    def note(self, kind: str, **data: Any) -> None:
        """Write a line about something that is no command."""
        ...
