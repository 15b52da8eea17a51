"""Image plates bent to a cylinder, as neutron Laue cameras have them, unrolled into a flat picture when they are read.

A cylinder is described by the flat panel that touches it along its middle column: ``origin_mm``, ``fast`` and ``slow``
are that panel's, columns run around the axis and rows along it. The larger the radius, the more the two are the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.laue.detector import BEAM, Detector

FULL_TURN = 1.1
"""Share of the circumference that columns may cover: a plate may overlap itself a little, and a radius that is being
refined be too small; a ray then lands on the columns nearer to the middle."""
_EDGE_POINTS = 2001  # along an edge; what lies between two of them differs by less than 1e-6 in sin θ


def radius_of(detector: Detector) -> float:
    """Return the radius to which a detector is bent, mm; 0 for a flat one."""
    return detector.radius_mm if isinstance(detector, CylinderDetector) else 0.0


@dataclass(frozen=True, eq=False)
class CylinderDetector(Detector):
    """An image plate bent to a cylinder about the sample, of square pixels.

    Parameters
    ----------
    origin_mm : (3,) where pixel (0, 0) would lie, were the plate unrolled onto the plane that touches its middle
        column; lab frame, mm
    fast : (3,) direction in which columns grow, at the middle column
    slow : (3,) direction in which rows grow: the cylinder's axis
    pixel_mm : edge of a pixel along the plate, mm
    shape : (slow, fast) number of rows, and of columns around
    name : for reports
    radius_mm : radius of the sensitive surface, mm; its axis lies this far inside the middle column

    Raises
    ------
    ValueError : as ``Detector``; a radius that is none, a sample outside the cylinder, or more columns than go around
    """

    radius_mm: float = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (math.isfinite(self.radius_mm) and self.radius_mm > 0):
            raise ValueError(f"radius_mm must be a positive length in mm, not {self.radius_mm!r}")
        object.__setattr__(self, "radius_mm", float(self.radius_mm))
        if self._power_mm2 <= 0:
            raise ValueError(
                f"the sample lies outside a cylinder of {self.radius_mm:g} mm whose axis is "
                f"{math.hypot(*self._axis_mm):.4g} mm away from it: check radius_mm and origin_mm"
            )
        around = self.shape[1] * self.pixel_mm
        if around > 2.0 * math.pi * self.radius_mm * FULL_TURN:
            raise ValueError(
                f"{self.shape[1]} columns of {self.pixel_mm:g} mm are {around:.6g} mm, and the circumference of a "
                f"cylinder of {self.radius_mm:g} mm is {2.0 * math.pi * self.radius_mm:.6g} mm: check radius_mm and "
                "pixel_mm, or crop what overlaps"
            )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CylinderDetector):
            return NotImplemented
        return self.radius_mm == other.radius_mm and super().__eq__(other)

    def __hash__(self) -> int:
        return hash((self.radius_mm, super().__hash__()))

    @property
    def period_px(self) -> float:
        """Columns that would go around once; a place is the same so many columns further."""
        return 2.0 * math.pi * self.radius_mm / self.pixel_mm

    @property
    def pivot_mm(self) -> Float64Array:
        """(3,) middle of the axis, about which the plate is turned, lab frame, mm."""
        pivot: Float64Array = self._touching.pivot_mm - self.radius_mm * self.normal
        return pivot

    def placed(self, origin_mm: ArrayLike, fast: ArrayLike, slow: ArrayLike) -> CylinderDetector:
        """Return the same plate elsewhere, by the panel that touches its middle column."""
        return replace(self, origin_mm=np.asarray(origin_mm), fast=np.asarray(fast), slow=np.asarray(slow))

    def with_radius(self, radius_mm: float) -> CylinderDetector:
        """Return the plate with another radius about the same axis, its middle column in the same direction."""
        further = (radius_mm - self.radius_mm) * self.normal
        return replace(self, origin_mm=self.origin_mm + further, radius_mm=radius_mm)

    def difference_px(self, position_px: ArrayLike, other_px: ArrayLike) -> Float64Array:
        """Return how far positions (..., 2) lie from others in columns and rows, the shorter way around."""
        apart = super().difference_px(position_px, other_px)
        apart[..., 0] -= self.period_px * np.rint(apart[..., 0] / self.period_px)
        return apart

    def to_lab_mm(self, position_px: ArrayLike) -> Float64Array:
        """Turn pixel positions (..., 2), along fast and slow, into points of the lab frame, (..., 3) in mm."""
        position = np.asarray(position_px, dtype=np.float64)
        if position.shape[-1:] != (2,):
            raise ValueError(f"positions must have shape (..., 2), fast then slow; found {position.shape}")
        angle = (position[..., 0] - self._middle) * (self.pixel_mm / self.radius_mm)
        along, drop = self.radius_mm * np.sin(angle), 2.0 * self.radius_mm * np.sin(0.5 * angle) ** 2
        foot = self.origin_mm + self.pixel_mm * self._middle * self.fast
        down = self.pixel_mm * position[..., 1]
        point: Float64Array = (
            foot + along[..., None] * self.fast + down[..., None] * self.slow - drop[..., None] * self.normal
        )
        return point

    def to_pixel(self, direction: ArrayLike) -> tuple[Float64Array, BoolArray]:
        """Return the pixels where rays from the sample land.

        Parameters
        ----------
        direction : (..., 3) directions in the lab frame, any length

        Returns
        -------
        position_px : (..., 2) along fast and slow, columns within half a turn of the middle; NaN along the axis
        hit : (...) whether it lands on the plate
        """
        ray = np.asarray(direction, dtype=np.float64)
        across, outward = ray @ self.fast, ray @ self.normal
        axis_across, axis_outward = self._axis_mm
        square, inner = across**2 + outward**2, across * axis_across + outward * axis_outward
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            root = np.sqrt(inner**2 + square * self._power_mm2)
            # of the two forms of the same root, the one without a difference of nearly equal numbers
            reach = np.where(inner < 0, self._power_mm2 / (root - inner), (root + inner) / square)
            angle = np.arctan2(reach * across - axis_across, reach * outward - axis_outward)
            column = self._middle + angle * (self.radius_mm / self.pixel_mm)
            row = (reach * (ray @ self.slow) - self.origin_mm @ self.slow) / self.pixel_mm
        usable = (square > 0) & np.isfinite(row)
        position = np.where(usable[..., None], np.stack([column, row], axis=-1), np.nan)
        size = np.array([self.shape[1], self.shape[0]], dtype=np.float64)
        with np.errstate(invalid="ignore"):
            hit = np.all((position >= -0.5) & (position < size - 0.5), axis=-1)
        return position, hit

    def facing_mm(self, position_px: ArrayLike) -> Float64Array:
        """Return the distance, (...) mm, from the sample to the planes that touch the plate at positions (..., 2)."""
        angle = (np.asarray(position_px, dtype=np.float64)[..., 0] - self._middle) * (self.pixel_mm / self.radius_mm)
        across, outward = self._axis_mm
        distance: Float64Array = self.radius_mm + across * np.sin(angle) + outward * np.cos(angle)
        return distance

    def corners_mm(self) -> Float64Array:
        """Return (k, 3) points of the plate's edges, its outermost ones among them, lab frame, mm."""
        return self.to_lab_mm(self._edges_px(65))

    def sin_theta_range(self) -> tuple[float, float]:
        """Return the smallest and largest sin θ of any ray that lands on the plate, to 1e-6.

        The scattering angle has no extreme but along the beam, where that meets the plate, and at the edges.
        """
        point = self.to_lab_mm(self._edges_px(_EDGE_POINTS))
        two_theta = np.arctan2(np.hypot(point[:, 1], point[:, 2]), point[:, 0])
        low, high = float(two_theta.min()), float(two_theta.max())
        if self.to_pixel(BEAM)[1]:
            low = 0.0
        if self.to_pixel(-BEAM)[1]:
            high = math.pi
        return math.sin(low / 2), math.sin(high / 2)

    def binned(self, factor: int) -> CylinderDetector:
        """Return the plate whose pixels are ``factor`` × ``factor`` of this one's."""
        flat = self._touching.binned(factor)
        return replace(self, origin_mm=flat.origin_mm, pixel_mm=flat.pixel_mm, shape=flat.shape)

    @classmethod
    def around(
        cls,
        radius_mm: float = 160.0,
        shape: tuple[int, int] = (500, 1250),
        pixel_mm: float = 0.8,
        beam_px: ArrayLike | None = None,
        axis: Sequence[float] = (0.0, 0.0, 1.0),
        seen_from: str = "inside",
        name: str = "cylinder",
    ) -> CylinderDetector:
        """Return a plate whose axis passes through the sample.

        Parameters
        ----------
        radius_mm, shape, pixel_mm : its radius, rows and columns, and the edge of a pixel
        beam_px : column and row, from 0, where the beam that went through the sample would meet it; None for the
            middle. The column may lie outside of the plate, where that is open to the front
        axis : direction of the cylinder's axis, at right angles to the beam; rows grow against it
        seen_from : "inside" for columns that grow to the right for an eye at the sample, "outside" for the other way
        name : for reports

        Raises
        ------
        ValueError : as the class, an axis along the beam, or another word
        """
        if seen_from not in ("inside", "outside"):
            raise ValueError(f'a plate is seen from "inside" or "outside", not {seen_from!r}')
        up = np.asarray(axis, dtype=np.float64)
        across = np.cross(up, BEAM)
        if up.shape != (3,) or not np.linalg.norm(across) > 0.9 * np.linalg.norm(up):
            raise ValueError(f"the cylinder's axis must stand across the beam, as (0, 0, 1) does; found {axis!r}")
        up = up / np.linalg.norm(up)
        across = np.cross(up, BEAM) / np.linalg.norm(np.cross(up, BEAM))
        ahead = np.cross(across, up)  # the beam, less what of it lies along the axis
        right = -across if seen_from == "inside" else across
        rows, columns = shape
        middle = np.array([0.5 * (columns - 1), 0.5 * (rows - 1)])
        beam = middle if beam_px is None else np.asarray(beam_px, dtype=np.float64)
        angle = (middle[0] - beam[0]) * pixel_mm / radius_mm
        normal = math.cos(angle) * ahead + math.sin(angle) * right
        fast = math.cos(angle) * right - math.sin(angle) * ahead
        origin = radius_mm * normal - pixel_mm * (middle[0] * fast - beam[1] * up)
        return cls(origin, fast, -up, pixel_mm, (rows, columns), name, radius_mm=radius_mm)

    @property
    def _middle(self) -> float:
        return 0.5 * (self.shape[1] - 1)

    @property
    def _touching(self) -> Detector:
        return Detector(self.origin_mm, self.fast, self.slow, self.pixel_mm, self.shape, self.name)

    @property
    def _axis_mm(self) -> tuple[float, float]:
        """The axis along the middle column's fast and normal, from the sample, mm."""
        across = float(self.origin_mm @ self.fast) + self.pixel_mm * self._middle
        return across, self.distance_mm - self.radius_mm

    @property
    def _power_mm2(self) -> float:
        """Radius² less the square of the axis' distance, without the difference of two large numbers."""
        across, away = float(self.origin_mm @ self.fast) + self.pixel_mm * self._middle, self.distance_mm
        return away * (2.0 * self.radius_mm - away) - across**2

    def _edges_px(self, number: int) -> Float64Array:
        last_row, last_column = self.shape[0] - 0.5, self.shape[1] - 0.5
        column, row = np.linspace(-0.5, last_column, number), np.linspace(-0.5, last_row, number)
        ends = [np.stack([column, np.full(number, edge)], axis=1) for edge in (-0.5, last_row)]
        ends += [np.stack([np.full(number, edge), row], axis=1) for edge in (-0.5, last_column)]
        return np.concatenate(ends)
