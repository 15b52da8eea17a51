"""The emulated shutter and detector as ophyd-async devices."""

import asyncio
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.hardware_bridge.devices import need
from beamgym.hardware_bridge.practice.devices.bench import Bench, PartOfBench
from beamgym.hardware_bridge.practice.simulated import EmulatedHardware

core = need("ophyd_async.core", "hardware")

Format: Any = core.StandardReadableFormat

WORDS = {"open": True, "1": True, "true": True, "closed": False, "close": False, "0": False, "false": False}
"""What a shutter is told, in words."""

BINNED = 4
"""Pixels of a spectrum that are summed in each direction before its contrast is taken."""

BRIGHT = 5.0
"""A pixel belongs to the picture's centroid where it is so many robust standard deviations above the median."""

_MAD = 1.4826  # of a normal distribution: standard deviation over median absolute deviation


class PracticeShutter(PartOfBench):
    """The shutter: 1 is open, 0 is closed; bluesky's Movable and Readable. Its ``dose_s`` counts the sample's beam.

    Parameters
    ----------
    bench : the instrument
    name : of the device
    """

    def __init__(self, bench: Bench, name: str = "") -> None:
        with self.add_children_as_readables(Format.HINTED_UNCACHED_SIGNAL):
            self.status = bench.signal(int, lambda hardware: int(hardware.beam_state.opened))
        with self.add_children_as_readables(Format.UNCACHED_SIGNAL):
            self.dose_s = bench.signal(float, lambda hardware: hardware.dose_s(), "s")
        super().__init__(bench, name)

    def set_name(self, name: str, *, child_name_separator: str | None = None) -> None:
        """Name the device and its children; where the shutter is has the shutter's own name."""
        super().set_name(name, child_name_separator=child_name_separator)
        self.status.set_name(name)

    @core.AsyncStatus.wrap
    async def set(self, value: bool | int | str) -> None:
        """Open it ("open", True, 1) or close it ("closed", False, 0); ValueError for anything else."""
        opened = WORDS.get(str(value).strip().lower())
        if opened is None:
            raise ValueError(f"{self.name}: {value!r} is no place of a shutter; give 'open' or 'closed'")
        if self._bench.mocked:
            core.set_mock_value(self.status, int(opened))
        else:
            with self._bench.hardware() as hardware:
                hardware.command_shutter(opened)


Numbers = Callable[[NDArray[Any]], dict[str, tuple[float, str]]]
"""(frame (slow, fast)) → numbers made of it, each with its unit, by name."""


