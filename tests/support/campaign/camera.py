"""An areaDetector camera of our own: a driver that exposes, a queue, and an array plugin with counters of its own."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from campaign.bench import Bench
from campaign.channels import Channels
from campaign.hall import Hall

CAM, IMAGE = "det:cam1:", "det:image1:"
EPOCH_S = 631152000.0
_STATES = ("Idle", "Acquire", "Readout", "Correct", "Saving", "Aborting", "Error", "Waiting", "Initializing")
_TYPES = ("Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Float32", "Float64")
_COLOURS = ("Mono", "Bayer", "RGB1", "RGB2", "RGB3")
LONGEST_S = 20.0


@dataclass(frozen=True)
class Shot:
    """One frame on its way from the driver to the plugin."""

    image: NDArray[Any]
    number: int
    stamp_s: float


class Camera:
    """Driver ``cam1:`` and plugin ``image1:``.

    Parameters
    ----------
    hall : whose shafts and shutter it sees
    bench : how it is mounted
    sample : draws the frames, see ``sample.Crystal``
    channels : its PVs are added to these
    first : number of the next frame
    """

    def __init__(self, hall: Hall, bench: Bench, sample: Any, channels: Channels, first: int) -> None:
        self.hall, self.bench, self.sample, self.channels = hall, bench, sample, channels
        self.broken: dict[str, dict[str, Any]] = {}
        self.seconds = float(bench.content.get("laue", {}).get("exposure_s", 0.2))
        self.lit = True
        self.next, self.taken = first, 0
        self._late: list[Shot] = []
        self._queue: asyncio.Queue[Shot] = asyncio.Queue()
        self._ended: asyncio.Event | None = None
        self._serve()

    async def run(self) -> None:
        """Bring frames from the driver to the array plugin, for ever."""
        while True:
            shot = await self._queue.get()
            await asyncio.sleep(0.02 + self.broken.get("slow_plugin", {}).get("seconds", 0.0))
            await self._publish(shot)

    async def put_acquire(self, value: Any) -> Any:
        """Expose once, or end the exposure."""
        if value in (0, "Done"):
            self.hall.story.add("acquire", on=False)
            if self._ended is not None and "deaf" not in self.broken:
                self._ended.set()
            return "Done"
        if self._ended is not None:
            return "Acquire"
        await self._expose()
        return "Done"

    async def _expose(self) -> None:
        self._ended = asyncio.Event()
        await self._show_busy("Acquire")
        await self.channels.happened("exposure", "")
        begun = time.time()
        self.hall.story.add("exposing", seconds=self.seconds)
        await self._wait(begun)
        aborted = self._ended.is_set()
        await self._show_busy("Readout")
        await asyncio.sleep(0.02)
        if not aborted:
            await self._read_out(begun)
        self._ended = None
        await self._show_busy("Idle")

    async def _wait(self, begun: float) -> None:
        """Expose for the time that is set, though somebody changes it meanwhile; ended early by Acquire 0."""
        assert self._ended is not None
        if "hangs" in self.broken:
            await self._ended.wait()
            return
        seconds = self.seconds + self.broken.get("exposes_longer", {}).get("by_s", 0.0)
        try:
            await asyncio.wait_for(self._ended.wait(), min(max(seconds, 1e-3), LONGEST_S))
        except TimeoutError:
            return

    async def _read_out(self, begun: float) -> None:
        now, number = time.time(), self.next
        self.next, self.taken = self.next + 1, self.taken + 1
        image = self._seen(begun, now, number)
        stamp = begun if self.bench.stamp == "start" else now
        stamp += self.broken.get("clock", {}).get("off_s", 0.0)
        self.hall.story.add("frame", number=number, begun=begun, ended=now, seconds=now - begun)
        self.hall.frames = number
        await self.channels.tell(f"{CAM}ArrayCounter_RBV", self.taken)
        shot = Shot(self._spoilt(image), number, stamp)
        if "loses_frame" in self.broken:
            self.broken.pop("loses_frame")
            await self.channels.tell(f"{IMAGE}DroppedArrays_RBV", self.channels.value(f"{IMAGE}DroppedArrays_RBV") + 1)
            return
        behind = int(self.broken.get("behind", {}).get("frames", 0))
        if behind and "begun" not in self.broken["behind"]:
            self.broken["behind"]["begun"] = True
            self._late += [self._earlier(begun, back, number) for back in range(behind, 0, -1)]
        self._late.append(shot)
        # a pipeline that is some frames behind hands out what it was given so many frames ago
        out = self._late[max(len(self._late) - 1 - behind, 0)]
        self._late = self._late[-8:]
        if behind:
            honest = self.broken["behind"].get("honest", True)
            out = Shot(out.image, number, out.stamp_s if honest else stamp)
        await self._queue.put(out)

    def _earlier(self, begun: float, back: int, number: int) -> Shot:
        """Return a frame that somebody else took some seconds ago: it is what the pipeline still holds."""
        places = self.hall.places(begun - 2.5 * back) + (15.0 if self.taken == 1 else 0.0)
        image = self.sample.frame(places, self.seconds, 10**6 + 10 * number + back)
        return Shot(image, number, begun - 2.5 * back)

    def _seen(self, begun: float, ended: float, number: int) -> NDArray[Any]:
        """Return what falls on the panel during the exposure."""
        broken = self.broken
        what = "" if self.lit and self.hall.open else "dark"
        middle = 0.5 * (begun + ended)
        if "ghost" in broken:
            # frozen picture, living noise: the crystal as it stood when it broke
            middle = broken["ghost"].setdefault("at_s", middle)
        if "no_crystal" in broken and what != "dark":
            what = "none"
        if "other_sample" in broken and what != "dark":
            what = "other"
        light = broken.get("dim", {}).get("share", 1.0)
        image: NDArray[Any] = self.sample.frame(self.hall.places(middle), light * (ended - begun), number, what)
        return image

    def _spoilt(self, image: NDArray[Any]) -> NDArray[Any]:
        broken, made = self.broken, image.copy()
        last = self._late[-1].image if self._late else image
        if "repeats" in broken:
            made = last.copy()
            if broken["repeats"].get("pixels"):
                made.flat[: int(broken["repeats"]["pixels"])] += 1
            if broken["repeats"].get("turned"):
                made = np.ascontiguousarray(made[::-1, ::-1])
        if "saturates" in broken:
            rows = int(broken["saturates"]["share"] * len(made))
            made[:rows] = np.iinfo(np.uint16).max if made.dtype == np.uint16 else 2e9
        if "half" in broken:
            made[len(made) // 2 :] = last[len(made) // 2 :] if broken["half"].get("old") else 0
        if "cropped" in broken:
            made = made[: len(made) - int(broken["cropped"]["rows"])]
        if "blank" in broken:
            made[:] = 20
        return made

    async def _publish(self, shot: Shot) -> None:
        tell, image = self.channels.tell, shot.image
        number = shot.number + int(self.broken.get("counter", {}).get("off", 0))
        slow, fast = image.shape
        await tell(f"{IMAGE}ArraySize0_RBV", fast)
        await tell(f"{IMAGE}ArraySize1_RBV", slow)
        await tell(f"{IMAGE}ArrayData", self._wire(image))
        seconds = shot.stamp_s - EPOCH_S
        await tell(f"{IMAGE}TimeStamp_RBV", seconds)
        await tell(f"{IMAGE}EpicsTSSec_RBV", int(seconds))
        await tell(f"{IMAGE}EpicsTSNsec_RBV", int(1e9 * (seconds % 1.0)))
        await tell(f"{IMAGE}ArrayCounter_RBV", self.channels.value(f"{IMAGE}ArrayCounter_RBV") + 1)
        if "same_id" not in self.broken:
            await tell(f"{IMAGE}UniqueId_RBV", number)

    def _wire(self, image: NDArray[Any]) -> NDArray[Any]:
        if self.bench.array == "float":
            return image.ravel().astype(np.float32)
        # Channel Access knows no unsigned numbers: 16 bits travel as they are in SHORT, as counts in LONG
        return image.ravel().view(np.int16) if self.bench.array == "short" else image.ravel().astype(np.int32)

    async def _show_busy(self, state: str) -> None:
        busy = state != "Idle"
        shown = "Error" if "error" in self.broken else state
        await self.channels.show(f"{CAM}DetectorState_RBV", "", shown)
        await self.channels.show(f"{CAM}AcquireBusy", "", "Acquiring" if busy else "Done")
        await self.channels.show(f"{CAM}Acquire_RBV", "", "Acquire" if busy else "Done")
        await self.channels.show(f"{CAM}Acquire", "", "Acquire" if busy else "Done")

    async def set_seconds(self, value: float) -> float:
        """Set AcquireTime."""
        if "deaf_time" in self.broken:
            return self.seconds
        self.seconds = float(value)
        await self.channels.show(f"{CAM}AcquireTime", "", self.seconds)
        await self.channels.show(f"{CAM}AcquireTime_RBV", "", self.seconds)
        self.hall.story.add("acquire_time", seconds=self.seconds)
        return self.seconds

    async def _set_mode(self, value: Any) -> Any:
        word = value if isinstance(value, str) else ("Single", "Multiple", "Continuous")[int(value)]
        await self.channels.show(f"{CAM}ImageMode_RBV", "", word)
        return word

    def _serve(self) -> None:
        plain, content = self.channels.plain, self.bench.content["detector"]
        slow, fast = content["shape"][::-1] if content.get("transpose") else content["shape"]
        modes = ("Single", "Multiple", "Continuous")
        plain(f"{CAM}Acquire", "Done", self.put_acquire, words=("Done", "Acquire"))
        plain(f"{CAM}Acquire_RBV", "Done", words=("Done", "Acquire"))
        plain(f"{CAM}AcquireBusy", "Done", words=("Done", "Acquiring"))
        plain(f"{CAM}AcquireTime", self.seconds, self.set_seconds)
        plain(f"{CAM}AcquireTime_RBV", self.seconds)
        plain(f"{CAM}ImageMode", "Single", self._set_mode, words=modes)
        plain(f"{CAM}ImageMode_RBV", "Single", words=modes)
        plain(f"{CAM}DetectorState_RBV", "Idle", words=_STATES)
        for name in ("ArrayCounter_RBV", "NumImages", "NumImages_RBV", "NumImagesCounter_RBV"):
            plain(f"{CAM}{name}", 0)
        sizes = {"MaxSizeX_RBV": fast, "MaxSizeY_RBV": slow, "ArraySizeX_RBV": fast, "ArraySizeY_RBV": slow}
        for name, size in {**sizes, "SizeX_RBV": fast, "SizeY_RBV": slow, "BinX_RBV": 1, "BinY_RBV": 1}.items():
            plain(f"{CAM}{name}", int(size))
        plain(f"{CAM}Manufacturer_RBV", "Hall")
        plain(f"{CAM}Model_RBV", "H-500")
        kind = "Float32" if self.bench.array == "float" else "UInt16"
        for part in (CAM, IMAGE):
            plain(f"{part}DataType_RBV", kind, words=_TYPES)
            plain(f"{part}ColorMode_RBV", "Mono", words=_COLOURS)
        self.channels.array(f"{IMAGE}ArrayData", self.bench.array, int(slow * fast))
        for name in ("UniqueId_RBV", "ArrayCounter_RBV", "DroppedArrays_RBV", "EpicsTSSec_RBV", "EpicsTSNsec_RBV"):
            plain(f"{IMAGE}{name}", 0)
        plain(f"{IMAGE}UniqueId_RBV", self.next - 1)
        plain(f"{IMAGE}TimeStamp_RBV", time.time() - EPOCH_S)
        for number, size in enumerate((int(fast), int(slow), 0)):
            plain(f"{IMAGE}ArraySize{number}_RBV", size)
        plain(f"{IMAGE}NDimensions_RBV", 2)
        plain(f"{IMAGE}EnableCallbacks_RBV", 1)
        plain(f"{IMAGE}QueueSize", 20)
