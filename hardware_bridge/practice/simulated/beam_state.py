"""The emulated beam: shutter, dose, camera; what makes frames dark, late or useless."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ONE_FULL_IN = 3
"""One pixel in that many is full in a saturated frame."""

BRIGHTER = 50.0
"""A beam without its attenuator is so many times brighter."""


@dataclass
class BeamState:
    """Shutter and dose.

    Parameters
    ----------
    commanded, opened : what the shutter was told, and how it stands
    dose_s : seconds of beam on the sample up to ``since``
    since : unix time
    """

    commanded: bool = False
    opened: bool = False
    dose_s: float = 0.0
    since: float = 0.0

    def dose_at(self, now: float, lit: bool, pace: float) -> float:
        """Return the dose at a unix time, if the beam has been on or off since and time ran at a pace."""
        # Computed from the last change, so that no process has to count while the beam is on.
        return self.dose_s + (pace * max(now - self.since, 0.0) if lit else 0.0)

    def count(self, now: float, lit: bool, pace: float) -> None:
        """Add up the dose to a unix time."""
        self.dose_s, self.since = self.dose_at(now, lit, pace), now


@dataclass
class Exposure:
    """One exposure under way.

    Parameters
    ----------
    seconds : its length as the instrument counts it
    until : unix time at which its frame is read out; infinite for a hung camera
    left : frames still to follow; -1 goes on until stopped
    """

    seconds: float
    until: float
    left: int = 0

    @property
    def hung(self) -> bool:
        """Whether it never ends."""
        return math.isinf(self.until)


@dataclass(frozen=True)
class ServedFrame:
    """What the camera serves.

    Parameters
    ----------
    image : (slow, fast) uint16 or float32
    counter : frames so far
    time_s : unix time of its end
    """

    image: NDArray[Any]
    counter: int
    time_s: float


def _saturated(image: NDArray[Any]) -> NDArray[Any]:
    """Return a frame with full pixels, every third."""
    full = np.iinfo(np.uint16).max
    # The true frame is shown again when the fault is cleared.
    spoilt = image.copy()
    spoilt.reshape(-1)[::ONE_FULL_IN] = full
    return spoilt


def _bright(image: NDArray[Any]) -> NDArray[Any]:
    """Return a frame of a beam that no attenuator weakens."""
    largest = np.iinfo(image.dtype).max if image.dtype.kind == "u" else math.inf
    return np.minimum(image.astype(np.float64) * BRIGHTER, largest).astype(image.dtype)


def _blank(image: NDArray[Any]) -> NDArray[Any]:
    """Return a frame that shows the same everywhere: the darkest pixel of the true one."""
    return np.full_like(image, image.min())


def _cropped(image: NDArray[Any]) -> NDArray[Any]:
    """Return the upper half of a frame."""
    return image[: len(image) // 2].copy()


SPOILERS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "bright_beam": _bright,
    "saturated_frame": _saturated,
    "blank_frame": _blank,
    "wrong_shape": _cropped,
}
"""What faults of these names make of a frame."""
