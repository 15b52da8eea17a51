"""The protocol of an instrument, real or simulated: all that a task may ask of it.

Everything is batch-first: a simulated instrument holds n samples, a real one n = 1. A mask selects the rows that act;
the others neither move nor expose.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arrays import BoolArray as BoolArray
from beamgym.physics.arrays import Float32Array as Float32Array
from beamgym.physics.arrays import Float64Array as Float64Array
from beamgym.physics.arrays import Int64Array as Int64Array
from beamgym.physics.arrays import UInt64Array as UInt64Array


class MoveFailed(RuntimeError):
    """A motor did not arrive, or its target is out of reach."""


class FrameFailed(ValueError):
    """A frame that cannot be used: wrong shape, not finite, too saturated or stale."""


@dataclass(frozen=True)
class Axis:
    """One motor of an instrument.

    Parameters
    ----------
    name : the motor's name, unique in its instrument
    kind : "rotation" (positions in degrees) or "linear" (positions in mm)
    vector : (3,) unit direction in the lab frame when every axis stands at zero
    sign : +1 for right-handed motion about the vector, -1 for left-handed
    zero : position at which the axis does not act
    limits : lowest and highest position
    step : smallest increment the motor can make; 0 for a continuous one
    speed : degrees or mm per second
    settle_s : wait after every move, seconds
    backlash : lost motion when the direction reverses, same unit as the position
    point_mm : (3,) a point on the axis in the lab frame, mm; matters only where the axis also carries the sample about
    """

    name: str
    vector: tuple[float, float, float]
    kind: Literal["rotation", "linear"] = "rotation"
    sign: int = 1
    zero: float = 0.0
    limits: tuple[float, float] = (-180.0, 180.0)
    step: float = 0.0
    speed: float = 2.0
    settle_s: float = 0.0
    backlash: float = 0.0
    point_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Peaks:
    """Found peaks of n frames, padded to the same length, brightest first.

    Parameters
    ----------
    position_px : (n, p, 2) float32, [..., 0] along the fast, [..., 1] along the slow direction, 0-based
    intensity : (n, p) float32, background-subtracted sum
    count : (n,) int64, how many of the p rows are real
    saturated : (n, p) bool, the spot holds saturated pixels
    """

    position_px: Float32Array
    intensity: Float32Array
    count: Int64Array
    saturated: BoolArray

    @property
    def mask(self) -> BoolArray:
        """(n, p) True where a row is a peak."""
        present: BoolArray = np.arange(self.intensity.shape[1])[None, :] < self.count[:, None]
        return present


@dataclass(frozen=True)
class Frame:
    """The result of one exposure, for each of n samples.

    It holds an image, or the list of peaks found, or both; ``peaks()`` gives the list either way.

    Parameters
    ----------
    exposure_s : (n,) exposure, seconds
    counter : (n,) frames taken since the instrument started
    time_s : (n,) instrument time at the end of the exposure, seconds
    image : (n, slow, fast) counts, or None
    found : the peaks, where the instrument gives them itself
    finder : turns the image into peaks, where it does not
    """

    exposure_s: Float64Array
    counter: Int64Array
    time_s: Float64Array
    image: NDArray[Any] | None = None
    found: Peaks | None = None
    finder: Callable[[NDArray[Any]], Peaks] | None = None

    def peaks(self) -> Peaks:
        """Return the found peaks, running the peak finder on the image where that is needed."""
        if self.found is not None:
            return self.found
        if self.image is None or self.finder is None:
            raise FrameFailed(
                "this frame holds neither peaks nor an image with a peak finder; give the instrument a finder"
            )
        return self.finder(self.image)


@dataclass(frozen=True)
class MoveReport:
    """The outcome of a move.

    Parameters
    ----------
    readback : (n, k) positions read after the move
    duration_s : (n,) time the motors took, settling included; 0 where the mask was False
    """

    readback: Float64Array
    duration_s: Float64Array


@dataclass(frozen=True)
class AcquireSettings:
    """How to expose: ``exposure_s`` in seconds, one number for all samples, or (n,) where the instrument takes that."""

    exposure_s: float | Float64Array = 10.0
    extra: Mapping[str, float] = field(default_factory=dict)

    def of_each(self, n: int) -> Float64Array:
        """Return the exposures of n samples, (n,) seconds, as an array of their own."""
        return np.broadcast_to(np.asarray(self.exposure_s, dtype=np.float64), (n,)).copy()

    @property
    def of_all(self) -> float:
        """The one exposure of all samples, seconds; raises ValueError where they differ."""
        seconds = np.unique(self.exposure_s)
        if len(seconds) != 1:
            raise ValueError("this instrument exposes all samples equally long; give one exposure_s")
        return float(seconds[0])


@runtime_checkable
class Instrument(Protocol):
    """Moves named axes and takes frames; ``context`` is what it publicly knows about itself and the sample."""

    @property
    def n(self) -> int:
        """Number of samples; 1 for a real instrument."""
        ...

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Its motors."""
        ...

    @property
    def context(self) -> Any:
        """What is public about it."""
        ...

    def positions(self) -> Float64Array:
        """Return the readback of every axis, (n, k)."""
        ...

    def move(self, target: Float64Array, mask: BoolArray) -> MoveReport:
        """Move to absolute positions (n, k) where ``mask`` (n,) is True; raises MoveFailed, never clips."""
        ...

    def acquire(self, settings: AcquireSettings, mask: BoolArray) -> Frame:
        """Take one frame where ``mask`` (n,) is True; the other rows repeat their last frame."""
        ...


@runtime_checkable
class World(Instrument, Protocol):
    """A simulated instrument: it can be put into a new state, and knows the truth."""

    def reset(self, keys: UInt64Array, mask: BoolArray) -> None:
        """Draw a new sample and home the motors, from the keys (n,), where ``mask`` is True."""
        ...

    def truth(self) -> Mapping[str, NDArray[Any]]:
        """Return the simulation's hidden state, such as the true orientation; batch dimension first."""
        ...


@runtime_checkable
class PlaceableWorld(World, Protocol):
    """A World whose ``reset`` takes more keywords, named in ``start_options``: where sample and motors are to begin."""

    @property
    def start_options(self) -> tuple[str, ...]:
        """The keywords' names."""
        ...

    def reset(self, keys: UInt64Array, mask: BoolArray, **start: Any) -> None:
        """Reset as a World does, with what ``start`` gives; raises ValueError, and changes nothing, if it is wrong."""
        ...
