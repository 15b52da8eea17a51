"""What the guard asks of a detector, whatever library made it.

A detector needs only what bluesky's Triggerable and Readable say. What else it offers, the guard uses:
``set_exposure``, ``counter``, ``exposing``, ``stop``, ``prepare_sweep``, ``exposed_s``, ``frame_counts``,
``modes``, ``clock``.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.devices.proxies.signal import SignalProxy, check_readings


@dataclass(frozen=True)
class RawFrame:
    """What a detector hands over: the raw array, its counter and its own time (Unix seconds), where it has them."""

    image: NDArray[Any]
    counter: int | None
    time_s: float | None


@dataclass(frozen=True)
class DetectorProxy(SignalProxy):
    """A detector."""

    async def frame(self) -> RawFrame:
        """Return the frame it holds."""
        readings = await self._ask("read")
        image = np.asarray(_of(readings, "image"))
        counter, time_s = _of(readings, "counter", None), _of(readings, "time", None)
        return RawFrame(image, None if counter is None else int(counter), None if time_s is None else float(time_s))

    async def counter(self) -> int | None:
        """Return the number of the frame it holds; None where it holds none yet, or does not count."""
        if self._has("counter"):
            # None before the first frame, for which a detector may have no number.
            value = await self._ask("counter")
            return None if value is None else int(value)
        try:
            return (await self.frame()).counter
        except DeviceError:
            # Before its first frame a detector has nothing to read. One that is gone fails at the trigger.
            return None

    async def set_exposure(self, seconds: float) -> bool:
        """Set the exposure time and say whether that was confirmed in time; True where it cannot be set."""
        if not self._has("set_exposure"):
            return True
        return await self._finish(await self._start("set_exposure", seconds), self.answer_s)

    async def prepare_sweep(self, sweep: Any) -> bool:
        """Tell a counter what its next trigger counts while axes move; returns whether that was confirmed in time.

        Raises
        ------
        DeviceError : a detector that cannot count so
        """
        if not self._has("prepare_sweep"):
            raise DeviceError("the detector has no prepare_sweep(sweep), and counts where axes stand; step the axes")
        return await self._finish(await self._start("prepare_sweep", sweep), self.answer_s)

    async def exposed_s(self) -> float | None:
        """Return how long the last frame was exposed by its own word, seconds; None where it does not say."""
        name = next((name for name in ("exposed_s", "exposure_s") if self._has(name)), None)
        found = None if name is None else await self._ask(name)
        return None if found is None or not math.isfinite(float(found)) else float(found)

    async def frame_counts(self) -> dict[str, int]:
        """Return what it counts: "driver", "plugin", "dropped" and "queued" frames, as far as it says."""
        found = await self._ask("frame_counts") if self._has("frame_counts") else {}
        return {name: int(value) for name, value in found.items() if value is not None}

    async def modes(self) -> dict[str, str]:
        """Return how it is set, in words, by names of its own; empty where it does not say."""
        found = await self._ask("modes") if self._has("modes") else {}
        return {str(name): str(value) for name, value in found.items()}

    async def clock(self) -> tuple[float, float] | None:
        """Return (how far its clock is ahead of ours, uncertainty), seconds; None where it was not measured."""
        found = await self._ask("clock") if self._has("clock") else None
        return None if found is None else (float(found[0]), float(found[1]))

    async def start(self) -> Any:
        """Trigger it; returns its Status."""
        return await self._start("trigger")

    async def exposing(self) -> bool | None:
        """Return whether it exposes; None where it does not say."""
        return bool(await self._ask("exposing")) if self._has("exposing") else None

    async def stop_and_confirm(self, pause_s: float = 0.05) -> bool:
        """Stop it, and say whether it was then seen to be idle; one that cannot say is taken at its word.

        Parameters
        ----------
        pause_s : between two looks, seconds

        Raises
        ------
        DeviceError : it did not take the command, or said itself that it was not obeyed
        """
        # twice the time: a device that looks for itself whether it was obeyed is to say so in its own words
        await self.stop(2.0 * self.answer_s)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.answer_s
        # None, which is "cannot say", ends this: its word that it has stopped is all there is.
        while await self.exposing():
            if loop.time() > deadline:
                return False
            await asyncio.sleep(pause_s)
        return True


_MISSING: Any = object()


def _of(readings: Mapping[str, Mapping[str, Any]], ending: str, default: Any = _MISSING) -> Any:
    check_readings(readings, "detector")
    for key, reading in readings.items():
        if key == ending or key.endswith((f"_{ending}", f"-{ending}")):
            return reading["value"]
    if default is _MISSING:
        raise DeviceError(f"the detector's reading has no {ending}; it has {', '.join(readings) or 'nothing'}")
    return default
