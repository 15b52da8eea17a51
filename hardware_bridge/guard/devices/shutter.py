"""The guarded shutter: only an exposure opens it, anybody may close it at any time."""

import asyncio
import math
import time
from typing import Any

from beamgym.hardware_bridge.devices import Readings, need, number_key, number_reading
from beamgym.hardware_bridge.guard.devices.commands import GuardedCommand, Supervisor
from beamgym.hardware_bridge.guard.devices.dose import DoseMeter
from beamgym.hardware_bridge.guard.devices.proxies import ShutterProxy, SignalProxy
from beamgym.hardware_bridge.guard.rules import (
    BEAM,
    SHUTTER_AT_REST,
    SHUTTER_IN_EXPOSURE,
    SHUTTER_MAY_OPEN,
    SHUTTER_PLACE,
    GuardRefused,
)

AsyncStatus = need("ophyd_async.core", "hardware").AsyncStatus

BOUNCE_S = 0.3
"""A blade that has arrived, or its limit switch, may bounce for so long, seconds."""

_VALUES = {"open": 1.0, "closed": 0.0, "unknown": float("nan")}


class GuardedShutter:
    """The shutter, or its absence: without a device the dose is counted all the same, by exposures.

    Parameters
    ----------
    guard : permits its commands, and is told when one fails
    device : what is opened, or None
    attenuator : the reading of what weakens the beam before it, or None
    """

    parent = None
    name = "shutter"

    def __init__(self, guard: Supervisor, device: Any | None, attenuator: Any | None = None) -> None:
        # Without a shutter the dose is still counted, from trigger to the end of the exposure.
        self.proxy = None if device is None else ShutterProxy(device, "shutter", guard.answer_s)
        self._attenuator = None if attenuator is None else SignalProxy(attenuator, "attenuator", guard.answer_s)
        self.dose = DoseMeter()
        self._guard = guard
        self._openings = 0
        # Seen open for an exposure, and not told to close since; and when it was first seen otherwise, monotonic.
        self._exposing = False
        self._shut_since: float | None = None

    @property
    def ours(self) -> bool:
        """Whether it may be open by what we did."""
        return self.dose.open

    def set(self, value: int) -> Any:
        """Close it (0); opening it (1) by hand is refused."""
        return AsyncStatus(self._set(value), name=self.name)

    async def open(self) -> None:
        """Open it for an exposure, and see it open; the dose counts from before the command."""
        command = GuardedCommand(self._guard, "open", self.name, 1)
        if self.proxy is None:
            await self.check_beam(command)
            self.dose.start()
            return
        try:
            command.decide(SHUTTER_MAY_OPEN, value=1, exposing=True)
            await self.check_beam(command)
            # Before the command: time in which it may already be open counts.
            self.dose.start()
            self._openings += 1
            command.send()
            # The line has been written meanwhile; an abort in that time wins.
            self._guard.check_latch()
            with self._guard.launching():
                moved = await self.proxy.put(1)
            # Read back by itself: a shutter that reports done may be stuck.
            place = await self.proxy.place() if moved else "unknown"
            command.decide(SHUTTER_PLACE, position=place, asked="open")
            self._exposing, self._shut_since = True, None
        except BaseException as error:
            command.end("failed" if command.sent else "refused", error=str(error))
            raise
        command.end("done")

    async def check_beam(self, command: GuardedCommand) -> None:
        """Decide whether the beam before it is weakened as the file says; nothing where the file says nothing."""
        entry = self._guard.file.attenuator
        if entry is None or self._attenuator is None:
            return
        try:
            value = await self._attenuator.number()
        except (TypeError, ValueError):
            value = math.nan
        command.decide(BEAM, value=value, low=entry.low, high=entry.high)

    async def close(self) -> bool:
        """Close it, and say whether it was seen to be closed; the dose counts on until it was. Never refused."""
        self._exposing = False
        if self.proxy is None:
            self.dose.stop()
            return True
        command = GuardedCommand(self._guard, "close", self.name, 0)
        # Closing is always towards the safe side: no rule, no latch and no failing log keeps it back.
        await command.send_whatever_happens()
        try:
            moved = await self.proxy.put(0)
            # Also where the command was not reported done: it may have closed all the same.
            place = await self.proxy.place()
        except BaseException as error:
            await command.end_whatever_happens("failed", error=str(error))
            raise
        # Until it was seen closed the dose goes on counting; doubt counts.
        if place == "closed":
            self.dose.stop()
        outcome = "done" if place == "closed" else "unconfirmed"
        await command.end_whatever_happens(outcome, place=place, reported=moved)
        return place == "closed"

    async def close_for_good(self) -> bool:
        """Close it, and say whether it was still closed ``BOUNCE_S`` later; one that was not counts as open by us."""
        if not await self.close():
            return False
        if self.proxy is None:
            return True
        await asyncio.sleep(BOUNCE_S)
        closed = await self.proxy.place() == "closed"
        if not closed:
            self.dose.start()
        return closed

    async def opened_again(self) -> bool:
        """Whether it does not read closed though we have closed it for good; then it counts as open by us."""
        if self.proxy is None or not self._openings or await self.proxy.place() == "closed":
            return False
        self.dose.start()
        return True

    async def check_closed(self, command: GuardedCommand) -> None:
        """Decide whether it is still closed where no exposure has it open; twice, since its status may bounce.

        What opens it otherwise is a fault or somebody else: the dose counts from here, and the abort closes it.
        """
        proxy, openings = self.proxy, self._openings
        if proxy is None or self.ours:
            return
        place = await proxy.place()
        if place != "closed":
            await asyncio.sleep(BOUNCE_S)
            place = await proxy.place()
        # An exposure may have begun, or even ended, while it was read.
        if self.ours or openings != self._openings:
            return
        if place != "closed":
            self.dose.start()
        command.decide(SHUTTER_AT_REST, position=place, asked="closed")

    async def check_open(self, command: GuardedCommand) -> None:
        """Decide whether the shutter of an exposure under way still stands open; its status may bounce.

        One that an interlock, or somebody else, has closed leaves a frame of less light than the task believes.
        """
        proxy, openings = self.proxy, self._openings
        if proxy is None or not self._exposing:
            return
        place = await proxy.place()
        # It may have been told to close while it was read.
        if not self._exposing or openings != self._openings:
            return
        now = time.monotonic()
        if place == "open":
            self._shut_since = None
        elif self._shut_since is None:
            self._shut_since = now
        elif now - self._shut_since >= BOUNCE_S:
            command.decide(SHUTTER_IN_EXPOSURE, position=place, asked="open")

    async def check_stayed_open(self, command: GuardedCommand) -> None:
        """The same at the end of an exposure, where no further look comes: waits until a bounce would be over."""
        await self.check_open(command)
        if self._exposing and self._shut_since is not None:
            await asyncio.sleep(max(0.0, self._shut_since + BOUNCE_S - time.monotonic()))
            await self.check_open(command)

    async def read(self) -> Readings:
        """Return 1 for open, 0 for closed, nan where it is not known."""
        place = "closed" if self.proxy is None else await self.proxy.place()
        return number_reading(self.name, _VALUES[place])

    async def describe(self) -> Readings:
        """Return what ``read`` gives, in bluesky's form."""
        return number_key(self.name, "guard:shutter", "")

    async def stop(self, success: bool = True) -> None:
        """Close it where it may be open by what we did."""
        # Only one that we may have opened: others use the beam, too.
        if self.ours and not await self.close():
            self._guard.abort("the shutter was not seen to close")

    async def _set(self, value: int) -> None:
        if int(value) == 0:
            # A dry run writes to no device, not even what is safe.
            if self._guard.dry_run:
                return
            if not await self.close():
                self._guard.abort("the shutter was not seen to close")
                raise GuardRefused(10, "the shutter was not seen to close")
            return
        command = GuardedCommand(self._guard, "open", self.name, 1)
        async with self._guard.attending(command):
            self._guard.gate(command)
            # Always refused; asked as a rule so that the log holds it as a decision.
            command.decide(SHUTTER_MAY_OPEN, value=1, exposing=False)
            await self.open()
            command.end("done")
