"""An areaDetector-like camera over the emulated one: driver `cam1:` and array plugin `image1:`.

Names and meanings follow areaDetector (github.com/areaDetector/ADCore). A put with callback to Acquire completes when
the frame has been read out and published. 16-bit counts travel as 32-bit integers, as Channel Access has no unsigned
type; `image1:DataType_RBV` says what they are.
"""

import math
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from beamgym.hardware_bridge.practice.channels import Channels, Double, Enum, Float, Long, Note, Put, String
from beamgym.hardware_bridge.practice.motor import Act
from beamgym.hardware_bridge.practice.simulated import EmulatedHardware, ServedFrame

EPICS_EPOCH_S = 631152000
"""Unix time at which EPICS begins to count, 1990-01-01; areaDetector's TimeStamp_RBV counts from then."""

STATES = ("Idle", "Acquire", "Readout", "Correct", "Saving", "Aborting", "Error", "Waiting", "Initializing")
MODES = ("Single", "Multiple", "Continuous")


class Camera:
    """The camera's channels.

    Parameters
    ----------
    hardware : the emulated camera
    prefix : of the instrument
    act : does something to the hardware and publishes what has changed
    rest : returns when the camera is idle
    note : takes note of what clients put
    """

    def __init__(
        self,
        hardware: EmulatedHardware,
        prefix: str,
        act: Act,
        rest: Callable[[], Awaitable[None]],
        note: Note,
    ) -> None:
        self.channels = Channels(prefix, note)
        self._hardware, self._act, self._rest = hardware, act, rest
        self._mode, self._frames = 0, 1
        self._shown: ServedFrame | None = None
        self._serve_driver()
        self._serve_array()

    async def publish(self) -> None:
        """Publish what has changed: the array first, the counter after it, the driver's state last."""
        # By identity: comparing half a million pixels for every motor step would be slow.
        if self._hardware.frame is not self._shown:
            self._shown = self._hardware.frame
            await self.channels.show(self._array(self._shown))
        # Last: a client that waits for "Done" finds the new array in place.
        await self.channels.show(self._driver())

    @property
    def _data_type(self) -> str:
        return "Float32" if self._hardware.frame.image.dtype == np.float32 else "UInt16"

    def _driver(self) -> dict[str, Any]:
        exposing = self._hardware.exposure is not None
        return {
            "cam1:AcquireTime": self._hardware.exposure_s,
            "cam1:AcquireTime_RBV": self._hardware.exposure_s,
            "cam1:ImageMode": MODES[self._mode],
            "cam1:ImageMode_RBV": MODES[self._mode],
            "cam1:NumImages": self._frames,
            "cam1:NumImages_RBV": self._frames,
            "cam1:ArrayCounter_RBV": self._hardware.counter,
            "cam1:DetectorState_RBV": STATES[int(exposing)],
            "image1:DroppedArrays_RBV": self._hardware.dropped,
            "cam1:Acquire_RBV": "Acquire" if exposing else "Done",
            "cam1:Acquire": "Acquire" if exposing else "Done",
            "cam1:AcquireBusy": "Acquiring" if exposing else "Done",
        }

    def _array(self, frame: ServedFrame) -> dict[str, Any]:
        slow, fast = frame.image.shape
        seconds = frame.time_s - EPICS_EPOCH_S
        pixels = frame.image.ravel()
        return {
            # Channel Access has no unsigned 16-bit type; int32 holds the counts unchanged.
            "image1:ArrayData": pixels if pixels.dtype == np.float32 else pixels.astype(np.int32),
            "image1:ArraySize0_RBV": fast,
            "image1:ArraySize1_RBV": slow,
            "image1:TimeStamp_RBV": seconds,
            "image1:EpicsTSSec_RBV": math.floor(seconds),
            "image1:EpicsTSNsec_RBV": math.floor(1e9 * (seconds % 1.0)),
            "image1:UniqueId_RBV": frame.counter,
            "image1:ArrayCounter_RBV": frame.counter,
        }

    def _serve_driver(self) -> None:
        add, values = self.channels.add, self._driver()
        slow, fast = self._hardware.sample.shape
        low, high = self._hardware.sample.exposure_limits_s
        # As DRVL and DRVH of the record say them to clients.
        looks = {"units": "s", "precision": 3, "lower_ctrl_limit": low, "upper_ctrl_limit": high}
        add("cam1:AcquireTime", Double, values["cam1:AcquireTime"], self._set_time, **looks)
        add("cam1:AcquireTime_RBV", Double, values["cam1:AcquireTime"], units="s", precision=3)
        for suffix, put in (("", self._set_mode), ("_RBV", None)):
            add(f"cam1:ImageMode{suffix}", Enum, MODES[0], put, enum_strings=MODES)
        for suffix, set_frames in (("", self._set_frames), ("_RBV", None)):
            add(f"cam1:NumImages{suffix}", Long, 1, set_frames)
        add("cam1:ArrayCounter_RBV", Long, values["cam1:ArrayCounter_RBV"])
        add("cam1:DetectorState_RBV", Enum, STATES[0], enum_strings=STATES)
        acquire: tuple[tuple[str, Put | None], ...] = (("", self._acquire), ("_RBV", None))
        for suffix, put_acquire in acquire:
            add(f"cam1:Acquire{suffix}", Enum, "Done", put_acquire, enum_strings=("Done", "Acquire"))
        add("cam1:AcquireBusy", Enum, "Done", enum_strings=("Done", "Acquiring"))
        for name, number in {"MaxSizeX": fast, "MaxSizeY": slow, "ArraySizeX": fast, "ArraySizeY": slow}.items():
            add(f"cam1:{name}_RBV", Long, number)
        add("cam1:ColorMode_RBV", String, "Mono")
        add("cam1:DataType_RBV", String, self._data_type)
        add("cam1:Manufacturer_RBV", String, "beamgym")
        add("cam1:Model_RBV", String, f"simulated {self._hardware.sample.kind}")

    def _serve_array(self) -> None:
        add, frame = self.channels.add, self._hardware.frame
        values, size = self._array(frame), frame.image.size
        counts = frame.image.dtype == np.float32
        add("image1:ColorMode_RBV", String, "Mono")
        add("image1:ArrayData", Float if counts else Long, values["image1:ArrayData"], max_length=size)
        add("image1:DataType_RBV", String, self._data_type)
        add("image1:NDimensions_RBV", Long, 2)
        add("image1:TimeStamp_RBV", Double, values["image1:TimeStamp_RBV"], precision=3)
        for name in ("ArraySize0", "ArraySize1", "EpicsTSSec", "EpicsTSNsec", "UniqueId", "ArrayCounter"):
            add(f"image1:{name}_RBV", Long, values[f"image1:{name}_RBV"])
        for name in ("DroppedArrays_RBV", "QueueUse"):
            add(f"image1:{name}", Long, 0)
        # areaDetector's way of saying that there is no third dimension.
        add("image1:ArraySize2_RBV", Long, 0)

    async def _acquire(self, value: int) -> None:
        if not value:
            await self._act(self._hardware.abort_exposure)
            return
        # Single, Multiple, Continuous; -1 goes on until it is stopped.
        frames = {0: 1, 1: self._frames, 2: -1}[self._mode]
        await self._act(lambda: self._hardware.expose(frames))
        await self._rest()

    async def _set_time(self, value: float) -> None:
        if not math.isfinite(value):
            raise ValueError(f"AcquireTime is {value}; give seconds")
        low, high = self._hardware.sample.exposure_limits_s
        # Clipped, as real cameras do; AcquireTime_RBV says what was taken.
        self._hardware.exposure_s = min(max(value, low), high)
        await self._act(self._hardware.keep)

    async def _set_mode(self, value: int) -> None:
        self._mode = value
        await self._act(lambda: None)

    async def _set_frames(self, value: int) -> None:
        if value < 1:
            raise ValueError(f"NumImages is {value}; it must be 1 or more")
        self._frames = value
        await self._act(lambda: None)
