"""From the words that a person has for a hand-turned camera to a detector in the lab frame."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.stated_camera.flips import FLIPS
from beamgym.physics.laue.stated_camera.words import from_words

PLACES: Mapping[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "back-reflection": ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    "transmission": ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
    "side": ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
}
"""Every place's direction from the sample to the panel, and the direction to the right for an eye at the sample."""
MM_PER_INCH = 25.4
LARGEST_PIXEL_MM = 5.0
"""No camera or scan has coarser pixels; a larger number is one in micrometres."""
QUARTER_TURNS = (0, 90, 180, 270)


@dataclass(frozen=True)
class StatedCamera:
    """A flat panel or film, straight to the beam, in its user's words.

    Parameters
    ----------
    place : "back-reflection" (the beam comes through it), "transmission" (behind the sample) or "side" (at the left of
        the beam, 2θ = 90° at its centre)
    distance_mm : from the sample to the panel's plane, mm
    pixel_mm : edge of a pixel of the picture, mm
    center_px : column and row, from 0, where the beam's line meets the panel (side: the panel's point nearest to the
        sample); None is the picture's middle
    shape : (rows, columns) of the picture; None where the picture will say
    flip : "none" for a picture as an eye at the sample sees it; "horizontal" where left and right are exchanged, as
        in a film seen from behind; "vertical" where top and bottom are
    rotate_deg : by how much the picture is turned clockwise: 0, 90, 180 or 270; it is flipped after that

    Raises
    ------
    ValueError : an unknown word, or a length that no camera has
    """

    place: str
    distance_mm: float
    pixel_mm: float
    center_px: tuple[float, float] | None = None
    shape: tuple[int, int] | None = None
    flip: str = "none"
    rotate_deg: int = 0

    def __post_init__(self) -> None:
        _one_of(self.place, tuple(PLACES), "a camera's place")
        _one_of(self.flip, FLIPS, "a flip")
        if self.rotate_deg not in QUARTER_TURNS:
            raise ValueError(f"a picture is turned by 0, 90, 180 or 270 degrees, not by {self.rotate_deg!r}")
        for name, largest, hint in (
            ("distance_mm", math.inf, "a length in mm"),
            ("pixel_mm", LARGEST_PIXEL_MM, f"a length in mm, {LARGEST_PIXEL_MM:g} at most; 100 µm are 0.1"),
        ):
            value = getattr(self, name)
            if not _is_number(value) or not 0.0 < value <= largest or not math.isfinite(value):
                raise ValueError(f"{name} must be {hint}, above 0; found {value!r}")
        for name, what in (("center_px", "column and row of the centre"), ("shape", "rows and columns")):
            value = getattr(self, name)
            if value is not None:
                if isinstance(value, str) or len(value) != 2 or not all(_is_number(number) for number in value):
                    raise ValueError(f"{name} must be two numbers, {what}; found {value!r}")
                object.__setattr__(self, name, tuple(value))

    def detector(self, shape: tuple[int, int] | None = None) -> Detector:
        """Return the panel in the lab frame.

        Parameters
        ----------
        shape : (rows, columns) of the picture, where the camera does not state them

        Raises
        ------
        ValueError : no shape, or another one than is stated: the picture was binned, cropped or turned
        """
        size = self._agreed(shape)
        away, fast, slow = self._frame()
        column, row = self.center_px if self.center_px is not None else ((size[1] - 1) / 2, (size[0] - 1) / 2)
        origin = self.distance_mm * away - self.pixel_mm * (column * fast + row * slow)
        return Detector(origin, fast, slow, self.pixel_mm, size, self.place)

    def as_dict(self) -> dict[str, Any]:
        """Return the words as they stand in a camera.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "StatedCamera":
        """Return the camera of a camera.json's words.

        Raises
        ------
        ValueError : an unknown or missing key, or a value that none can have
        """
        return from_words(cls, values, 3)

    def _frame(self) -> tuple[Float64Array, Float64Array, Float64Array]:
        """Return the direction to the panel, and those in which the picture's columns and rows grow."""
        away, right = (np.array(vector) for vector in PLACES[self.place])
        down = np.cross(away, right)
        turns = {0: (right, down), 90: (-down, right), 180: (-right, -down), 270: (down, -right)}
        fast, slow = turns[self.rotate_deg]
        return away, -fast if self.flip == "horizontal" else fast, -slow if self.flip == "vertical" else slow

    def _agreed(self, shape: tuple[int, int] | None) -> tuple[int, int]:
        if shape is None and self.shape is None:
            raise ValueError("the camera does not say how many rows and columns its pictures have: give shape")
        if shape is not None and self.shape is not None and tuple(shape) != self.shape:
            raise ValueError(
                f"the camera is stated for pictures of {self.shape[0]} rows and {self.shape[1]} columns, this one has "
                f"{shape[0]} and {shape[1]}: state the camera for it"
            )
        rows, columns = shape if shape is not None else self.shape or (0, 0)
        return rows, columns


def pixel_of_dpi(dpi: float) -> float:
    """Return the edge of a pixel in mm of a scan with so many dots per inch.

    Raises
    ------
    ValueError : a number that no scanner has
    """
    if not 10.0 <= dpi <= 20000.0:
        raise ValueError(f"a scan has 10 to 20000 dots per inch, not {dpi:g}")
    return MM_PER_INCH / dpi


def _one_of(word: Any, known: tuple[str, ...], what: str) -> None:
    if word not in known:
        raise ValueError(f"{what} is one of {', '.join(known)}; found {word!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
