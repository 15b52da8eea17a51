"""Proxies: what the guard asks of detectors, shutters and signals, whatever library made them; axes are in axis_proxy.

A device needs only what bluesky.protocols say (Movable, Readable, Triggerable, Stoppable). What else it offers, the
guard uses: motor_limits, velocity, moving, alarm, home_done of a motor; set_exposure, counter, exposing, stop,
exposed_s, frame_counts, modes and clock of a detector. Attributes of ophyd's own motors are understood too.
"""

import asyncio
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.devices.calls import answer, begin, finished, forget, lives_in_loop
from beamgym.hardware_bridge.settings import AxisSettings, DetectorSettings, Settings
from beamgym.physics.messages import one_line

SHUTTER_S = 5.0
"""A shutter has opened or closed within this time, seconds."""

# Names that ophyd, ophyd-async and others give a device's main reading; "-" joins names in ophyd-async, "_" in ophyd.
_READBACKS = ("", *(mark + end for end in ("readback", "user_readback", "status", "value") for mark in "_-"))
_QUIET = ("", "NO_ALARM", "0")
_SIGNAL_READS = ("get_value", "get")
# Most answers take milliseconds, so a third of the time is patient enough before it is asked a second time.
_FIRST_SHARE = 1 / 3


@dataclass(frozen=True)
class SignalProxy:
    """Anything that can be read.

    Parameters
    ----------
    device : the device
    name : what messages call it
    answer_s : it answers within this time, seconds
    """

    device: Any
    name: str
    answer_s: float
    _starts: list[threading.Event] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def leaving(self) -> bool:
        """Whether a call that starts something has not returned yet, though nobody may wait for it any longer."""
        # Events, not a counter: a call may return in its own thread long after its time.
        return not all(start.is_set() for start in self._starts)

    @property
    def losses(self) -> int:
        """How often its server was lost, where the device takes note of that."""
        # Only devices that listen to their connection know; the others count as never lost.
        return int(getattr(self.device, "losses", 0))

    async def value(self) -> Any:
        """Return its one value; DeviceError where it has none, or several that cannot be told apart."""
        return one_value(await self._ask("read"), getattr(self.device, "name", self.name))

    async def number(self) -> float:
        """Return its one value as a number; nan where its server calls it invalid and shows the last one it had."""
        found = one_reading(await self._ask("read"), getattr(self.device, "name", self.name))
        return math.nan if is_invalid(found) else float(found["value"])

    async def settings(self) -> Settings | None:
        """Return what it says it is set to; None where it does not say, or means something else by that name."""
        found = await self._ask("settings") if self._has("settings") else None
        return found if isinstance(found, AxisSettings | DetectorSettings) else None

    async def _ask(self, attribute: str, limit_s: float | None = None) -> Any:
        """Return what a method or a property says; of a signal, ophyd-async's or classic ophyd's, what it holds."""
        found = await self._asked(self.device, attribute, attribute, limit_s)
        # A motor's ``velocity`` may be a method, a number, or itself a signal that has to be read.
        reads = next((name for name in _SIGNAL_READS if callable(getattr(found, name, None))), None)
        if reads is None or isinstance(found, Mapping):
            return found
        return await self._asked(found, reads, attribute, limit_s)

    async def _asked(self, device: Any, call: str, said: str, limit_s: float | None) -> Any:
        what = f"{self.name}: {said}"
        # Asking twice is harmless for a reading; a stop is not sent twice behind the caller's back.
        ask = _answered if lives_in_loop(device) and call != "stop" else answer
        try:
            return await ask(what, limit_s or self.answer_s, device, call)
        except DeviceError:
            raise
        except Exception as error:
            raise DeviceError(f"{what}: {one_line(error, 200)}") from error

    def _has(self, attribute: str) -> bool:
        # on the class where it can be: a property of a classic device may ask the network
        return hasattr(type(self.device), attribute) or attribute in vars(self.device)

    async def _start(self, method: str, *args: Any) -> Any:
        what, returned = f"{self.name}: {method}", threading.Event()
        # The ones that returned are dropped here, so that the list does not grow with the run.
        self._starts[:] = [*(start for start in self._starts if not start.is_set()), returned]
        try:
            return await begin(what, self.answer_s, returned.set, self.device, method, *args)
        except DeviceError:
            raise
        except Exception as error:
            raise DeviceError(f"{what}: {one_line(error, 200)}") from error

    async def _finish(self, status: Any, limit_s: float) -> bool:
        try:
            return await finished(self.name, status, limit_s)
        finally:
            forget(status)

    async def stop(self, limit_s: float | None = None) -> None:
        """Ask it to stop, where it can be asked; DeviceError where the call takes longer than ``limit_s``, seconds."""
        if self._has("stop"):
            # What ophyd's stop returns may be a Status; then its end is the end of the command.
            ended = await self._ask("stop", limit_s=limit_s)
            await finished(f"{self.name}: stop", ended if hasattr(ended, "add_callback") else None, self.answer_s)


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


