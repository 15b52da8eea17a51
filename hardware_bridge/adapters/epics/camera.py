"""A camera with areaDetector's records: one exposure a trigger, the image from the standard-arrays plugin or by PVA."""

import asyncio
import math
import time
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from beamgym.hardware_bridge.adapters.epics.camera_settings import read_camera_settings
from beamgym.hardware_bridge.adapters.epics.channels import AsyncStatus, Channels, aioca
from beamgym.hardware_bridge.adapters.epics.pva import PvaImage
from beamgym.hardware_bridge.devices import AdapterOptions, DeviceError, Readings, answered
from beamgym.hardware_bridge.settings import DetectorSettings
from beamgym.physics.instrument import FrameFailed

_EPICS_EPOCH_S = 631152000.0  # 1990-01-01 in unix time; areaDetector's TimeStamp counts from there
# AcquireBusy is a record of its own, whose words differ by driver; only what is known as idle counts as idle.
_IDLE = ("0", "done", "idle", "no", "false")
_TROUBLE = ("Error", "Disconnected")
# A camera that runs on by itself changes between any two readings; asking more often would not help.
_TORN_READS = 5


class EpicsCameraOptions(AdapterOptions):
    """Options of an EPICS detector; its address is the prefix of all its PVs.

    Parameters
    ----------
    camera, image : what follows the prefix, for the camera's records and for those of the array plugin
    pva_image : PV of an NTNDArray by which the image is read over PVA instead; needs p4p
    epoch : "epics" where TimeStamp_RBV counts from 1990, as areaDetector's does; "unix" where from 1970
    image_wait_s : after the exposure, the image plugin delivers within this time, seconds
    reply_s : the IOC answers within this time, and is idle so long after it was told to stop, seconds
    poll_s : busy flag and counter are asked this often, seconds
    """

    camera: str = "cam1:"
    image: str = "image1:"
    pva_image: str = ""
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
        self._pv = Channels(name, readable, self._options.reply_s)
        self._pva = PvaImage(name, self._options.pva_image, self._options.reply_s) if self._options.pva_image else None

    @property
    def losses(self) -> int:
        """How often its server was lost since this was made."""
        return self._pv.losses

    async def connect(self, timeout: float) -> None:
        """Connect every PV used; DeviceError names those that did not answer. Writes nothing."""
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
        keys = {f"{self.name}_image": {"source": source, "dtype": "array", "shape": list(self._shape)}}
        for key, dtype in (("counter", "integer"), ("time", "number")):
            keys[f"{self.name}_{key}"] = {"source": source, "dtype": dtype, "shape": []}
        return keys

    def _readings(self, image: NDArray[Any], counter: int, stamp_s: float) -> Readings:
        values = {"image": image, "counter": counter, "time": stamp_s}
        return {f"{self.name}_{key}": {"value": value, "timestamp": stamp_s} for key, value in values.items()}

    async def _set_exposure(self, seconds: float) -> None:
        if not (math.isfinite(seconds) and seconds > 0):
            raise ValueError(f"{self.name}: an exposure is a positive number of seconds, not {seconds!r}")
        await self._pv.put("AcquireTime", float(seconds))
        found = await self.exposure_s()
        # One per cent: cameras round to their clock, and a dose is not known better than that.
        if not math.isclose(found, seconds, rel_tol=0.01):
            raise DeviceError(f"{self.name}: asked to expose {seconds:g} s, the camera set {found:g} s")

    async def _trigger(self) -> None:
        # The counter of before the trigger: a new image is one with another counter.
        mode, before, exposure_s = await asyncio.gather(self._pv.get("ImageMode"), self.counter(), self.exposure_s())
        if mode not in (0, "Single"):
            raise DeviceError(f"{self.name}: ImageMode is {mode!r}; set it to Single, one frame a trigger")
        limit_s = exposure_s + self._timeout_s
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
        while await self.counter() == before and time.monotonic() < overdue:
            await asyncio.sleep(self._options.poll_s)

    async def _frame(self) -> tuple[NDArray[Any], float]:
        if self._pva is not None:
            image, _, stamp_s = await self._pva.frame()
            return image, stamp_s
        what = f"{self.name}: reading PV {self._data_pv}"
        # Not a typed signal: before its first frame the array is empty, and a typed one would take it for a number.
        data = await answered(what, self._options.reply_s + 1.0, aioca.caget(self._data_pv, timeout=None))
        names = ("ArraySize0_RBV", "ArraySize1_RBV", "TimeStamp_RBV")
        columns, rows, stamp_s = await asyncio.gather(*(self._pv.number(name) for name in names))
        image = as_image(self.name, np.atleast_1d(np.asarray(data)), (int(rows), int(columns)))
        return image, stamp_s + (_EPICS_EPOCH_S if self._options.epoch == "epics" else 0.0)


def as_image(name: str, data: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    """Return the first rows · columns numbers of a flat array as (rows, columns); FrameFailed where there are fewer."""
    size = shape[0] * shape[1]
    # What areaDetector serves before the first frame.
    if size == 0:
        raise FrameFailed(f"{name} has no frame yet: its image is {shape[0]} × {shape[1]}; trigger it first")
    if data.size < size:
        raise FrameFailed(f"{name}: {data.size} numbers make no image of {shape[0]} × {shape[1]}; read it again")
    # The waveform may be longer than the frame, by how the record was set up.
    return np.array(data[:size]).reshape(shape)
