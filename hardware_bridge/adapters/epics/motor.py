"""The EPICS motor record over Channel Access."""

import asyncio
import math
import time
from typing import Any

from pydantic import Field

from beamgym.hardware_bridge.adapters.epics.channels import AsyncStatus, Channels
from beamgym.hardware_bridge.adapters.epics.motor_settings import direction_sign, read_motor_settings
from beamgym.hardware_bridge.adapters.epics.record_fields import LACKED_S, plain, record_fields
from beamgym.hardware_bridge.devices import AdapterOptions, DeviceError, Readings, finite, number_key
from beamgym.hardware_bridge.settings import AxisSettings, is_unit

_FIELDS = ("VAL", "RBV", "DMOV", "STOP", "LLM", "HLM", "DLLM", "DHLM", "DIR", "OFF", "VELO", "EGU")
_HEALTH = ("MSTA", "SPMG", "SEVR", "STAT", "HLS", "LLS", "LVIO")

_INVALID = 3
"""Severity of a value that the record could not read: it shows the last one that it had."""

_OUTPUTS = ("VAL", "STOP")
"""Fields that are written; any other write is refused."""

# Bits of MSTA, from the motor record's reference (epics-modules/motor, motorRecord, "Motor status").
_SLIP_STALL, _PROBLEM, _COMM_ERROR, _HOMED = 0x40, 0x200, 0x1000, 0x4000


class EpicsMotorOptions(AdapterOptions):
    """Options of an EPICS axis.

    Parameters
    ----------
    reply_s : the IOC answers within this time, seconds
    poll_s : after the put's completion, DMOV is asked this often, seconds
    """

    reply_s: float = Field(default=2.0, gt=0.0, le=60.0)
    poll_s: float = Field(default=0.02, ge=0.001, le=10.0)


