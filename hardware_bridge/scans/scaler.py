"""A bluesky scaler as the detector of a diffractometer: whatever is triggered and read, one point at a time."""

import inspect
import time
from typing import Any

import numpy as np

from beamgym.hardware_bridge.devices import DeviceError, Readings, frame_keys

_ROW = ("time", "monitor", "detector", "filter")


class ScalerDetector:
    """One scaler, of ophyd, ophyd-async or one's own, that counts for a preset time.

    Parameters
    ----------
    device : a bluesky Triggerable and Readable
    detector, monitor : names of the readings that hold their counts
    seconds : name of the reading of the time that was counted; "" takes what was preset
    factor : name of the reading of the attenuator's factor; "" where there is none
    preset : what is told how long to count: it has ``set(seconds)``; None where the device has ``preset_time`` or
        ``set_exposure``
    points : rows of a frame, as the instrument file's detector.shape has them

    Notes
    -----
    It counts where axes stand, or while one goes from point to point; it makes no sweeps.
    """

    parent = None

    def __init__(
        self,
        device: Any,
        detector: str,
        monitor: str,
        seconds: str = "",
        factor: str = "",
        preset: Any = None,
        points: int = 91,
    ) -> None:
        self.name = str(getattr(device, "name", "scaler"))
        self._device, self._points = device, points
        self._names = dict(zip(_ROW, (seconds, monitor, detector, factor), strict=True))
        self._preset = preset if preset is not None else getattr(device, "preset_time", None)
        self._seconds, self._counted, self._stamp_s = 1.0, 0, time.time()

    def children(self) -> Any:
        """Yield the scaler, whose PVs are looked behind."""
        yield self.name, self._device

    def set_exposure(self, seconds: float) -> Any:
        """Preset a count's seconds; returns the Status of whatever takes them."""
        self._seconds = float(seconds)
        take = getattr(self._preset, "set", None) or getattr(self._device, "set_exposure", None)
        if take is None:
            raise DeviceError(f"{self.name} has no preset_time; hand over what takes the seconds as preset")
        return take(float(seconds))

    def trigger(self) -> Any:
        """Count; returns the scaler's Status."""
        self._counted, self._stamp_s = self._counted + 1, time.time()
        return self._device.trigger()

    async def counter(self) -> int:
        """Return how often it was triggered."""
        return self._counted

    async def stop(self, success: bool = True) -> None:
        """Stop the scaler, where it can be stopped."""
        stop = getattr(self._device, "stop", None)
        ended = None if stop is None else stop()
        if inspect.isawaitable(ended):
            await ended

    async def read(self) -> Readings:
        """Return the frame (points, 4): a row of what was counted.

        Raises
        ------
        DeviceError : a reading that is not there; a table of scans without its monitor is of no use
        """
        found = self._device.read()
        readings = await found if inspect.isawaitable(found) else found
        image = np.zeros((self._points, len(_ROW)))
        image[:, -1] = 1.0
        for i, part in enumerate(_ROW):
            image[0, i] = self._value(readings, part)
        values = {"image": image, "counter": self._counted, "time": self._stamp_s}
        return {f"{self.name}_{key}": {"value": one, "timestamp": time.time()} for key, one in values.items()}

    async def describe(self) -> Readings:
        """Return what ``read`` gives, in bluesky's form."""
        return frame_keys(self.name, f"scaler:{self.name}", (self._points, len(_ROW)))

    def _value(self, readings: Any, part: str) -> float:
        name = self._names[part]
        if not name:
            return self._seconds if part == "time" else 1.0
        if name not in readings:
            has = ", ".join(readings) or "none"
            raise DeviceError(f"{self.name} has no reading {name!r} for its {part} counts; its readings are {has}")
        return float(readings[name]["value"])
