"""What the guard asks of a motor, whatever library made it.

A motor needs only what bluesky's Movable and Readable say. What else it offers, the guard uses: ``motor_limits``,
``velocity``, ``moving``, ``alarm``, ``home_done``, ``setpoint``, ``watched_settings``, ``settings``, ``next_position``.
Attributes of ophyd's and ophyd-async's own motors are understood too.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.devices.proxies.calls import answer, finished, lives_in_loop
from beamgym.hardware_bridge.guard.devices.proxies.record_fields import RECORD_FIELDS, by_record_names, overshoot_of
from beamgym.hardware_bridge.guard.devices.proxies.signal import SignalProxy, is_invalid, one_reading
from beamgym.hardware_bridge.guard.rules import targets_within, tighter
from beamgym.hardware_bridge.settings import AxisSettings
from beamgym.physics.messages import one_line

LOOK_S = 0.05
"""A moving axis without updates of its own is read this often, seconds."""

_QUIET = ("", "NO_ALARM", "0")


@dataclass(frozen=True)
class AxisProxy(SignalProxy):
    """A motor, positions in its own unit.

    Parameters
    ----------
    records : by name of the axis, what tells the settings of its motor record where the device does not; it may be
        filled by connecting
    """

    records: Mapping[str, Any] = field(default_factory=dict)

    async def position(self) -> float:
        """Return the readback; nan also where its server calls it invalid: it shows the last one that it had."""
        # bluesky's Locatable says which number is the readback; by ``read`` it has to be guessed from names.
        if self._has("locate"):
            found = (await self._ask("locate"))["readback"]
        else:
            reading = one_reading(await self._ask("read"), getattr(self.device, "name", self.name))
            found = math.nan if is_invalid(reading) else reading["value"]
        try:
            return float(found)
        except (TypeError, ValueError):
            raise DeviceError(f"{self.name}: its position is {found!r}, no number; mend the device") from None

    async def limits(self) -> tuple[float, float] | None:
        """Return the motor's own (low, high), or None where it has none, or does not say."""
        # Our own name first, then the motor record's, then ophyd's ``limits``, which not every class fills in.
        if self._has("motor_limits"):
            found = await self._ask("motor_limits")
        elif self._has("low_limit_travel"):
            found = await self._limits_of_record()
        elif self._has("limits"):
            found = await self._ask("limits")
        else:
            return None
        if found is None:
            return None
        low, high = (float(side) for side in found)
        # ophyd's own convention: limits that are equal are no limits
        return None if low == high == 0.0 else (low, high)

    async def moving(self) -> bool | None:
        """Return whether it moves; None where it does not say."""
        if self._has("moving"):
            return bool(await self._ask("moving"))
        if self._has("motor_done_move"):
            return not await self._ask("motor_done_move")
        return None

    async def alarm(self) -> str:
        """Return the alarm it reports; empty where there is none."""
        if not self._has("alarm"):
            return ""
        # Severities come as text or as the number 0, by the library.
        text = str(await self._ask("alarm") or "")
        return "" if text in _QUIET else text

    async def velocity(self) -> float | None:
        """Return the speed it is set to, units per second; None where it does not say."""
        if not self._has("velocity"):
            return None
        speed = await self._ask("velocity")
        return None if speed is None else float(speed)

    async def homed(self) -> bool | None:
        """Return whether it says that it is homed; None where it does not say."""
        return bool(await self._ask("home_done")) if self._has("home_done") else None

    async def start(self, target: float) -> Any:
        """Send it to an absolute position; returns its Status."""
        return await self._start("set", target)

    async def setpoint(self) -> float | None:
        """Return where its controller was last told to be; None where it does not say."""
        if self._has("setpoint"):
            found = await self._ask("setpoint")
        elif self._has("locate"):
            found = (await self._ask("locate"))["setpoint"]
        elif self._has("user_setpoint"):
            found = await self._ask("user_setpoint")
        else:
            return None
        # A device may have no setpoint before it was first sent.
        return None if found is None or not math.isfinite(float(found)) else float(found)

    @property
    def tells_fields(self) -> bool:
        """Whether it keeps its settings itself, so that asking costs nothing."""
        return self._has("watched_settings") or self.name in self.records

    async def fields(self) -> dict[str, Any]:
        """Return its settings by the motor record's names, such as OFF and HLM: all that it says; may be empty."""
        if self._has("watched_settings"):
            return dict(await self._ask("watched_settings"))
        record = self.records.get(self.name)
        if record is not None:
            return dict(record.watched_settings())
        if self._has("settings"):
            found = await self._ask("settings")
            return by_record_names(found) if isinstance(found, AxisSettings) else dict(found)
        # Only of an EPICS motor: a method ``velocity`` of any other device is no setting that others change.
        names = [name for name in RECORD_FIELDS if self._has(name)] if self._has("motor_egu") else []
        values = await asyncio.gather(*(self._ask(name) for name in names))
        return {RECORD_FIELDS[name]: getattr(value, "value", value) for name, value in zip(names, values, strict=True)}

    def targets(
        self,
        file_limits: tuple[float, float] | None,
        motor_limits: tuple[float, float] | None,
        backlash: float,
        settings: Mapping[str, Any],
    ) -> tuple[float, float] | None:
        """Return where it may be sent: within the tighter limits, what it overshoots taken off; None without limits."""
        overshoot = overshoot_of(settings).distance
        # As the motor says them where nothing is taken off: who shows them says whose they are.
        if not backlash and not overshoot:
            return motor_limits
        return targets_within(tighter(file_limits, motor_limits), backlash, overshoot)

    @property
    def reads_while_moving(self) -> bool:
        """Whether its readback says anything on the way; that of an axis turned by hand is typed afterwards."""
        return bool(getattr(self.device, "reads_while_moving", True))

    async def next_position(self, timeout_s: float = LOOK_S) -> float:
        """Return the readback at its next update, or after ``timeout_s`` seconds as it is then read; it may be nan."""
        if not self._has("next_position"):
            await asyncio.sleep(timeout_s)
            return await self.position()
        try:
            found = await answer(f"{self.name}: readback", self.answer_s, self.device, "next_position", timeout_s)
        except DeviceError:
            raise
        except Exception as error:
            raise DeviceError(f"{self.name}: readback: {one_line(error, 200)}") from error
        # Without an update it is asked: a record posts no change smaller than its dead band MDEL.
        return await self.position() if found is None else float(found)

    async def halt(self) -> list[str]:
        """Tell it to stop by everything that it offers; returns what was sent, in words; empty where it has no stop.

        Raises
        ------
        DeviceError : a call failed, or took longer than it may; the others were made all the same
        """
        sent: list[str] = []
        errors: list[DeviceError] = []
        # The signal first: ophyd-async's own ``stop`` writes it only while DMOV is 0, and does not say so.
        for word, tell in (("motor_stop = 1", self._write_stop), ("stop()", self._call_stop)):
            try:
                if await tell():
                    sent.append(word)
            except DeviceError as error:
                errors.append(error)
        if errors and not sent:
            raise errors[0]
        return sent

    async def stands(self, within: float, still_s: float, readback_s: float = 0.0, pause_s: float = 0.05) -> bool:
        """Say whether it is seen to stand still for a while, before the time for an answer is over.

        Parameters
        ----------
        within : all readings of that while lie within so much
        still_s : how long it must be seen to stand, seconds: long enough that one that moves would have left ``within``
        readback_s : its readback comes anew within this time, seconds: one that does not say itself whether it moves
            is watched for so long, since a slow readback stands while the motor runs on
        pause_s : between two readings, seconds
        """
        loop = asyncio.get_running_loop()
        if await self.moving() is None:
            still_s = max(still_s, readback_s)
        deadline = loop.time() + self.answer_s + still_s
        lowest = highest = math.nan
        since = loop.time()
        while True:
            position, moving = await asyncio.gather(self.position(), self.moving())
            lowest, highest = min(lowest, position), max(highest, position)
            # A motor whose readback is dead can still say itself that it stands.
            still = highest - lowest <= within if math.isfinite(position) else moving is False
            if moving or not still:
                lowest = highest = position
                since = loop.time()
            elif loop.time() - since >= still_s:
                return True
            if loop.time() > deadline:
                return False
            await asyncio.sleep(pause_s)

    async def _write_stop(self) -> bool:
        if not self._has("motor_stop"):
            return False
        what, signal = f"{self.name}: motor_stop", self.device.motor_stop
        try:
            # Without waiting for completion, which a motor record gives only when the motor rests.
            if lives_in_loop(self.device):
                if not await finished(what, signal.set(1), self.answer_s):
                    raise DeviceError(f"{what}: no answer within {self.answer_s:g} s")
            else:
                await answer(what, self.answer_s, _Put(signal), "put")
        except DeviceError:
            raise
        except Exception as error:
            raise DeviceError(f"{what}: {one_line(error, 200)}") from error
        return True

    async def _call_stop(self) -> bool:
        # Always called: it is what ends the Status of a move.
        await self.stop()
        return self._has("stop")

    async def _limits_of_record(self) -> tuple[float, float] | None:
        """Ask a motor record of ophyd-async or of classic ophyd, whose own ``limits`` not every server fills in."""
        names = ("low_limit_travel", "high_limit_travel", "dial_low_limit_travel", "dial_high_limit_travel")
        low, high, *dial = await asyncio.gather(*(self._ask(name) for name in names if self._has(name)))
        return None if dial and not any(dial) else (float(low), float(high))


@dataclass(frozen=True)
class _Put:
    """A classic ophyd signal that is written without waiting for completion."""

    signal: Any

    def put(self) -> None:
        self.signal.put(1, wait=False)