class PracticeDetector(PartOfBench):
    """Camera or analyser: one exposure a trigger; bluesky's Triggerable, Stoppable and Readable.

    Its readings are the frame, ``image`` (slow, fast), with its ``counter`` and ``time`` (end of the exposure, unix
    seconds), and the numbers made of it, which are plotted. ``acquire_time`` sets the exposure, seconds.

    Parameters
    ----------
    bench : the instrument
    numbers : what is made of a frame
    name : of the device
    """

    def __init__(self, bench: Bench, numbers: Numbers, name: str = "") -> None:
        self._numbers, self._stopped = numbers, False
        self._seen: tuple[Any, dict[str, tuple[float, str]]] = (None, {})
        self.image = bench.signal(np.ndarray, lambda hardware: hardware.frame.image)
        self.counter = bench.signal(int, lambda hardware: hardware.frame.counter)
        self.time = bench.signal(float, lambda hardware: hardware.frame.time_s, "s")
        # In this order, which a with statement of ophyd-async would not keep.
        self.add_readables([self.image, self.counter, self.time], Format.UNCACHED_SIGNAL)
        for key, (_, unit) in bench.ask(self._made_of)().items():
            signal = bench.signal(float, partial(self._number, key), unit)
            setattr(self, key, signal)
            self.add_readables([signal], Format.HINTED_UNCACHED_SIGNAL)
        self.acquire_time = bench.setting(float, lambda hardware: hardware.exposure_s, self._put_exposure, "s")
        self.add_readables([self.acquire_time], Format.CONFIG_SIGNAL)
        super().__init__(bench, name)

    def trigger(self) -> Any:
        """Take a frame; the Status fails with RuntimeError where the exposure was stopped."""
        # Here and not in the coroutine, which begins later: a stop in between belongs to this exposure.
        self._stopped = False
        return core.AsyncStatus(self._expose(), name=self.name)

    async def _expose(self) -> None:
        if self._bench.mocked:
            core.set_mock_value(self.counter, await self.counter.get_value() + 1)
            return
        if not self._stopped:
            with self._bench.hardware() as hardware:
                hardware.expose()
        async for _ in self._bench.until(lambda hardware: hardware.exposure is None):
            await asyncio.sleep(0.0)
        if self._stopped:
            raise RuntimeError(f"{self.name}: the exposure was stopped before its end")

    @core.AsyncStatus.wrap
    async def set_exposure(self, seconds: float) -> None:
        """Set the exposure time."""
        await self.acquire_time.set(float(seconds))

    async def exposure_s(self) -> float:
        """Return the exposure time, seconds."""
        return float(await self.acquire_time.get_value())

    async def exposing(self) -> bool:
        """Return whether it exposes."""
        return False if self._bench.mocked else self._bench.ask(lambda hardware: hardware.exposure is not None)()

    async def stop(self, success: bool = False) -> None:
        """End an exposure under way without its frame."""
        if not self._bench.mocked:
            self._stopped = True
            with self._bench.hardware() as hardware:
                hardware.abort_exposure()

    def _put_exposure(self, hardware: EmulatedHardware, seconds: float) -> None:
        low, high = hardware.sample.exposure_limits_s
        if not (math.isfinite(seconds) and low <= seconds <= high):
            raise ValueError(f"{self.name}: an exposure of {seconds:g} s; give {low:g} to {high:g}")
        hardware.exposure_s = float(seconds)

    def _number(self, name: str, hardware: EmulatedHardware) -> float:
        return self._made_of(hardware)[name][0]

    def _made_of(self, hardware: EmulatedHardware) -> dict[str, tuple[float, str]]:
        """Return what the frame comes to; once for each frame, since every reading asks."""
        frame, found = self._seen
        if frame is not hardware.frame:
            found = self._numbers(hardware.frame.image)
            self._seen = hardware.frame, found
        return found


def camera_numbers(image: NDArray[Any]) -> dict[str, tuple[float, str]]:
    """Return total and peak of a frame (slow, fast), and the centre of its bright pixels; the middle without any."""
    counts = image.astype(np.float64)
    median = float(np.median(counts))
    spread = _MAD * float(np.median(np.abs(counts - median)))
    above = np.where(counts > median + BRIGHT * spread, counts - median, 0.0)
    weight = float(above.sum())
    slow, fast = (0.5 * (size - 1) for size in counts.shape)
    if weight > 0.0:
        slow, fast = ((above.sum(axis=1 - i) @ np.arange(size)) / weight for i, size in enumerate(counts.shape))
    centre = {"centre_fast": (float(fast), "px"), "centre_slow": (float(slow), "px")}
    return {"total": (float(counts.sum()), "counts"), "peak": (float(counts.max()), "counts"), **centre}


def analyser_numbers(image: NDArray[Any]) -> dict[str, tuple[float, str]]:
    """Return the total of a spectrum (energy, slit), and its contrast: the variance that counting does not explain.

    Contrast is that variance, of sums over ``BINNED`` × ``BINNED`` pixels, over their mean squared; 0 of a dark frame.
    """
    rows, columns = (size // BINNED for size in image.shape)
    cut = image[: rows * BINNED, : columns * BINNED].astype(np.float64)
    sums = cut.reshape(rows, BINNED, columns, BINNED).sum(axis=(1, 3))
    mean = float(sums.mean())
    contrast = (float(sums.var()) - mean) / mean**2 if mean > 0.0 else 0.0
    return {"total": (float(image.sum()), "counts"), "contrast": (contrast, "")}
