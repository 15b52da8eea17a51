"""What the guard asks of anything that can be read, whatever library made it: a signal, and what all devices share.

A device needs only what bluesky.protocols say (Movable, Readable, Triggerable, Stoppable). Attributes of ophyd's and
ophyd-async's own devices are understood too.
"""

import asyncio
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.devices.proxies.calls import answer, begin, finished, forget, lives_in_loop
from beamgym.hardware_bridge.settings import AxisSettings, DetectorSettings, Settings
from beamgym.physics.messages import one_line

# Names that ophyd, ophyd-async and others give a device's main reading; "-" joins names in ophyd-async, "_" in ophyd.
_READBACKS = ("", *(mark + end for end in ("readback", "user_readback", "status", "value") for mark in "_-"))
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


def is_invalid(reading: Mapping[str, Any]) -> bool:
    """Whether a reading's own server calls its value invalid, as EPICS does of a device that it has lost."""
    # 3 is EPICS's INVALID, of which ophyd-async makes -1.
    return reading.get("alarm_severity") in (3, -1)


def one_value(readings: Mapping[str, Mapping[str, Any]], name: str) -> Any:
    """Return the value of a device's main reading, see ``one_reading``."""
    return one_reading(readings, name)["value"]


def one_reading(readings: Mapping[str, Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """Return a device's main reading: its own name, name_readback, name-readback, or the only one."""
    check_readings(readings, name)
    for ending in _READBACKS:
        if name + ending in readings:
            return readings[name + ending]
    if len(readings) == 1:
        return next(iter(readings.values()))
    raise DeviceError(f"{name}: which of {', '.join(readings) or 'no readings'} is its value? Name one {name!r}")


def check_readings(readings: Any, name: str) -> None:
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