class EpicsMotor:
    """One motor record.

    Parameters
    ----------
    name : the axis's name
    record : the record, e.g. "bgym:phi"
    unit : "deg" or "mm"; another EGU is refused by ``connect``, an empty one by the guard
    timeout_s : a move may take this long, seconds
    options : see EpicsMotorOptions
    egu : what EGU says instead, where that is no usual spelling of the unit; "" where it says nothing

    Notes
    -----
    Field names and the bits of MSTA are those of the motor record's reference, https://epics-modules.github.io/motor.
    """

    parent = None

    def __init__(
        self,
        name: str,
        record: str,
        unit: str,
        timeout_s: float,
        options: EpicsMotorOptions | None = None,
        egu: str | None = None,
    ) -> None:
        self.name = name
        self._record = record
        self._unit = unit
        self._egu = egu
        self._timeout_s = timeout_s
        self._options = options or EpicsMotorOptions()
        pvs = {field: f"{record}.{field}" for field in _FIELDS + _HEALTH}
        self._pv = Channels(name, pvs, self._options.reply_s, _OUTPUTS)

    @property
    def losses(self) -> int:
        """How often its server was lost since this was made."""
        return self._pv.losses

    @property
    def outputs(self) -> tuple[str, ...]:
        """PVs that it may write."""
        return self._pv.outputs

    async def connect(self, timeout: float) -> None:
        """Connect every field used; DeviceError names the PVs that did not answer, or a unit that is another."""
        begun = time.monotonic()
        await self._pv.connect(timeout)
        # Empty says nothing: whether that may be is the guard's to decide, and the file's to say.
        unit = str(await self._pv.get("EGU")).strip().lower()
        fits = is_unit(unit, self._unit) if self._egu is None else unit == self._egu.strip().lower()
        if unit and not fits:
            raise DeviceError(
                f"{self.name}: {self._record}.EGU is {unit!r}, the instrument file says {self._unit!r}; mend one"
            )
        # On a busy computer what is there takes as long as the fields before, or a little more.
        lacked_s = max(LACKED_S, 3.0 * (time.monotonic() - begun))
        await self._pv.monitor(record_fields(self._record, "RBV"), min(lacked_s, timeout))

    def set(self, value: float) -> Any:
        """Write VAL, wait for the put's completion and for DMOV; judging arrival is the guard's."""
        return AsyncStatus(self._move(value), name=self.name)

    async def read(self) -> Readings:
        """Return the readback RBV, with its timestamp and alarm severity."""
        return {self.name: await self._pv.reading("RBV")}

    async def describe(self) -> Readings:
        """Return what ``read`` gives, in bluesky's form."""
        return number_key(self.name, f"ca://{self._record}.RBV", self._unit)

    async def motor_limits(self) -> tuple[float, float] | None:
        """Return the tighter of user and dial limits, in user coordinates; None where the record has none."""
        names = ("LLM", "HLM", "DLLM", "DHLM", "OFF")
        *found, direction = await asyncio.gather(*(self._pv.number(name) for name in names), self._pv.get("DIR"))
        low, high, dial_low, dial_high, offset = found
        sign = direction_sign(direction)
        if sign is None:
            raise DeviceError(f"{self.name}: {self._record}.DIR is {direction!r}, neither Pos nor Neg; mend the record")
        return motor_record_limits(self.name, (low, high), (dial_low, dial_high), sign, offset)

    async def settings(self) -> AxisSettings:
        """Return what the record says of itself; fields that its server lacks are None."""
        return await read_motor_settings(self._record)

    def watched_settings(self) -> dict[str, Any]:
        """Return the record's settings as its monitors last told them, by the names of its fields; nothing is asked."""
        return {field: plain(field, value) for field, value in self._pv.latest.items() if field != "RBV"}

    async def setpoint(self) -> float:
        """Return VAL: where the record was last told to be."""
        return await self._pv.number("VAL")

    async def next_position(self, timeout_s: float) -> float | None:
        """Return RBV at its next update, nan with the severity INVALID; None where none came within ``timeout_s`` s."""
        found = await self._pv.update("RBV", timeout_s)
        if found is None:
            return None
        return math.nan if getattr(found, "severity", 0) == _INVALID else float(found)

    async def velocity(self) -> float:
        """Return VELO, the speed of a move, unit per second."""
        return await self._pv.number("VELO")

    async def moving(self) -> bool:
        """Say whether DMOV is 0."""
        return await self._pv.number("DMOV") == 0

    async def alarm(self) -> str:
        """Return what is wrong with the record, in a few words; "" where nothing is. A limit switch counts as wrong."""
        # All of them: a record in SPMG Stop, or on a limit switch, reports no alarm severity by itself.
        severity, kind, mode = await asyncio.gather(*(self._pv.get(name) for name in ("SEVR", "STAT", "SPMG")))
        upper, lower, bits = await asyncio.gather(self._pv.number("HLS"), self._pv.number("LLS"), self._status_word())
        found = (
            (severity not in (0, "NO_ALARM"), f"alarm {severity} {kind}"),
            (bool(upper), "high limit switch"),
            (bool(lower), "low limit switch"),
            (mode not in (3, "Go"), f"SPMG is {mode}, not Go"),
            (bool(bits & _PROBLEM), "the controller reports a problem"),
            (bool(bits & _COMM_ERROR), "no contact to the controller"),
            (bool(bits & _SLIP_STALL), "slip or stall"),
        )
        return next((words for trouble, words in found if trouble), "")

    async def home_done(self) -> bool:
        """Say whether MSTA's bit "homed" is set."""
        return bool(await self._status_word() & _HOMED)

    async def _status_word(self) -> int:
        found = await self._pv.number("MSTA")
        if not math.isfinite(found):
            raise DeviceError(f"{self.name}: {self._record}.MSTA is {found}, no status word; mend the record")
        return int(found)

    async def stop(self, success: bool = True) -> None:
        """Write 1 to STOP without waiting for completion."""
        # Completion would come after the motor has stopped, and from a hung server never; the guard looks by itself.
        await self._pv.send("STOP", 1)

    async def _move(self, value: float) -> None:
        target = finite(self.name, value)
        deadline = time.monotonic() + self._timeout_s
        # Completion of a put to VAL is the record's own word that the motion has ended.
        await self._pv.put("VAL", target, self._timeout_s)
        # A target beyond the limits completes at once and without an error; only this field tells.
        if await self._pv.number("LVIO"):
            raise DeviceError(f"{self.name}: the motor record refused {target:g}, which is beyond its limits")
        # By DMOV too: not every server completes a put only when the motor rests.
        while await self.moving():
            if time.monotonic() > deadline:
                raise DeviceError(f"{self.name} still moves {self._timeout_s:g} s after its command to {target:g}")
            await asyncio.sleep(self._options.poll_s)


def motor_record_limits(
    name: str, user: tuple[float, float], dial: tuple[float, float], sign: int, offset: float
) -> tuple[float, float] | None:
    """Return the range that both kinds of limits of a motor record allow.

    Parameters
    ----------
    name : the axis, for messages
    user : LLM and HLM
    dial : DLLM and DHLM; both 0 means unset
    sign : +1 where DIR is Pos, -1 where it is Neg
    offset : OFF; user = sign · dial + offset

    Returns
    -------
    (low, high) in user coordinates, or None where both are unset

    Raises
    ------
    DeviceError : limits that are not finite, or exclude each other

    Notes
    -----
    A record without dial limits carries user limits that are both 0, or both the offset: these are unset too.
    """
    if not all(math.isfinite(value) for value in (*user, *dial, offset)):
        raise DeviceError(f"{name}: the motor's limits {user}, {dial} (dial) and offset {offset} are not all finite")
    pairs = []
    # The motor record's own convention: dial limits that are both 0 are off.
    if dial != (0.0, 0.0):
        first, second = (sign * end + offset for end in dial)
        pairs.append((min(first, second), max(first, second)) if dial[0] <= dial[1] else (math.inf, -math.inf))
    if user[0] != user[1] or user[0] not in (0.0, offset):
        pairs.append(user)
    if not pairs:
        return None
    low, high = max(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    if not low <= high:
        raise DeviceError(
            f"{name}: the motor's limits exclude every position: user {user[0]:g} to {user[1]:g}, "
            f"dial {dial[0]:g} to {dial[1]:g}, offset {offset:g}"
        )
    return low, high
