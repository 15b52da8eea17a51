"""From the words that an instrument has for its cylindrical image plate to a detector in the lab frame."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.stated_camera.words import from_words

AXES: Mapping[str, tuple[float, float, float]] = {"vertical": (0.0, 0.0, 1.0), "horizontal": (0.0, 1.0, 0.0)}
"""Directions of a cylinder's axis: up, or to the left for an eye that looks along the beam."""
SIDES = ("inside", "outside", "unknown")
MIDDLES = ("forward", "back", "unknown")
LEAST_MM, MOST_MM = 10.0, 5000.0
"""Radii that image plates have; a number outside is one in another unit."""


@dataclass(frozen=True)
class StatedCylinder:
    """An image plate bent to a cylinder about the sample, in its instrument's words.

    Parameters
    ----------
    radius_mm : of the sensitive surface, mm
    pixel_mm : edge of a pixel along the plate, mm
    beam_px : column and row, from 0, where the beam that went through the sample meets the plate, or would; None where
        that is not known
    middle : where the picture's middle column lies: "forward" (that beam meets it), "back" or "unknown". It counts
        where ``beam_px`` is None
    seen_from : "inside" for a picture as an eye at the sample sees it, "outside" for its mirror image; "unknown" is
        indexed as "inside", and only a known turn tells
    unrolled : "columns" where the picture's columns run around; "rows" where its rows do: it is then mirrored about its
        diagonal, rows for columns, before anything else is done with it
    axis : "vertical" or "horizontal"; rows grow downwards, or to the right for an eye that looks along the beam
    shape : (rows, columns) of the picture; None where the picture will say
    place : "cylinder"

    Raises
    ------
    ValueError : an unknown word, or a length that no plate has
    """

    radius_mm: float
    pixel_mm: float
    beam_px: tuple[float, float] | None = None
    middle: str = "unknown"
    seen_from: str = "unknown"
    unrolled: str = "columns"
    axis: str = "vertical"
    shape: tuple[int, int] | None = None
    place: str = "cylinder"

    def __post_init__(self) -> None:
        for name, known in (
            ("axis", tuple(AXES)),
            ("seen_from", SIDES),
            ("middle", MIDDLES),
            ("place", ("cylinder",)),
            ("unrolled", ("columns", "rows")),
        ):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is one of {', '.join(known)}; found {getattr(self, name)!r}")
        if not (_is_number(self.radius_mm) and LEAST_MM <= self.radius_mm <= MOST_MM):
            raise ValueError(f"radius_mm must lie within {LEAST_MM:g} to {MOST_MM:g} mm; found {self.radius_mm!r}")
        if not (_is_number(self.pixel_mm) and 0.0 < self.pixel_mm <= 0.1 * self.radius_mm):
            raise ValueError(
                f"pixel_mm must be a length in mm, above 0 and far below the radius; 100 µm are 0.1; found "
                f"{self.pixel_mm!r}"
            )
        for name, what in (("beam_px", "column and row of the beam"), ("shape", "rows and columns")):
            value = getattr(self, name)
            if value is not None:
                if isinstance(value, str) or len(value) != 2 or not all(_is_number(number) for number in value):
                    raise ValueError(f"{name} must be two numbers, {what}; found {value!r}")
                object.__setattr__(self, name, tuple(value))

    def detector(self, shape: tuple[int, int] | None = None) -> CylinderDetector:
        """Return the plate in the lab frame; where its place is not known, the likeliest one.

        Parameters
        ----------
        shape : (rows, columns) of the picture as it is used, where the words do not state them

        Raises
        ------
        ValueError : no shape, or another one than is stated; more columns than go around
        """
        return self.detectors(shape)[0]

    def detectors(self, shape: tuple[int, int] | None = None) -> tuple[CylinderDetector, ...]:
        """Return every plate that the words allow, the likeliest first; see ``detector``."""
        size = self._agreed(shape)
        middle = (0.5 * (size[1] - 1), 0.5 * (size[0] - 1))
        half = math.pi * self.radius_mm / self.pixel_mm
        ways = {"forward": middle, "back": (middle[0] + half, middle[1])}
        beams = (
            [self.beam_px]
            if self.beam_px is not None
            else [ways[one] for one in ways if self.middle in (one, "unknown")]
        )
        side = "outside" if self.seen_from == "outside" else "inside"
        return tuple(
            CylinderDetector.around(self.radius_mm, size, self.pixel_mm, beam, AXES[self.axis], side) for beam in beams
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the words as they stand in a file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "StatedCylinder":
        """Return the plate of a file's words.

        Raises
        ------
        ValueError : an unknown or missing key, or a value that none can have
        """
        return from_words(cls, values, 2)

    def _agreed(self, shape: tuple[int, int] | None) -> tuple[int, int]:
        stated = None if self.shape is None else (int(self.shape[0]), int(self.shape[1]))
        if stated is not None and self.unrolled == "rows":
            stated = stated[::-1]
        if shape is None and stated is None:
            raise ValueError("the plate does not say how many rows and columns its pictures have: give shape")
        if shape is not None and stated is not None and tuple(shape) != stated:
            raise ValueError(
                f"the plate is stated for pictures of {stated[0]} rows and {stated[1]} columns, this one has "
                f"{shape[0]} and {shape[1]}: state it for this picture"
            )
        return shape or stated or (0, 0)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
