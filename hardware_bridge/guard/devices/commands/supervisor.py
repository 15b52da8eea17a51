"""What a guarded device needs from its guard: a protocol, so that no device imports the guard."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol

from beamgym.hardware_bridge.guard.devices.commands.command import CommandLog, GuardedCommand
from beamgym.hardware_bridge.instrument_file import InstrumentFile

ROUNDS = 4
"""So often a command is decided anew, and asked about again, because what a human was shown has changed meanwhile."""

CHANGED = "what was shown had changed each time that somebody said yes; find out who changes it, then begin anew"


class Supervisor(CommandLog, Protocol):
    """Watches over several devices at once: permits their commands, and is told when one of them fails."""

    @property
    def file(self) -> InstrumentFile:
        """The instrument file."""
        ...

    @property
    def answer_s(self) -> float:
        """A device answers within this time, seconds."""
        ...

    @property
    def dry_run(self) -> bool:
        """Whether everything is decided and logged, and nothing sent."""
        ...

    @property
    def boxes(self) -> list[dict[str, Any]]:
        """The file's forbidden boxes in joint space, as the rule ``envelope`` takes them."""
        ...

    @property
    def obstacles(self) -> dict[str, Any]:
        """What no path may meet, as the rules ``envelope`` and ``nozzle`` take it, without the path."""
        ...

    @property
    def budget_s(self) -> float | None:
        """Seconds of open shutter that the sample may get; None without a budget."""
        ...

    @property
    def on_the_fly(self) -> bool:
        """Whether the dwell asked for is the shortest: then an axis need not settle after it has arrived."""
        ...

    @property
    def axis_exposure_s(self) -> float | None:
        """The exposure that the exposure-time axis has set, seconds; None where no axis sets it."""
        ...

    def gate(self, command: GuardedCommand) -> None:
        """Let the rules decide that hold for every command; raises GuardRefused."""
        ...

    def check_latch(self) -> None:
        """Raise GuardRefused where the guard was latched meanwhile."""
        ...

    def attending(self, command: GuardedCommand) -> AbstractAsyncContextManager[None]:
        """Do a command within this: any failure is logged, aborts, and goes on to the caller."""
        ...

    def launching(self) -> AbstractContextManager[None]:
        """Send a command within this: an abort is not complete while something may still leave."""
        ...

    def abort(self, reason: str, item: int = 11) -> Any:
        """Stop everything and latch; returns at once."""
        ...

    async def wait_for_suspenders(self, interrupt: "asyncio.Future[str]") -> bool:
        """Wait until no suspender holds; returns False where the command was stopped meanwhile."""
        ...

    async def ask_before(
        self,
        command: GuardedCommand,
        interrupt: "asyncio.Future[str] | None",
        moves: Mapping[str, tuple[float, float]] | None = None,
        exposure_s: float | None = None,
    ) -> str | None:
        """Have a human confirm a whole command: axis to (from, to), or an exposure of ``exposure_s`` seconds.

        Returns
        -------
        The question, after which everything must be decided anew and this be called again; empty where none was asked;
        None where the command was stopped
        """
        ...

    def swept(self, moving: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        """Return the interval that every axis may take on, the given ones as given."""
        ...

    def unfinished(self) -> list[str]:
        """Return the axes that move, or stand where they were stopped on their way."""
        ...

    async def exposure_now(self) -> float:
        """Return how long the next exposure is to be, seconds."""
        ...

    def exposure_was_set(self, seconds: float) -> None:
        """Take note that the detector was set to an exposure, which the exposure-time axis sets too."""
        ...
