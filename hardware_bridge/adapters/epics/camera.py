"""A camera with areaDetector's records: one exposure a trigger, the image from the standard-arrays plugin or by PVA."""

import asyncio
import math
import time
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from beamgym.hardware_bridge.adapters.epics.array import as_image, grey_shape, restored, uncompressed
from beamgym.hardware_bridge.adapters.epics.camera_records import OptionalRecords, ServerClock
from beamgym.hardware_bridge.adapters.epics.camera_settings import read_camera_settings
from beamgym.hardware_bridge.adapters.epics.channels import AsyncStatus, Channels, aioca
from beamgym.hardware_bridge.adapters.epics.pva import PvaImage
from beamgym.hardware_bridge.devices import AdapterOptions, DeviceError, Readings, answered, frame_keys
from beamgym.hardware_bridge.settings import DetectorSettings
from beamgym.physics.instrument import FrameFailed

_EPICS_EPOCH_S = 631152000.0  # 1990-01-01 in unix time; areaDetector's TimeStamp counts from there
# AcquireBusy is a record of its own, whose words differ by driver; only what is known as idle counts as idle.
_IDLE = ("0", "done", "idle", "no", "false")
_LATE_MONITOR_S = 0.5
_OUTPUTS = ("Acquire", "AcquireTime")
"""Records that are written; any other write is refused."""

_TROUBLE = ("Error", "Disconnected")
# A camera that runs on by itself changes between any two readings; asking more often would not help.
_TORN_READS = 5

# Of the driver: what decides how a frame is taken, and which pixels of the chip it shows, which way round.
_MODES = ("ImageMode_RBV", "TriggerMode_RBV", "NumImages_RBV", "NumExposures_RBV")
_VIEW = ("BinX_RBV", "BinY_RBV", "MinX_RBV", "MinY_RBV", "ReverseX_RBV", "ReverseY_RBV")
_SOURCE = "NDArrayPort_RBV"
"""Which plugin or driver the image comes from: one that crops or mirrors makes another image of the same frame."""

_FORM = ("DataType_RBV", "ColorMode_RBV", "NDimensions_RBV", "ArraySize2_RBV", "Codec_RBV")
_DRIVER_COUNTER = "driver counter"
_PLUGIN_COUNTERS = {"dropped": "DroppedArrays_RBV", "queued": "QueueUse"}


class EpicsCameraOptions(AdapterOptions):
    """Options of an EPICS detector; its address is the prefix of all its PVs.

    Parameters
    ----------
    camera, image : what follows the prefix, for the camera's records and for those of the array plugin
    pva_image : PV of an NTNDArray by which the image is read over PVA instead; needs p4p
    driver_counter : record of the driver that counts its frames, held against the plugin's; "" where the two cannot be
        compared, as with a driver that begins anew at every exposure
    epoch : "epics" where TimeStamp_RBV counts from 1990, as areaDetector's does; "unix" where from 1970
    image_wait_s : after the exposure, the image plugin delivers within this time, seconds
    reply_s : the IOC answers within this time, and is idle so long after it was told to stop, seconds
    poll_s : busy flag and counter are asked this often, seconds
    """

    camera: str = "cam1:"
    image: str = "image1:"
    pva_image: str = ""
    driver_counter: str = "ArrayCounter_RBV"
    epoch: Literal["epics", "unix"] = "epics"
    image_wait_s: float = Field(default=1.0, ge=0.0, le=600.0)
    reply_s: float = Field(default=2.0, gt=0.0, le=60.0)
    poll_s: float = Field(default=0.01, ge=0.001, le=10.0)


