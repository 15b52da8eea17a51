"""A detector that is a folder: the camera's own program writes TIFF, CBF, EDF or HDF5, the bridge waits and reads."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from beamgym.hardware_bridge.adapters.filedrop_folder import DropFolder, DroppedFile, Settling
from beamgym.hardware_bridge.devices import AdapterOptions, DeviceError, Readings, in_thread, need
from beamgym.physics.instrument import FrameFailed
from beamgym.physics.laue.files import ImageFileError, read_image

AsyncStatus = need("ophyd_async.core", "hardware").AsyncStatus

_READ_S = 60.0  # a frame of a slow network disc
_DAMAGED_AFTER = 4.0  # settling times; a slow writer pauses, a broken file stays broken


class FileDropOptions(AdapterOptions):
    """Options of the adapter "filedrop".

    Parameters
    ----------
    pattern : glob of the frames' names
    counter : regular expression with one group, the frame's number; by default the last run of digits in the name
    dataset : HDF5 path of the image
    settle_s : a file is finished when size and time of writing have not changed for so long, seconds
    poll_s : look into the folder this often, seconds
    clock_skew_s : the file server's clock may be off by so much, seconds
    operator : True where the operator is asked to take each frame
    """

    pattern: str = "*.tif*"
    counter: str | None = None
    dataset: str | None = None
    settle_s: float = Field(default=0.5, ge=0.02, le=60.0)
    poll_s: float = Field(default=0.1, ge=0.005, le=10.0)
    clock_skew_s: float = Field(default=1.0, ge=0.0, le=60.0)
    operator: bool = False


@dataclass(frozen=True)
class _Dropped:
    image: NDArray[Any]
    counter: int
    time_s: float


class FileDropDetector:
    """Waits for the frame that a trigger asks for, and refuses any other.

    Parameters
    ----------
    name : the detector's name
    folder : where the frames appear
    shape : (slow, fast) of the array in the file
    timeout_s : wait this long for the file, the exposure not counted, seconds
    options : see FileDropOptions
    tell : called with the text by which an operator is asked to take the frame; None where the camera runs by itself

    Notes
    -----
    A frame counts when its number is above every number in the folder at the trigger, and when it was written late
    enough for its whole exposure to lie after the trigger. Earlier ones are passed over: a camera that runs freely
    delivers them. Of several, the lowest number is taken. A file is opened only once it has settled, and what was read
    is thrown away where the file changed meanwhile.
    """

    parent = None

    def __init__(
        self,
        name: str,
        folder: str,
        shape: tuple[int, int],
        timeout_s: float,
        options: FileDropOptions | None = None,
        tell: Callable[[str], Any] | None = None,
    ) -> None:
        self.name = name
        self._options = options or FileDropOptions()
        self._folder = DropFolder(folder, self._options.pattern, self._options.counter)
        self._shape = (int(shape[0]), int(shape[1]))
        self._timeout_s = timeout_s
        self._tell = tell
        self._exposure_s = 0.0
        self._frame: _Dropped | None = None

    async def connect(self, timeout: float) -> None:
        """Look into the folder; DeviceError where that is impossible."""
        try:
            await in_thread(f"{self.name}: listing {self._folder.folder}", timeout, self._folder.check)
        except ValueError as error:
            raise DeviceError(f"{self.name}: {error}") from None

    def set_exposure(self, seconds: float) -> Any:
        """Remember the exposure that the operator or the camera's program uses, seconds; returns a Status."""
        return AsyncStatus(self._set_exposure(seconds), name=self.name)

    async def _set_exposure(self, seconds: float) -> None:
        if not (math.isfinite(seconds) and seconds > 0):
            raise ValueError(f"{self.name}: an exposure is a positive number of seconds, not {seconds!r}")
        self._exposure_s = float(seconds)

    async def counter(self) -> int | None:
        """Return the number of the last frame read, or None before the first."""
        return None if self._frame is None else self._frame.counter

    def clock(self) -> tuple[float, float]:
        """Return (0, ``clock_skew_s``): files are dated by their server's clock, of which only that much is known."""
        return 0.0, self._options.clock_skew_s

    def trigger(self) -> Any:
        """Wait for the next frame; the Status fails with FrameFailed where none comes or it cannot be used."""
        return AsyncStatus(self._trigger(), name=self.name)

    async def stop(self, success: bool = True) -> None:
        """Do nothing: the camera belongs to another program, and waiting ends when the Status is cancelled."""

    async def read(self) -> Readings:
        """Return the last frame: ``NAME_image`` (slow, fast), ``NAME_counter`` and ``NAME_time`` (unix s)."""
        if self._frame is None:
            raise FrameFailed(f"{self.name} has no frame yet; trigger it first")
        frame = self._frame
        values = {"image": frame.image, "counter": frame.counter, "time": frame.time_s}
        return {f"{self.name}_{key}": {"value": value, "timestamp": frame.time_s} for key, value in values.items()}

    async def describe(self) -> Readings:
        """Return what ``read`` gives, in bluesky's form."""
        source = f"file://{self._folder.folder}/{self._folder.pattern}"
        keys = {f"{self.name}_image": {"source": source, "dtype": "array", "shape": list(self._shape)}}
        for key, dtype in (("counter", "integer"), ("time", "number")):
            keys[f"{self.name}_{key}"] = {"source": source, "dtype": dtype, "shape": []}
        return keys

    async def _trigger(self) -> None:
        # The old frame is dropped first: a trigger that fails leaves none.
        asked_s, self._frame = time.time(), None
        try:
            before = await self._listed()
            # By the number and not by the time: file servers keep times of their own.
            highest = before[-1].counter if before else -1
            if self._tell is not None:
                self._tell(self._words(highest))
            self._frame = await self._wait(highest, asked_s)
        except ValueError as error:
            raise error if isinstance(error, FrameFailed) else FrameFailed(f"{self.name}: {error}") from None

    async def _listed(self) -> list[DroppedFile]:
        def listed() -> list[DroppedFile]:
            self._folder.check()
            return self._folder.files()

        return await in_thread(f"{self.name}: listing {self._folder.folder}", self._timeout_s, listed)

    def _words(self, highest: int) -> str:
        exposure = f" of {self._exposure_s:g} s" if self._exposure_s else ""
        where = f"{self._folder.folder} as {self._folder.pattern}"
        return f"Take one frame{exposure} and save it in {where}, with a number above {highest}."

    async def _wait(self, highest: int, asked_s: float) -> _Dropped:
        deadline = time.monotonic() + self._timeout_s + self._exposure_s
        settling, reason = Settling(self._options.settle_s), ""
        while time.monotonic() < deadline:
            # A folder has no notice that works on network discs; so it is listed again and again.
            for seen in await self._listed():
                if seen.counter <= highest:
                    continue
                # Written at the end of the exposure: the exposure is taken off again.
                begun_s = seen.modified_s - self._exposure_s
                # A number above the last one and still begun before the trigger: a frame that was on its way when it
                # was asked for.
                if seen.size and begun_s < asked_s - self._options.clock_skew_s:
                    reason = f"; {seen.path.name} is stale: begun {asked_s - begun_s:.1f} s before the trigger"
                    continue
                frame = await self._read_settled(seen, settling)
                if frame is not None:
                    return frame
                reason = f"; {seen.path.name} is still being written, {seen.size} bytes so far"
                # In order: the next number must not overtake one that is still being written.
                break
            await asyncio.sleep(self._options.poll_s)
        waited_s = self._timeout_s + self._exposure_s
        where = f"{self._folder.folder}/{self._folder.pattern}"
        raise FrameFailed(f"{self.name}: no finished frame above {highest} in {where} in {waited_s:g} s{reason}")

    async def _read_settled(self, seen: DroppedFile, settling: Settling) -> _Dropped | None:
        """Return the frame, or None while the file is still being written."""
        # Size and time must rest: a file that is opened while it is written looks like a damaged one.
        if not settling.settled(seen):
            return None
        try:
            image = await in_thread(
                f"{self.name}: reading {seen.path.name}",
                _READ_S,
                read_image,
                seen.path,
                0,
                self._options.dataset,
                invert=False,  # a camera's counts are what they are, however a frame looks
            )
        except (ImageFileError, FileNotFoundError) as error:
            if (
                settling.unchanged_s(self._folder.status_of(seen.path) or seen)
                < _DAMAGED_AFTER * self._options.settle_s
            ):
                return None
            raise FrameFailed(f"{self.name}: {error}") from None
        # It was written on while it was read.
        if self._folder.status_of(seen.path) != seen:
            return None
        # Which of several would be the one that was asked for?
        if image.frames != 1:
            raise FrameFailed(f"{self.name}: {seen.path.name} holds {image.frames} frames; save one frame a file")
        if image.image.shape != self._shape:
            raise FrameFailed(
                f"{self.name}: {seen.path.name} is {image.image.shape[0]} × {image.image.shape[1]} (slow × fast), "
                f"the instrument file says {self._shape[0]} × {self._shape[1]}"
            )
        if not np.isfinite(image.image).all():
            raise FrameFailed(f"{self.name}: {seen.path.name} holds values that are not finite")
        return _Dropped(image.image, seen.counter, seen.modified_s)
