"""EPICS motor records over emulated motors: the fields that clients use, with honest completion.

A put with callback to .VAL (or .DVAL, .RLV, .HOMF, .HOMR) completes when the motor rests again: arrived, stopped, or
refused at once. Field meanings follow the motor record's reference (github.com/epics-modules/motor).
"""

from collections.abc import Awaitable, Callable
from typing import Any

from beamgym.hardware_bridge.practice.channels import (
    ChannelAlarm,
    Channels,
    Double,
    Enum,
    Long,
    Note,
    Put,
    Short,
    String,
)
from beamgym.hardware_bridge.practice.simulated import EmulatedHardware, Motor

Act = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Does something to the hardware and publishes what has changed."""

SEVERITIES = ("NO_ALARM", "MINOR", "MAJOR", "INVALID")
STATUSES = (
    "NO_ALARM",
    "READ",
    "WRITE",
    "HIHI",
    "HIGH",
    "LOLO",
    "LOW",
    "STATE",
    "COS",
    "COMM",
    "TIMEOUT",
    "HWLIMIT",
    "CALC",
    "SCAN",
    "LINK",
    "SOFT",
)
_MAJOR, _HWLIMIT = 2, 11
_CHOICES = {".SET": ("Use", "Set"), ".FOFF": ("Variable", "Frozen")}
_PRECISION = {"rotation": 4, "linear": 6}
_UNIT = {"rotation": "deg", "linear": "mm"}


class MotorRecord:
    """One motor record.

    Parameters
    ----------
    hardware, name : the emulated motor
    prefix : of the record's name
    act : does something to the hardware and publishes what has changed
    rest : returns when a motor rests
    note : takes note of what clients put
    """

    def __init__(
        self,
        hardware: EmulatedHardware,
        name: str,
        prefix: str,
        act: Act,
        rest: Callable[[str], Awaitable[None]],
        note: Note,
    ) -> None:
        self.channels = Channels(prefix + name, note)
        self._hardware, self._name, self._act, self._rest = hardware, name, act, rest
        self._alarm = ChannelAlarm()
        self._changeable: dict[str, Any] = {}
        self._serve()

    async def publish(self) -> None:
        """Publish what has changed."""
        alarmed = self._hardware.has_fault("alarm", self._name)
        # HWLIMIT, MAJOR: the alarm of a motor on its switch, which clients know best.
        severity, status = (_MAJOR, _HWLIMIT) if alarmed else (0, 0)
        if self._alarm.severity != severity:
            await self._alarm.write(severity=severity, status=status, publish=False)
        values = self._values()
        shown = {**self._changeable, **self._motor.shown}
        await self.channels.show({**shown, **values, ".SEVR": SEVERITIES[severity], ".STAT": STATUSES[status]})

    @property
    def _motor(self) -> Any:
        return self._hardware.motors[self._name]

    def _values(self) -> dict[str, Any]:
        """Return every field that can change; .DMOV last, so that the others are in place when it says done."""
        motor, dial = self._motor, self._hardware.readback(self._name)
        # A record that has lost its controller's status says that it is done.
        moving = motor.motion is not None and not self._hardware.has_fault("early_done", self._name)
        # In user coordinates a negative direction exchanges the two ends.
        low, high = sorted((motor.user(motor.low), motor.user(motor.high)))
        # The whole way, not the leg of the backlash correction: TDIR is the direction of the move.
        towards = motor.motion.points[-1] - motor.motion.points[0] if moving else 0.0
        return {
            ".VAL": motor.user(motor.target),
            ".DVAL": motor.target,
            ".LVIO": int(motor.violated),
            ".LLM": low,
            ".HLM": high,
            ".DLLM": motor.low,
            ".DHLM": motor.high,
            ".VELO": motor.velocity,
            ".BDST": motor.backlash_distance,
            # The correction of backlash is driven at the speed of the move.
            ".BVEL": motor.velocity,
            ".RDBD": motor.deadband,
            ".OFF": motor.offset,
            ".DIR": "Pos" if motor.sign > 0 else "Neg",
            ".SPMG": ("Stop", "Pause", "Move", "Go")[motor.go],
            ".RBV": motor.user(dial),
            ".DRBV": dial,
            ".DIFF": motor.target - dial,
            # The switches are of the dial; with a negative direction the user's high one is the dial's low one.
            ".HLS": int(motor.switch * motor.sign > 0),
            ".LLS": int(motor.switch * motor.sign < 0),
            ".TDIR": int(towards > 0),
            ".MSTA": self._status_word(moving, towards),
            ".MOVN": int(moving),
            ".DMOV": int(not moving),
        }

    def _status_word(self, moving: bool, towards: float) -> int:
        """Return MSTA: bits of direction, done, limit switches, moving and homed, as the motor record numbers them."""
        motor = self._motor
        bits = {
            0: towards > 0,
            1: not moving,
            2: motor.switch > 0,
            8: True,
            10: moving,
            13: motor.switch < 0,
            14: motor.homed,
        }
        return sum(1 << bit for bit, is_set in bits.items() if is_set)

    def _serve(self) -> None:
        values, unit = self._values(), _UNIT[self._motor.axis.kind]
        looks = {"units": unit, "precision": _PRECISION[self._motor.axis.kind], "alarm": self._alarm}
        doubles: dict[str, Put | None] = {
            ".VAL": self._move_user,
            ".DVAL": self._move_dial,
            ".RLV": self._move_by,
            # User limits are stored as dial limits, so that offset and direction move them as in the record.
            ".LLM": lambda value: self._limit(value, low=self._motor.sign > 0),
            ".HLM": lambda value: self._limit(value, low=self._motor.sign < 0),
            ".DLLM": lambda value: self._set("low", value),
            ".DHLM": lambda value: self._set("high", value),
            ".VELO": self._set_speed,
            ".BDST": lambda value: self._set("backlash_distance", value),
            ".RDBD": lambda value: self._set("deadband", value),
            ".OFF": lambda value: self._set("offset", value),
            ".BVEL": None,
            ".RBV": None,
            ".DRBV": None,
            ".DIFF": None,
        }
        for field, put in doubles.items():
            self.channels.add(field, Double, values.get(field, 0.0), put, reported_record_type="motor", **looks)
        for field in (".LVIO", ".HLS", ".LLS", ".TDIR", ".MOVN", ".DMOV"):
            self.channels.add(field, Short, values[field], alarm=self._alarm)
        self.channels.add(".MSTA", Long, values[".MSTA"], alarm=self._alarm)
        self._serve_switches()
        self._serve_constants(unit)
        # A record's name without a field is its VAL.
        self.channels.alias(".VAL", "")

    def _serve_switches(self) -> None:
        add = self.channels.add
        add(".STOP", Short, 0, self._stop)
        add(".HOMF", Short, 0, self._find_home)
        add(".HOMR", Short, 0, self._find_home)
        add(".SPMG", Enum, "Go", self._switch, enum_strings=("Stop", "Pause", "Move", "Go"))
        add(".DIR", Enum, "Pos", self._set_direction, enum_strings=("Pos", "Neg"))
        for field, words in _CHOICES.items():
            add(field, Enum, words[0], self._shower(field, words), enum_strings=words)
            self._changeable[field] = words[0]
        add(".STAT", Enum, "NO_ALARM", enum_strings=STATUSES, alarm=self._alarm)
        add(".SEVR", Enum, "NO_ALARM", enum_strings=SEVERITIES, alarm=self._alarm)

    def _serve_constants(self, unit: str) -> None:
        step = self._motor.axis.step or 10.0 ** -_PRECISION[self._motor.axis.kind]
        # What clients ask for at connecting, and nothing here uses.
        texts = {".EGU": unit, ".DESC": f"simulated {self._name}", ".OUT": "@beamgym", ".RTYP": "motor"}
        texts |= {".NAME": self.channels.prefix, ".FLNK": ""}
        for field, text in texts.items():
            self.channels.add(field, String, text, self._shower(field) if field == ".EGU" else None)
        self._changeable |= {".EGU": unit, ".MRES": step}
        numbers = {".VMAX": 0.0, ".ACCL": 0.0, ".MRES": step, ".ERES": step, ".UREV": 200 * step, ".FRAC": 1.0}
        for field, number in numbers.items():
            self.channels.add(field, Double, number, self._shower(field) if field == ".MRES" else None, units=unit)
        self.channels.add(".SREV", Long, 200)
        self.channels.add(".UEIP", Enum, "No", enum_strings=("No", "Yes"))
        self.channels.add(".PREC", Short, _PRECISION[self._motor.axis.kind])

    async def _move_user(self, value: float) -> None:
        await self._move_dial(self._motor.dial(value))

    async def _move_by(self, value: float) -> None:
        # From the last target and not the position: so does the record's RLV.
        await self._move_dial(self._motor.target + self._motor.sign * value)

    async def _move_dial(self, value: float) -> None:
        await self._act(lambda: self._hardware.move(self._name, value))
        # The put completes when the motor rests, refused and stopped moves included.
        if not self._hardware.has_fault("early_done", self._name):
            await self._rest(self._name)

    async def _find_home(self, value: int) -> None:
        if value:
            await self._act(lambda: self._hardware.find_home(self._name))
            await self._rest(self._name)

    async def _stop(self, value: int) -> None:
        if value:
            await self._act(lambda: self._hardware.stop(self._name))

    async def _switch(self, value: int) -> None:
        await self._act(lambda: self._turn_switch(value))

    def _turn_switch(self, value: int) -> None:
        """Stop, pause or let go; a paused motor goes on to its target. Move is taken as Go."""
        motor = self._motor
        if value in (Motor.STOP, Motor.PAUSE):
            # A pause in the middle of a pause keeps the first one's target.
            goal = motor.target if motor.motion is not None else motor.paused
            self._hardware.stop(self._name)
            motor.go, motor.paused = value, goal if value == Motor.PAUSE else None
        else:
            goal, motor.go, motor.paused = motor.paused, Motor.GO, None
            if goal is not None:
                self._hardware.move(self._name, goal)
        self._hardware.keep()

    def _shower(self, field: str, words: tuple[str, ...] = ()) -> Put:
        """Return what takes a put to a setting that is shown and does nothing else here."""

        async def put(value: Any) -> None:
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            self._motor.shown[field] = words[int(text)] if words else text
            await self._act(self._hardware.keep)

        return put

    async def _limit(self, value: float, low: bool) -> None:
        await self._set("low" if low else "high", self._motor.dial(value))

    async def _set_speed(self, value: float) -> None:
        if not 0.0 < value < float("inf"):
            raise ValueError(f"{self._name}.VELO is {value}; it must be above 0")
        await self._set("velocity", value)

    async def _set_direction(self, value: int) -> None:
        await self._set("sign", 1 if value == 0 else -1)

    async def _set(self, setting: str, value: float) -> None:
        if value != value:
            raise ValueError(f"{setting} of {self._name} is not a number")
        # Before the action, which publishes and keeps it.
        setattr(self._motor, setting, value)
        await self._act(self._hardware.keep)
