"""A soft IOC of cameras with areaDetector's records, each as odd as its entry says; run by its file, not imported.

Beside the practice instrument's camera: other element types, colours, numberings and clocks, none of them of this
project's making but by areaDetector's manual.
"""

import asyncio
import json
import sys
import time
from typing import Any

import numpy as np
from caproto import (
    ChannelByte,
    ChannelDouble,
    ChannelEnum,
    ChannelInteger,
    ChannelShort,
    ChannelString,
)

from beamgym.hardware_bridge.practice.server import LoopbackServer

EPICS_EPOCH_S = 631152000.0
WAVEFORMS = {"short": ChannelShort, "char": ChannelByte, "long": ChannelInteger, "double": ChannelDouble}
TYPES = ("Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Float32", "Float64")
COLORS = ("Mono", "Bayer", "RGB1", "RGB2", "RGB3")
MODES, BUSY = ("Single", "Multiple", "Continuous"), ("Done", "Acquiring")
EXPOSURE_S = 0.02


class Camera:
    """One camera.

    Parameters
    ----------
    prefix : of its records
    entry : "values" as signed whole numbers, "waveform", "data_type", "color", "sizes", "ahead_s" (of its clock),
        "late" (frames by which the plugin is behind the driver), "ends_at" (its time stamps mean the end)
    """

    def __init__(self, prefix: str, entry: dict[str, Any]) -> None:
        self.entry, self.ahead_s, self.records = entry, float(entry.get("ahead_s", 0.0)), dict[str, Any]()
        self.prefix, self.frames, self.late = prefix, 7, int(entry.get("late", 0))
        for name, kind, value, more in self._parts():
            made = _stamping(kind, self)(value=value, **more)
            self.records[prefix + name] = made
        self.records[prefix + "cam1:Acquire"].on_put = self._acquire
        self.records[prefix + "cam1:AcquireTime"].on_put = self._set_time

    def now(self) -> float:
        """Return the time by this camera's clock."""
        return time.time() + self.ahead_s

    def _parts(self) -> list[tuple[str, Any, Any, dict[str, Any]]]:
        entry = self.entry
        values, sizes = entry["values"], [*entry["sizes"], 0, 0]
        whole = {"max_length": max(len(values), 1)}
        data = bytes(value % 256 for value in values) if entry["waveform"] == "char" else values
        parts = [
            ("image1:ArrayData", WAVEFORMS[entry["waveform"]], data, whole),
            ("image1:UniqueId_RBV", ChannelInteger, self.frames - self.late, {}),
            ("image1:TimeStamp_RBV", ChannelDouble, self.now() - EPICS_EPOCH_S, {}),
            ("image1:ArraySize0_RBV", ChannelInteger, sizes[0], {}),
            ("image1:ArraySize1_RBV", ChannelInteger, sizes[1], {}),
            ("image1:ArraySize2_RBV", ChannelInteger, sizes[2], {}),
            ("image1:NDimensions_RBV", ChannelInteger, len(entry["sizes"]), {}),
            ("image1:DataType_RBV", ChannelEnum, entry["data_type"], {"enum_strings": TYPES}),
            ("image1:ColorMode_RBV", ChannelEnum, entry.get("color", "Mono"), {"enum_strings": COLORS}),
            ("cam1:Acquire", ChannelInteger, 0, {}),
            ("cam1:AcquireTime", ChannelDouble, EXPOSURE_S, {}),
            ("cam1:AcquireTime_RBV", ChannelDouble, EXPOSURE_S, {}),
            ("cam1:AcquireBusy", ChannelEnum, "Done", {"enum_strings": BUSY}),
            ("cam1:ImageMode", ChannelEnum, "Single", {"enum_strings": MODES}),
            ("cam1:DetectorState_RBV", ChannelString, "Idle", {}),
        ]
        if "late" in entry:
            parts.append(("cam1:ArrayCounter_RBV", ChannelInteger, self.frames, {}))
        if "codec" in entry:
            parts.append(("image1:Codec_RBV", ChannelString, entry["codec"], {}))
        return parts

    async def _acquire(self, value: float) -> None:
        if not value:
            return
        begun_s = self.now()
        await asyncio.sleep(self.records[self.prefix + "cam1:AcquireTime_RBV"].value)
        self.frames += 1
        shown = {
            "image1:TimeStamp_RBV": begun_s - EPICS_EPOCH_S,
            "image1:UniqueId_RBV": self.frames - self.late,
        }
        if "late" in self.entry:
            shown["cam1:ArrayCounter_RBV"] = self.frames
        for name, new in shown.items():
            await self.records[self.prefix + name].write(new, verify_value=False)

    async def _set_time(self, value: float) -> None:
        await self.records[self.prefix + "cam1:AcquireTime_RBV"].write(value, verify_value=False)


def _stamping(kind: Any, camera: Camera) -> Any:
    """Return a record class whose time stamps are the camera's, and that tells ``on_put`` what clients write."""

    class Stamping(kind):  # type: ignore[misc]
        on_put: Any = None

        async def write(self, value: Any, *, verify_value: bool = True, **more: Any) -> Any:
            written = await super().write(value, verify_value=verify_value, timestamp=camera.now(), **more)
            if verify_value and self.on_put is not None:
                await self.on_put(float(np.ravel(value)[0]))
            return written

    return Stamping


async def serve(port: int, beacon_port: int, entries: dict[str, dict[str, Any]]) -> None:
    """Serve the cameras until the process ends."""
    channels: dict[str, Any] = {}
    for prefix, entry in entries.items():
        channels |= Camera(prefix, entry).records
    await LoopbackServer(channels, "127.0.0.1", port, beacon_port).run()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])))