class EpicsCamera:
    """One camera.

    Parameters
    ----------
    name : the detector's name
    prefix : of all its PVs, e.g. "bgym:"
    shape : (rows, columns) of the array as the camera gives it
    timeout_s : an exposure may take this long beyond its own time, seconds
    options : see EpicsCameraOptions

    Notes
    -----
    The camera's modes are the operator's: an ImageMode other than Single is refused, not changed. Whether a frame is
    fresh is the guard's to judge: after ``image_wait_s`` without a new image the old one is what ``read`` returns.

    Records beyond the needed ones are used where the server has them: the element type and colour of the array, the
    driver's own counter, dropped arrays and the plugin's queue, modes, binning and region.
    """

    parent = None

    def __init__(
        self,
        name: str,
        prefix: str,
        shape: tuple[int, int],
        timeout_s: float,
        options: EpicsCameraOptions | None = None,
    ) -> None:
        self.name = name
        self._shape = (int(shape[0]), int(shape[1]))
        self._timeout_s = timeout_s
        self._options = options or EpicsCameraOptions()
        self._camera, self._image = camera, image = prefix + self._options.camera, prefix + self._options.image
        readable = {part: camera + part for part in ("AcquireTime", "AcquireTime_RBV", "AcquireBusy", "ImageMode")}
        # Read as well as written: connecting shows that it is there before anything is sent.
        readable |= {"Acquire": f"{camera}Acquire", "DetectorState_RBV": f"{camera}DetectorState_RBV"}
        if not self._options.pva_image:
            for part in ("UniqueId_RBV", "TimeStamp_RBV", "ArraySize0_RBV", "ArraySize1_RBV"):
                readable[part] = image + part
        # Apart from the others, since it is no number; see ``_frame``.
        self._data_pv = f"{image}ArrayData"
        self._pv = Channels(name, readable, self._options.reply_s, _OUTPUTS)
        self._pva = PvaImage(name, self._options.pva_image, self._options.reply_s) if self._options.pva_image else None
        optional = {part: camera + part for part in (*_MODES, *_VIEW, "AcquirePeriod_RBV", "AcquireTime_RBV")}
        if self._options.driver_counter:
            optional[_DRIVER_COUNTER] = camera + self._options.driver_counter
        if self._pva is None:
            optional |= {part: image + part for part in (*_FORM, _SOURCE, *_PLUGIN_COUNTERS.values())}
        self._more = OptionalRecords(name, optional, self._options.reply_s, self._heard)
        self._clock = ServerClock()
        self._exposures_s: list[float] = []
        self._acquire_time_pv = f"{camera}AcquireTime"

    @property
    def losses(self) -> int:
        """How often its server was lost since this was made."""
        return self._pv.losses

    @property
    def outputs(self) -> tuple[str, ...]:
        """PVs that it may write."""
        return self._pv.outputs

    async def connect(self, timeout: float) -> None:
        """Connect every PV used; DeviceError names those that did not answer. Writes nothing."""
        await self._more.connect_beside(self._connect_needed(timeout), timeout)

    async def _connect_needed(self, timeout: float) -> None:
        await self._pv.connect(timeout)
        if self._pva is not None:
            await self._pva.connect(timeout)
            return
        # Its length is not known yet, so that it is connected by aioca and not as a typed signal.
        what = f"{self.name}: connecting to PV {self._data_pv}"
        await answered(what, timeout + 1.0, aioca.connect(self._data_pv, timeout=timeout))

    async def settings(self) -> DetectorSettings:
        """Return what driver and array plugin say of themselves; what their server lacks is None."""
        image = "" if self._pva is not None else self._image
        return await read_camera_settings(self._camera, image)

    def set_exposure(self, seconds: float) -> Any:
        """Write AcquireTime, seconds; the Status fails where the camera sets another time (1 %)."""
        return AsyncStatus(self._set_exposure(seconds), name=self.name)

    async def exposure_s(self) -> float:
        """Return AcquireTime_RBV, seconds."""
        return await self._pv.number("AcquireTime_RBV")

    async def exposed_s(self) -> float:
        """Return how long the last frame was exposed by the camera's own word, seconds.

        The longest AcquireTime_RBV since the trigger, times NumExposures_RBV where there is one: what another client
        set meanwhile is in it.
        """
        exposures = self._more.word("NumExposures_RBV")
        times = float(exposures) if exposures.isdigit() and int(exposures) else 1.0
        return times * max([*self._exposures_s, await self.exposure_s()])

    async def frame_counts(self) -> dict[str, int]:
        """Return "driver", "dropped" and "queued", as far as there are such records, and "plugin", the unique id."""
        names = [_DRIVER_COUNTER, *_PLUGIN_COUNTERS.values()]
        found, plugin = await asyncio.gather(self._more.numbers(names), self.counter())
        counts = {"driver": found.get(_DRIVER_COUNTER)}
        counts |= {key: found.get(record) for key, record in _PLUGIN_COUNTERS.items()}
        return {"plugin": plugin, **{key: value for key, value in counts.items() if value is not None}}

    async def modes(self) -> dict[str, str]:
        """Return modes, region, binning and orientation of the image, as words by the records' names."""
        view = {} if self._pva is None else await self._pva.view()
        return self._more.words((*_MODES, *_VIEW, *_FORM[:2], _SOURCE)) | view

    def clock(self) -> tuple[float, float] | None:
        """Return (how far the server's clock is ahead of ours, uncertainty), seconds; None before it was measured.

        It is measured whenever the exposure is set.
        """
        return self._clock.offset_s()

    async def counter(self) -> int:
        """Return the unique id of the frame it holds."""
        if self._pva is not None:
            return (await self._pva.frame())[1]
        return int(await self._pv.number("UniqueId_RBV"))

    def trigger(self) -> Any:
        """Expose once; the Status is done when the camera is idle and its image has come, or is overdue."""
        return AsyncStatus(self._trigger(), name=self.name)

    async def exposing(self) -> bool:
        """Say whether AcquireBusy is anything but idle."""
        return str(await self._pv.get("AcquireBusy")).lower() not in _IDLE

    async def stop(self, success: bool = True) -> None:
        """Write 0 to Acquire and see the camera idle; DeviceError where it is not so within ``reply_s``."""
        # No put with completion: it would queue behind the trigger's own, which a camera that hangs never completes.
        await self._pv.send("Acquire", 0)
        deadline = time.monotonic() + self._options.reply_s
        while await self.exposing():
            if time.monotonic() > deadline:
                limit_s = self._options.reply_s
                raise DeviceError(f"{self.name} still exposes {limit_s:g} s after it was told to stop; stop it by hand")
            await asyncio.sleep(self._options.poll_s)

    async def alarm(self) -> str:
        """Return the detector's state where it is one of trouble, else ""."""
        state = await self._pv.get("DetectorState_RBV")
        return f"detector state {state}" if state in _TROUBLE else ""

    async def close(self) -> None:
        """Close the connection over PVA, where there is one; those over Channel Access are shared."""
        if self._pva is not None:
            self._pva.close()

    async def read(self) -> Readings:
        """Return ``NAME_image`` (rows, columns), ``NAME_counter`` and ``NAME_time`` (unix s) of one and the same frame.

        Raises
        ------
        FrameFailed : the numbers do not make an image of the size that the plugin states, or belong to two frames
        """
        for _ in range(_TORN_READS):
            counter = await self.counter()
            image, stamp_s = await self._frame()
            # Image, size and time are several PVs: only a counter that is the same before and after makes them one
            # frame.
            if counter == await self.counter():
                return self._readings(image, counter, stamp_s)
        raise FrameFailed(f"{self.name}: the image changes while it is read, {_TORN_READS} times; stop the camera")

    async def describe(self) -> Readings:
        """Return what ``read`` gives, in bluesky's form."""
        source = f"pva://{self._options.pva_image}" if self._pva else f"ca://{self._data_pv}"
        return frame_keys(self.name, source, self._shape)

    def _readings(self, image: NDArray[Any], counter: int, stamp_s: float) -> Readings:
        values = {"image": image, "counter": counter, "time": stamp_s}
        return {f"{self.name}_{key}": {"value": value, "timestamp": stamp_s} for key, value in values.items()}

    async def _set_exposure(self, seconds: float) -> None:
        if not (math.isfinite(seconds) and seconds > 0):
            raise ValueError(f"{self.name}: an exposure is a positive number of seconds, not {seconds!r}")
        await self._clock.measure(self._pv.put("AcquireTime", float(seconds)), self._stamp_s)
        found = await self.exposure_s()
        # One per cent: cameras round to their clock, and a dose is not known better than that.
        if not math.isclose(found, seconds, rel_tol=0.01):
            raise DeviceError(f"{self.name}: asked to expose {seconds:g} s, the camera set {found:g} s")

    async def _stamp_s(self) -> float:
        """Return when the server last processed AcquireTime, unix seconds by its own clock."""
        what = f"{self.name}: reading PV {self._acquire_time_pv}"
        work = aioca.caget(self._acquire_time_pv, format=aioca.FORMAT_TIME, timeout=None)
        return float((await answered(what, self._options.reply_s, work)).timestamp)

    def _heard(self, short: str, value: Any) -> None:
        if short == "AcquireTime_RBV":
            self._exposures_s.append(float(value))

    async def _heard_all(self, exposure_s: float) -> None:
        """Wait until the monitor has come to what was read: what it brings late was set before the trigger."""
        until = time.monotonic() + _LATE_MONITOR_S
        while self._exposures_s and self._exposures_s[-1] != exposure_s and time.monotonic() < until:
            await asyncio.sleep(self._options.poll_s)

    async def _trigger(self) -> None:
        # The counters of before the trigger: a new image is one with another counter.
        mode, busy, before, exposure_s = await asyncio.gather(
            self._pv.get("ImageMode"), self.exposing(), self.frame_counts(), self.exposure_s()
        )
        if mode not in (0, "Single"):
            raise DeviceError(f"{self.name}: ImageMode is {mode!r}; set it to Single, one frame a trigger")
        # A trigger would do nothing, and the frame would be one that began earlier.
        if busy:
            raise DeviceError(f"{self.name} exposes already: another client has triggered it; stop that one first")
        await self._heard_all(exposure_s)
        self._exposures_s = [exposure_s]
        # Drivers may keep the camera busy for the whole period.
        period = self._more.word("AcquirePeriod_RBV")
        limit_s = max(exposure_s, _number(period)) + self._timeout_s
        deadline = time.monotonic() + limit_s
        # A put with completion, which areaDetector ends when the frame has been read out.
        await self._pv.put("Acquire", 1, limit_s)
        # Also by AcquireBusy, since not every driver delays its completion.
        while await self.exposing():
            if time.monotonic() > deadline:
                raise DeviceError(f"{self.name} still exposes {limit_s:g} s after its trigger")
            await asyncio.sleep(self._options.poll_s)
        overdue = time.monotonic() + self._options.image_wait_s
        # Plugins run in threads of their own, so that the image may come after the camera is idle.
        while not self._arrived(before, await self.frame_counts()) and time.monotonic() < overdue:
            await asyncio.sleep(self._options.poll_s)

    def _arrived(self, before: dict[str, int], now: dict[str, int]) -> bool:
        """Whether driver and plugin have both counted on, and nothing waits in the plugin's queue."""
        counted = all(now[key] != before[key] for key in ("plugin", "driver") if key in now and key in before)
        return counted and not now.get("queued")

    async def _frame(self) -> tuple[NDArray[Any], float]:
        if self._pva is not None:
            image, _, stamp_s = await self._pva.frame()
            return image, stamp_s
        what = f"{self.name}: reading PV {self._data_pv}"
        # Not a typed signal: before its first frame the array is empty, and a typed one would take it for a number.
        data = await answered(what, self._options.reply_s + 1.0, aioca.caget(self._data_pv, timeout=None))
        names = ("ArraySize0_RBV", "ArraySize1_RBV", "TimeStamp_RBV")
        columns, rows, stamp_s = await asyncio.gather(*(self._pv.number(name) for name in names))
        image = self._grey(np.atleast_1d(np.asarray(data)), (int(columns), int(rows)))
        return image, stamp_s + (_EPICS_EPOCH_S if self._options.epoch == "epics" else 0.0)

    def _grey(self, data: NDArray[Any], sizes: tuple[int, int]) -> NDArray[Any]:
        """Return a flat array as (rows, columns), with its own element type; FrameFailed for what is no grey image."""
        more = self._more
        uncompressed(self.name, more.word("Codec_RBV"))
        deep = more.word("ArraySize2_RBV") if more.word("NDimensions_RBV") in ("3", "3.0") else ""
        shape = grey_shape(self.name, (*sizes, int(_number(deep))), more.word("ColorMode_RBV"))
        return as_image(self.name, restored(self.name, data, more.word("DataType_RBV")), shape)


def _number(text: str) -> float:
    """Return a word as a number; 0 where it is none."""
    try:
        return float(text)
    except ValueError:
        return 0.0
