"""What the guard asks of a shutter, whatever library made it."""

from dataclasses import dataclass

from beamgym.hardware_bridge.guard.devices.proxies.signal import SignalProxy, is_invalid, one_reading

SHUTTER_S = 5.0
"""A shutter has opened or closed within this time, seconds."""


@dataclass(frozen=True)
class ShutterProxy(SignalProxy):
    """A shutter: 1 is open, 0 is closed."""

    async def place(self) -> str:
        """Return "open" or "closed"; "unknown" where it cannot be read or says something else."""
        if not self._has("read"):
            return "unknown"
        found = one_reading(await self._ask("read"), getattr(self.device, "name", self.name))
        if is_invalid(found):
            return "unknown"
        words = {"1": "open", "open": "open", "true": "open", "0": "closed", "closed": "closed", "false": "closed"}
        # Shutters say 1, 1.0, True, "Open" or "OPEN", by who wrote the record.
        text = str(found["value"]).strip().lower()
        return words.get(text.removesuffix(".0"), "unknown")

    async def put(self, value: int) -> bool:
        """Send it there and say whether it reported to be done in time."""
        return await self._finish(await self._start("set", value), SHUTTER_S)
