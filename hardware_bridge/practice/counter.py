"""A counter with its monitor over the emulated hardware: a scaler record, and a multichannel scaler for sweeps.

The scaler's fields and meanings follow the scaler record (github.com/epics-modules/scaler): channel 1 is the clock, 2
the monitor, 3 the detector. The multichannel scaler counts on while axes move: its channels end at positions of one
axis, as behind a position-compare box, or where the client closes them. A put with callback to a start completes when
all is counted and published.
"""

import math
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from beamgym.hardware_bridge.practice.channels import Channels, Double, Enum, Long, Note, Short, String
from beamgym.hardware_bridge.practice.motor import Act
from beamgym.hardware_bridge.practice.samples import COLUMNS, MONITOR_PER_S, ScanningSample, Sweep
from beamgym.hardware_bridge.practice.simulated import ServedFrame
from beamgym.physics.diffractometer.scans import POINTS

CLOCK_HZ = 1e7
"""Of the scaler's channel 1."""

_NAMES = ("clock", "monitor", "detector", "")
_MONITOR = 2


class Counter:
    """The counter's channels.

    Parameters
    ----------
    hardware : emulated, with a ``ScanningSample``
    prefix : of the instrument
    act : does something to the hardware and publishes what has changed
    rest : returns when nothing is counted
    note : takes note of what clients put
    """

    def __init__(self, hardware: Any, prefix: str, act: Act, rest: Callable[[], Awaitable[None]], note: Note) -> None:
        self.channels = Channels(prefix, note)
        self._hardware, self._act, self._rest = hardware, act, rest
        self._shown: ServedFrame | None = None
        self._preset_s, self._monitor_counts, self._by_monitor = hardware.exposure_s, 0.0, False
        self._axis, self._edges, self._times = "", np.zeros(0), np.zeros(0)
        self._serve_scaler()
        self._serve_channels()

    async def publish(self) -> None:
        """Publish what has changed: counts first, the number of the frame after them, the states last."""
        if self._hardware.frame is not self._shown:
            self._shown = self._hardware.frame
            await self.channels.show(self._counts(self._shown))
        counting, sweeps = self._hardware.exposure is not None, self._sample.sweeps
        await self.channels.show(
            {
                "scaler1.TP": self._preset_s,
                "mcs1:Channel": self._sample.channel,
                "mcs1:Acquiring": "Acquiring" if counting and sweeps else "Done",
                "mcs1:Start": "Acquire" if counting and sweeps else "Done",
                "scaler1.CNT": "Count" if counting and not sweeps else "Done",
            }
        )

    @property
    def _sample(self) -> ScanningSample:
        sample: ScanningSample = self._hardware.sample
        return sample

    def _counts(self, frame: ServedFrame) -> dict[str, Any]:
        image = frame.image
        times = image[:, COLUMNS.index("time")]
        return {
            "scaler1.T": float(times.sum()),
            "scaler1.S1": float(np.rint(times.sum() * CLOCK_HZ)),
            "scaler1.S2": float(image[:, 1].sum()),
            "scaler1.S3": float(image[:, 2].sum()),
            "filter:Factor": float(image[0, 3]),
            **{f"mcs1:{name.capitalize()}": np.ascontiguousarray(image[:, i]) for i, name in enumerate(COLUMNS)},
            "counter:TimeStamp": frame.time_s,
            "counter:Frame": frame.counter,
        }

    def _serve_scaler(self) -> None:
        add, counts = self.channels.add, self._counts(self._hardware.frame)
        low, high = self._sample.exposure_limits_s
        add("scaler1.CNT", Enum, "Done", self._count, enum_strings=("Done", "Count"))
        add(
            "scaler1.TP",
            Double,
            self._preset_s,
            self._set_time,
            units="s",
            precision=3,
            lower_ctrl_limit=low,
            upper_ctrl_limit=high,
        )
        add("scaler1.FREQ", Double, CLOCK_HZ, units="Hz")
        for field in ("T", "S1", "S2", "S3"):
            add(f"scaler1.{field}", Double, counts[f"scaler1.{field}"])
        for number, name in enumerate(_NAMES, 1):
            add(f"scaler1.NM{number}", String, name)
            preset = number == _MONITOR
            add(f"scaler1.PR{number}", Double, 0.0, self._set_monitor if preset else None)
            add(
                f"scaler1.G{number}",
                Enum,
                "Y" if number == 1 else "N",
                self._set_gate if preset else None,
                enum_strings=("N", "Y"),
            )
        for field, text in {"RTYP": "scaler", "NAME": f"{self.channels.prefix}scaler1", "DESC": "simulated"}.items():
            add(f"scaler1.{field}", String, text)
        add("scaler1.PREC", Short, 3)
        # Put in by itself, as automatic filters are, where the counter would count more than 1e5 a second.
        add("filter:Factor", Double, counts["filter:Factor"], precision=1)
        add("filter:Auto", Enum, "On", enum_strings=("Off", "On"))

    def _serve_channels(self) -> None:
        add, counts = self.channels.add, self._counts(self._hardware.frame)
        add("mcs1:Axis", String, "", self._set_axis)
        add("mcs1:Edges", Double, [0.0], self._set_edges, max_length=POINTS + 1)
        add("mcs1:Times", Double, [0.0], self._set_times, max_length=POINTS)
        add("mcs1:Gate", Enum, "Closed", self._open, enum_strings=("Closed", "Open"))
        add("mcs1:Start", Enum, "Done", self._sweep, enum_strings=("Done", "Acquire"))
        add("mcs1:Acquiring", Enum, "Done", enum_strings=("Done", "Acquiring"))
        add("mcs1:Channel", Long, 0)
        for name in COLUMNS:
            key = f"mcs1:{name.capitalize()}"
            add(key, Double, counts[key], max_length=POINTS)
        add("counter:TimeStamp", Double, counts["counter:TimeStamp"], precision=3)
        add("counter:Frame", Long, counts["counter:Frame"])

    async def _count(self, value: int) -> None:
        if not value:
            await self._act(self._hardware.abort_exposure)
            return
        low, high = self._sample.exposure_limits_s
        seconds = self._monitor_counts / MONITOR_PER_S if self._by_monitor else self._preset_s
        self._hardware.exposure_s = min(max(seconds, low), high)
        await self._act(self._hardware.expose)
        await self._rest()

    async def _sweep(self, value: int) -> None:
        if not value:
            await self._act(self._hardware.abort_exposure)
            return
        names = list(self._hardware.motors)
        if self._axis and self._axis not in names:
            raise ValueError(f"mcs1:Axis is {self._axis!r}; there are {', '.join(names)}")
        if self._hardware.exposure is None:
            number = names.index(self._axis) if self._axis else -1
            self._sample.arm(Sweep(number, self._edges.copy(), self._times.copy()))
        await self._act(self._hardware.expose)
        await self._rest()

    async def _open(self, value: int) -> None:
        await self._act(lambda: self._gate(bool(value)))
        await self.channels.show({"mcs1:Gate": "Open" if value else "Closed"})

    def _gate(self, opened: bool) -> None:
        now = self._hardware.advance()
        self._sample.gate(opened)
        self._hardware.read_out_if_full(now)

    async def _set_time(self, value: float) -> None:
        if not (math.isfinite(value) and value > 0.0):
            raise ValueError(f"scaler1.TP is {value}; give seconds")
        low, high = self._sample.exposure_limits_s
        self._preset_s, self._by_monitor = min(max(value, low), high), False
        await self.channels.show({"scaler1.G2": "N"})
        await self._act(lambda: None)

    async def _set_monitor(self, value: float) -> None:
        if not (math.isfinite(value) and value >= 0.0):
            raise ValueError(f"scaler1.PR2 is {value}; give counts of the monitor")
        self._monitor_counts = value
        await self.channels.show({"scaler1.PR2": value})

    async def _set_gate(self, value: int) -> None:
        self._by_monitor = bool(value)
        await self.channels.show({"scaler1.G2": "Y" if value else "N"})

    async def _set_axis(self, value: Any) -> None:
        self._axis = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        await self.channels.show({"mcs1:Axis": self._axis})

    async def _set_edges(self, value: Any) -> None:
        self._edges = np.atleast_1d(np.asarray(value, dtype=np.float64)).copy()
        await self.channels.show({"mcs1:Edges": self._edges})

    async def _set_times(self, value: Any) -> None:
        self._times = np.atleast_1d(np.asarray(value, dtype=np.float64)).copy()
        await self.channels.show({"mcs1:Times": self._times})
