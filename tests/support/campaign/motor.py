"""A motor record of our own over one shaft of the hall: fields as the motor record's reference names them.

``broken`` holds what is wrong with it, by name, with numbers.
"""

import asyncio
import math
import time
from typing import Any

import numpy as np

from campaign.bench import Shaft
from campaign.channels import Channels, Field
from campaign.hall import Course, Hall, joined, leg

TICK_S = 0.025
RESTING_TICKS = 4
"""A motor that rests is asked for its position so much more seldom."""

_SPMG = ["Stop", "Pause", "Move", "Go"]
_SEVERITIES = ["NO_ALARM", "MINOR", "MAJOR", "INVALID"]
_STATUSES = ["NO_ALARM", "READ", "WRITE", "HIHI", "HIGH", "LOLO", "LOW", "STATE", "COS", "COMM"]


class Motor:
    """One axis.

    Parameters
    ----------
    hall : where the shaft turns
    name : of the axis
    shaft : how its record is set up
    channels : its fields are added to these
    seed : of the encoder's noise
    """

    def __init__(self, hall: Hall, name: str, shaft: Shaft, channels: Channels, seed: int) -> None:
        self.hall, self.name, self.channels = hall, name, channels
        self.sign = self._sign0 = 1 if shaft.direction == "Pos" else -1
        self.off = self._off0 = shaft.offset
        self.velo, self.accl_s, self.mres = shaft.velo, shaft.accl_s, shaft.mres
        self.bdst, self.bvel = 0.0, shaft.velo
        self.broken: dict[str, dict[str, Any]] = {}
        self.moving, self.stopped = False, False
        self.goal = self._user(self._dial_of(hall.at(name)))
        self.drive: Any = None
        self.slipped = 0.0
        self._rested = asyncio.Event()
        self._rested.set()
        self._noise = np.random.default_rng([seed, 31])
        self._done_s, self._ticks = 0.0, 0
        self._serve(shaft)

    # ------------------------------------------------------------------ what the record says of where it is

    def _dial_of(self, place: float) -> float:
        return self._sign0 * (place - self._off0)

    def _place_of(self, dial: float) -> float:
        return self._sign0 * dial + self._off0

    def _user(self, dial: float) -> float:
        return self.sign * dial + self.off

    def _dial(self, user: float) -> float:
        return self.sign * (user - self.off)

    def reading(self) -> float:
        """Return what the encoder says, dial."""
        broken, now = self.broken, time.time()
        if "frozen_readback" in broken:
            return float(broken["frozen_readback"].setdefault("at", self._dial_of(self.hall.at(self.name))))
        if "nan_readback" in broken:
            return math.nan
        if "slow_readback" in broken:
            now -= broken["slow_readback"]["seconds"]
        if "claims_target" in broken and now < self.hall.paths[self.name].end_s:
            return self._dial(self.goal)
        dial = self._dial_of(self.hall.at(self.name, now)) + self.slipped
        if "noisy" in broken:
            dial += float(self._noise.normal(0.0, broken["noisy"]["sigma"]))
        if "turns" in broken:
            dial = math.remainder(dial, 360.0) + (broken["turns"].get("shift", 0.0))
        return dial + float(self._noise.normal(0.0, 0.3 * self.mres))

    # ------------------------------------------------------------------ what clients ask of it

    async def put_val(self, value: float) -> float:
        """Move to a user position; complete when it rests."""
        low, high = self._limits()
        await self.channels.show(self.name, "VAL", value)
        if math.isnan(value) or self.channels.value(self.name, "SPMG") in ("Stop", "Pause"):
            return value
        if low != high and not low <= value <= high:
            await self.channels.show(self.name, "LVIO", 1)
            return self.goal
        await self.channels.show(self.name, "LVIO", 0)
        self.goal = value
        self.hall.story.add("setpoint", axis=self.name, place=self._place_of(self._dial(value)), user=value)
        await self.channels.happened("move", self.name)
        await self.travel(value)
        return self.goal

    async def travel(self, value: float, why: str = "client") -> None:
        """Drive to a user position, with whatever is wrong; returns when the record says that it rests."""
        target = self._place_of(self._dial(value))
        here = self.hall.at(self.name)
        course = self._course(here, target)
        if course is None:
            return
        shaft = self.drive or self
        self._done_s = self._said_s(course)
        shaft.hall.go(shaft.name, self._bent(course, here, target, shaft), why)
        self._rested.clear()
        self.moving, self.stopped = True, False
        await self._show_moving()
        await self._rested.wait()

    def _course(self, here: float, target: float) -> Course | None:
        """Return the way that the record would take, backlash included; None where it drops the put."""
        now = time.time() + 0.01
        if "ignored_put" in self.broken:
            return None
        # BDST is in dial coordinates, as the record has it: it comes to rest from DVAL - BDST
        bdst = self._sign0 * self.bdst
        against = bdst and (target - here) * bdst < 0
        if not against:
            return leg(here, target, self.velo, self.accl_s, now)
        beyond = target - bdst
        first = leg(here, beyond, self.velo, self.accl_s, now)
        return joined([first, leg(beyond, target, self.bvel, self.accl_s, first.end_s + 0.01)])

    def _bent(self, course: Course, here: float, target: float, shaft: "Motor") -> Course:
        """Return the way that the shaft really takes."""
        broken, now = self.broken, float(course.times[0])
        way = target - here
        if shaft is not self:
            there = shaft.hall.at(shaft.name)
            return leg(there, there + way, self.velo, self.accl_s, now)
        if "runaway" in broken:
            speed = broken["runaway"].get("speed", self.velo)
            return leg(here, here + math.copysign(400.0, way), speed, self.accl_s, now)
        if "wrong_way" in broken:
            return leg(here, here - way * broken["wrong_way"].get("share", 1.0), self.velo, self.accl_s, now)
        if "short" in broken:
            return leg(here, here + way * broken["short"]["share"], self.velo, self.accl_s, now)
        if "overshoot" in broken:
            return leg(here, target + math.copysign(broken["overshoot"]["by"], way), self.velo, self.accl_s, now)
        if "slip" in broken:
            slip = math.copysign(broken["slip"]["by"], way)
            self.slipped += self._dial_of(target) - self._dial_of(target - slip)
            return leg(here, target - slip, self.velo, self.accl_s, now)
        if "slow_shaft" in broken:
            return leg(here, target, self.velo * broken["slow_shaft"]["share"], self.accl_s, now)
        if "stall" in broken:
            return leg(here, here + way * broken["stall"]["share"], self.velo, self.accl_s, now)
        if "sticks" in broken:
            return Course([now], [here])
        return course

    def _said_s(self, course: Course) -> float:
        """Return when the record will say that it has arrived."""
        broken = self.broken
        for never in ("runaway", "stall", "never_done"):
            if never in broken and not broken[never].get("says_done"):
                return math.inf
        if "early_done" in broken:
            return float(course.times[0]) + broken["early_done"]["share"] * (course.end_s - float(course.times[0]))
        if "claims_target" in broken:
            return float(course.times[0]) + broken["claims_target"]["seconds"]
        return course.end_s + broken.get("late_done", {}).get("seconds", 0.0)

    async def stop(self, value: int = 1, why: str = "stop") -> int:
        """Come to rest."""
        self.hall.story.add("stop", axis=self.name, why=why)
        if not value or "ignores_stop" in self.broken:
            return 0
        shaft = self.drive or self
        for creeping in ("creep", "runaway", "never_done", "stall"):
            self.broken.pop(creeping, None)
        if self.moving or time.time() < shaft.hall.paths[shaft.name].end_s:
            shaft.hall.stop(shaft.name, self.accl_s)
            self._done_s = time.time() + self.accl_s
            self.stopped = True
        return 0

    async def put_spmg(self, value: Any) -> Any:
        """Stop and Pause stop it."""
        word = value if isinstance(value, str) else _SPMG[int(value)]
        if word in ("Stop", "Pause"):
            await self.stop(1, "spmg")
        return word

    # ------------------------------------------------------------------ the clock

    async def tick(self) -> None:
        """Publish what has changed, and the end of a move."""
        self._ticks += 1
        if not self.moving and self._ticks % RESTING_TICKS:
            return
        dial = self.reading()
        await self._show_place(dial)
        if "glitch" in self.broken and self.moving:
            await self._glitch()
        if not self.moving:
            return
        if time.time() >= self._done_s:
            self.moving = False
            if self.stopped:
                self.goal = self._user(self._dial_of(self.hall.at(self.name)))
                await self.channels.show(self.name, "VAL", self.goal)
            await self._show_place(self.reading())
            await self._show_moving()
            self._rested.set()
            await self.channels.happened("arrival", self.name)

    async def _glitch(self) -> None:
        glitch = self.broken["glitch"]
        begun = glitch.setdefault("begun", time.time())
        on = glitch["after_s"] <= time.time() - begun < glitch["after_s"] + glitch["seconds"]
        await self.channels.show(self.name, "DMOV", 1 if on else 0)

    async def _show_place(self, dial: float) -> None:
        show = self.channels.show
        if "says_rbv" in self.broken:
            dial = self._dial(self.broken["says_rbv"]["place"])
        await show(self.name, "DRBV", dial, self.mres)
        await show(self.name, "RBV", self._user(dial), self.mres)

    async def _show_moving(self) -> None:
        show, moving = self.channels.show, self.moving
        word = (0x2 if not moving else 0x400) | 0x100 | 0x4000
        await show(self.name, "MSTA", word | self.broken.get("msta", {}).get("bits", 0))
        await show(self.name, "MOVN", int(moving))
        await show(self.name, "DMOV", int(not moving))

    def creep(self, speed: float) -> None:
        """Let the shaft drift from now on, though nobody sent it."""
        here, now = self.hall.at(self.name), time.time()
        self.hall.go(self.name, Course([now, now + 60.0], [here, here + 60.0 * speed]), "fault")

    # ------------------------------------------------------------------ its fields

    def _limits(self) -> tuple[float, float]:
        value = self.channels.value
        return float(value(self.name, "LLM")), float(value(self.name, "HLM"))

    async def set_limits(self, low: float, high: float) -> None:
        """Set the soft limits, user coordinates; the dial ones follow."""
        ends = sorted((self._dial(low), self._dial(high)))
        for field, value in (("LLM", low), ("HLM", high), ("DLLM", ends[0]), ("DHLM", ends[1])):
            await self.channels.show(self.name, field, value)

    async def set_frame(self, sign: int | None = None, off: float | None = None) -> None:
        """Change DIR or OFF: what the record calls the same place changes with it, and so do its user limits."""
        dial_low, dial_high = self.channels.value(self.name, "DLLM"), self.channels.value(self.name, "DHLM")
        self.sign, self.off = sign or self.sign, self.off if off is None else off
        low, high = sorted((self._user(dial_low), self._user(dial_high)))
        await self.channels.show(self.name, "DIR", "Pos" if self.sign > 0 else "Neg")
        for field, value in (("OFF", self.off), ("LLM", low), ("HLM", high)):
            await self.channels.show(self.name, field, value)
        self.goal = self._user(self._dial_of(self.hall.at(self.name)))
        await self.channels.show(self.name, "VAL", self.goal)

    def _serve(self, shaft: Shaft) -> None:
        add, dial = self.channels.add, self._dial_of(self.hall.at(self.name))
        low, high = shaft.limits
        ends = sorted((self._dial(low), self._dial(high)))
        doubles = {
            "RBV": self._user(dial),
            "DRBV": dial,
            "DVAL": dial,
            "DLLM": ends[0],
            "DHLM": ends[1],
            "VBAS": 0.0,
            "ERES": shaft.mres,
            "ACCL": shaft.accl_s,
            "RDBD": 0.5 * shaft.mres,
            "JVEL": shaft.velo,
        }
        for field, value in doubles.items():
            add(self.name, Field(shaft.record, field, float(value), egu=shaft.egu))
        settings = {"LLM": low, "HLM": high, "VELO": self.velo, "BDST": 0.0, "BVEL": self.bvel, "OFF": self.off}
        for field, value in {**settings, "MRES": shaft.mres, "UREV": 200 * shaft.mres, "VMAX": 0.0}.items():
            add(self.name, Field(shaft.record, field, float(value), egu=shaft.egu), self._setting(field))
        add(self.name, Field(shaft.record, "VAL", self.goal, egu=shaft.egu), self.put_val)
        for field, value in (("DMOV", 1), ("MOVN", 0), ("LVIO", 0), ("HLS", 0), ("LLS", 0), ("TDIR", 0), ("RCNT", 0)):
            add(self.name, Field(shaft.record, field, value))
        for field, value in (("MSTA", 0x4102), ("RTRY", 3), ("PREC", 4), ("SREV", 200)):
            add(self.name, Field(shaft.record, field, value))
        add(self.name, Field(shaft.record, "STOP", 0), self.stop)
        add(self.name, Field(shaft.record, "EGU", shaft.egu), self._setting("EGU"))
        texts = {"DESC": f"{self.name} of the head", "OUT": f"@asyn(HEAD,{shaft.record})", "RTYP": "motor"}
        for field, text in texts.items():
            add(self.name, Field(shaft.record, field, text))
        for field in ("HOMF", "HOMR", "JOGF", "JOGR", "SYNC"):
            add(self.name, Field(shaft.record, field, 0))
        enums = {
            "DIR": (shaft.direction, ["Pos", "Neg"], self._turned),
            "SPMG": ("Go", _SPMG, self.put_spmg),
            "SET": ("Use", ["Use", "Set"], None),
            "FOFF": ("Variable", ["Variable", "Frozen"], None),
            "SEVR": ("NO_ALARM", _SEVERITIES, None),
            "STAT": ("NO_ALARM", _STATUSES, None),
        }
        for field, (value, words, put) in enums.items():
            add(self.name, Field(shaft.record, field, value, words=tuple(words)), put)

    def _setting(self, field: str) -> Any:
        async def put(value: Any) -> Any:
            self.hall.story.add("setting", axis=self.name, field=field, value=value)
            if field in ("LLM", "HLM"):
                low, high = self._limits()
                await self.set_limits(*((value, high) if field == "LLM" else (low, value)))
            elif field == "OFF":
                await self.set_frame(off=float(value))
            elif field in ("VELO", "BVEL", "BDST", "MRES"):
                setattr(self, field.lower(), float(value))
            return value

        return put

    async def _turned(self, value: Any) -> Any:
        word = value if isinstance(value, str) else ("Pos", "Neg")[int(value)]
        await self.set_frame(sign=1 if word == "Pos" else -1)
        return word