def is_invalid(reading: Mapping[str, Any]) -> bool:
    """Whether a reading's own server calls its value invalid, as EPICS does of a device that it has lost."""
    # 3 is EPICS's INVALID, of which ophyd-async makes -1.
    return reading.get("alarm_severity") in (3, -1)


def one_value(readings: Mapping[str, Mapping[str, Any]], name: str) -> Any:
    """Return the value of a device's main reading, see ``one_reading``."""
    return one_reading(readings, name)["value"]


def one_reading(readings: Mapping[str, Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """Return a device's main reading: its own name, name_readback, name-readback, or the only one."""
    _check_readings(readings, name)
    for ending in _READBACKS:
        if name + ending in readings:
            return readings[name + ending]
    if len(readings) == 1:
        return next(iter(readings.values()))
    raise DeviceError(f"{name}: which of {', '.join(readings) or 'no readings'} is its value? Name one {name!r}")


def _check_readings(readings: Any, name: str) -> None:
    """Raise DeviceError where ``read`` returned something else than bluesky's readings."""
    good = isinstance(readings, Mapping) and all(
        isinstance(reading, Mapping) and "value" in reading for reading in readings.values()
    )
    if not good:
        found = f"{type(readings).__name__} {one_line(readings, 80)}"
        raise DeviceError(
            f"{name}: read returned {found}; return {{{name!r}: {{'value': …, 'timestamp': …}}}}, as bluesky has it"
        )


async def _answered(what: str, limit_s: float, device: Any, attribute: str) -> Any:
    """Return what ``answer`` does, and ask a second time where the first asking hangs.

    ophyd-async 0.21 forgets who waits for a signal's first value when the subscription ends meanwhile, as that of a
    motor's short move does: whoever looks at the motor just then would wait for ever.
    """
    asked: list[asyncio.Task[Any]] = []
    try:
        for share in (_FIRST_SHARE, 1.0 - _FIRST_SHARE):
            asked.append(asyncio.create_task(answer(what, limit_s, device, attribute)))
            done, _ = await asyncio.wait(asked, timeout=share * limit_s, return_when=asyncio.FIRST_COMPLETED)
            if done:
                return done.pop().result()
        raise DeviceError(f"{what}: no answer within {limit_s:g} s")
    finally:
        for task in asked:
            task.cancel()
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())


_MISSING: Any = object()


def _of(readings: Mapping[str, Mapping[str, Any]], ending: str, default: Any = _MISSING) -> Any:
    _check_readings(readings, "detector")
    for key, reading in readings.items():
        if key == ending or key.endswith((f"_{ending}", f"-{ending}")):
            return reading["value"]
    if default is _MISSING:
        raise DeviceError(f"the detector's reading has no {ending}; it has {', '.join(readings) or 'nothing'}")
    return default
