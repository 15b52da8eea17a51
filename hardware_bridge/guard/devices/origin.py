"""Where a frame comes from: what a detector's counters, clock and modes say before its trigger and after it."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from beamgym.envs.kinds import resolve
from beamgym.hardware_bridge.guard.devices.proxies import DetectorProxy, RawFrame
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.kinds import bridge_kind

CLOCK_S = 0.5
"""Clocks whose difference nobody has measured are taken to agree within this, seconds: computers that are synchronised
at all agree better, and a frame of the exposure before is, as a rule, older."""

ROUNDING_S = 0.01
"""Cameras round their times to so much, seconds."""

DELIVERY_S = 0.5
"""Beyond its read-out a frame may take so long to come, seconds: a computer that is busy with something else answers
within 0.3 s."""

_COUNTED = ("driver", "plugin", "dropped", "queued")


@dataclass(frozen=True)
class Counters:
    """What was counted at one moment: the number of the frame that is held, and frames by "driver" and the others."""

    frame: int | None
    counts: Mapping[str, int]


class FrameOrigin:
    """Notes what the rules ``fresh``, ``counted`` and ``modes_kept`` need, from one trigger to its frame.

    Parameters
    ----------
    proxy : the detector
    file : of the instrument
    """

    def __init__(self, proxy: DetectorProxy, file: InstrumentFile) -> None:
        self._proxy, self._entry = proxy, file.detector
        readout_s = float(resolve(bridge_kind(file.kind).readout_s)(file))
        self._max_age_s = readout_s + DELIVERY_S if self._entry.max_age_s is None else self._entry.max_age_s
        self._modes: dict[str, str] = {}
        self._last_time_s: float | None = None
        self._asked_s = self._done_s = 0.0

    async def begin(self) -> None:
        """Note the modes with which the guard is armed; frames from before it are nobody's."""
        self._modes, self._last_time_s = await self._proxy.modes(), None

    async def modes(self) -> dict[str, Any]:
        """Return what ``modes_kept`` judges."""
        return {"modes": await self._proxy.modes(), "modes_before": self._modes}

    async def counters(self) -> Counters:
        """Return what is counted now."""
        counts = await self._proxy.frame_counts()
        frame = counts["plugin"] if "plugin" in counts else await self._proxy.counter()
        return Counters(frame, counts)

    def triggered(self) -> None:
        """Note the time: what began earlier is not the frame that is asked for."""
        self._asked_s = time.time()

    def done(self) -> None:
        """Note the time at which the exposure was reported done."""
        self._done_s = time.time()

    def accept(self, raw: RawFrame) -> None:
        """Remember a good frame's time, which the next one's must be later than."""
        self._last_time_s = raw.time_s

    async def facts(self, raw: RawFrame, before: Counters, exposure_s: float) -> dict[str, Any]:
        """Return what ``fresh`` and ``counted`` judge of a frame.

        Parameters
        ----------
        raw : the frame
        before : what was counted before the trigger
        exposure_s : how long it was exposed
        """
        counts, clock = await asyncio.gather(self._proxy.frame_counts(), self._proxy.clock())
        offset_s, uncertain_s = (0.0, CLOCK_S - ROUNDING_S) if clock is None else clock
        numbers = {name: counts.get(name) for name in _COUNTED}
        earlier = {f"{name}_before": before.counts.get(name) for name in _COUNTED[:3]}
        return (
            numbers
            | earlier
            | {
                "counter_before": before.frame,
                "counter": raw.counter,
                "counter_required": self._entry.counter_required,
                "time_s": raw.time_s,
                "asked_s": self._asked_s,
                "now_s": self._done_s,
                "max_age_s": self._max_age_s,
                "clock_offset_s": offset_s,
                "clock_uncertain_s": uncertain_s + ROUNDING_S,
                "lasts_s": exposure_s,
                "stamped_at": self._entry.stamped_at,
                "last_time_s": self._last_time_s,
            }
        )
