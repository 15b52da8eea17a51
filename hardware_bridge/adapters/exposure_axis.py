"""The exposure-time axis: an axis that sets the detector's exposure, such as the dwell of an ARPES analyser."""

import inspect
import math
from typing import Any

from beamgym.hardware_bridge.devices import Readings, number_key, number_reading


class ExposureAxis:
    """Sets the detector's exposure as if it were a motor.

    Parameters
    ----------
    name : the axis's name
    detector : has ``set_exposure(seconds) -> Status``; ``exposure_s()`` is read back where it exists
    low_s, high_s : shortest and longest exposure, seconds

    Raises
    ------
    TypeError : a detector without ``set_exposure``
    """

    parent = None

    def __init__(self, name: str, detector: Any, low_s: float, high_s: float) -> None:
        if not callable(getattr(detector, "set_exposure", None)):
            raise TypeError(
                f"axis {name!r} is the exposure of a detector without set_exposure(seconds); add that method"
            )
        self.name = name
        self._detector = detector
        self._limits_s = (low_s, high_s)
        self._last_s = math.nan

    def set(self, value: float) -> Any:
        """Set the exposure, seconds; returns the detector's Status."""
        low, high = self._limits_s
        # The detector may round silently; a target outside its range must not become another one.
        if not low <= value <= high:
            raise ValueError(f"{self.name} goes from {low:g} to {high:g} s, not to {value!r}")
        status = self._detector.set_exposure(float(value))
        # After the call: a camera that refuses has kept its old time.
        self._last_s = float(value)
        return status

    async def read(self) -> Readings:
        """Return the detector's exposure, seconds; what was last set where it cannot be asked, NaN before that."""
        asked = getattr(self._detector, "exposure_s", None)
        # The camera's own word where it has one: somebody may have set it at its screen.
        found = asked() if callable(asked) else self._last_s
        return number_reading(self.name, await found if inspect.isawaitable(found) else found)

    async def describe(self) -> Readings:
        """Return what ``read`` gives, in bluesky's form."""
        return number_key(self.name, "detector exposure", "s")

    async def motor_limits(self) -> tuple[float, float] | None:
        """Return the shortest and the longest exposure, seconds."""
        return self._limits_s

    async def moving(self) -> bool:
        """Say False: an exposure time does not travel."""
        return False

    async def stop(self, success: bool = True) -> None:
        """Do nothing: an exposure time does not travel, and the exposure under way is the detector's."""
