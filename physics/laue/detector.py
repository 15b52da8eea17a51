"""Flat detectors: the pixel where a ray lands, and the plane normal of a found spot.

Lab frame: x along the beam, z up, the sample at the origin. Pixel centres lie at integers, 0-based; a position's first
number runs along ``fast`` and its second along ``slow``, so that it addresses ``image[slow, fast]``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import BoolArray, Float64Array

_Point = tuple[Fraction, ...]

BEAM = np.array([1.0, 0.0, 0.0])
_ORTHOGONAL = 1e-6  # a direction cosine this far off is a typing error, not a rounding error
_MIN_STAND_OFF_MM = 1e-3
_FARTHEST_MM = 1e6  # beyond a kilometre a unit was mistaken, and rounding would blur the stand-off from the sample
_MOST_PIXELS = 1_000_000  # along an edge
_SQUARE_OVERFLOWS = 1e150


@dataclass(frozen=True, eq=False)
class Detector:
    """A flat panel of square pixels.

    Parameters
    ----------
    origin_mm : (3,) centre of pixel (0, 0) in the lab frame, mm
    fast, slow : (3,) perpendicular directions of growing column and row number, lab frame; scaled to unit length
    pixel_mm : edge of a pixel, mm
    shape : (slow, fast) number of rows and columns
    name : for reports

    Raises
    ------
    ValueError : values not finite, directions not perpendicular, no pixels, a plane through the sample, or a panel
        that lies or reaches farther than 1 km
    """

    origin_mm: Float64Array
    fast: Float64Array
    slow: Float64Array
    pixel_mm: float
    shape: tuple[int, int]
    name: str = "detector"
    normal: Float64Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        origin = _vector(self.origin_mm, "origin_mm")
        if np.abs(origin).max() > _FARTHEST_MM:
            raise ValueError(
                f"origin_mm must lie within {_FARTHEST_MM:g} mm of the sample; found {origin.tolist()}: check its unit"
            )
        fast, slow = _unit(self.fast, "fast"), _unit(self.slow, "slow")
        if abs(fast @ slow) > _ORTHOGONAL:
            raise ValueError(
                f"fast and slow must be perpendicular: their cosine is {fast @ slow:.3g}, not 0; check both"
            )
        if not 0 < self.pixel_mm <= _FARTHEST_MM:
            raise ValueError(f"pixel_mm must be a positive length in mm, not {self.pixel_mm!r}")
        normal = np.cross(fast, slow)
        stand_off = float(origin @ normal)
        if abs(stand_off) < _MIN_STAND_OFF_MM:
            raise ValueError(
                "the detector's plane passes through the sample: move origin_mm along the normal of fast and slow"
            )
        shape = _shape(self.shape)
        if max(shape) * self.pixel_mm > _FARTHEST_MM:
            raise ValueError(
                f"a panel's edge must be shorter than {_FARTHEST_MM:g} mm; found {max(shape)} pixels of "
                f"{self.pixel_mm:g} mm: check the unit of pixel_mm"
            )
        outward = normal * math.copysign(1.0, stand_off)
        for name, value in (("origin_mm", origin), ("fast", fast), ("slow", slow), ("normal", outward)):
            value.flags.writeable = False
            object.__setattr__(self, name, value)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "pixel_mm", float(self.pixel_mm))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Detector):
            return NotImplemented
        return (
            self.shape == other.shape
            and self.pixel_mm == other.pixel_mm
            and all(np.array_equal(getattr(self, k), getattr(other, k)) for k in ("origin_mm", "fast", "slow"))
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.pixel_mm, self.as_vector().tobytes()))

    @property
    def distance_mm(self) -> float:
        """Distance from the sample to the detector's plane, mm."""
        return float(self.origin_mm @ self.normal)

    @property
    def mirrored(self) -> bool:
        """Whether the image is mirrored against the view from the sample."""
        return bool(np.cross(self.fast, self.slow) @ self.normal < 0)

    @property
    def pivot_mm(self) -> Float64Array:
        """(3,) point about which the panel is turned, its centre, lab frame, mm."""
        return self.to_lab_mm([(self.shape[1] - 1) / 2, (self.shape[0] - 1) / 2])

    def placed(self, origin_mm: ArrayLike, fast: ArrayLike, slow: ArrayLike) -> Detector:
        """Return the same panel elsewhere."""
        return Detector(np.asarray(origin_mm), np.asarray(fast), np.asarray(slow), self.pixel_mm, self.shape, self.name)

    def difference_px(self, position_px: ArrayLike, other_px: ArrayLike) -> Float64Array:
        """Return how far positions (..., 2) lie from others, in columns and rows."""
        return np.asarray(position_px, dtype=np.float64) - np.asarray(other_px, dtype=np.float64)

    def facing_mm(self, position_px: ArrayLike) -> Float64Array:
        """Return the distance from the sample to the plane of the panel at positions (..., 2), (...) in mm."""
        return np.full(np.shape(position_px)[:-1], self.distance_mm)

    def as_vector(self) -> Float64Array:
        """Return origin (mm), fast and slow as nine numbers, a row of ``LaueModel.spots(detectors=…)``."""
        return np.concatenate([self.origin_mm, self.fast, self.slow])

    def corners_mm(self) -> Float64Array:
        """Return the (4, 3) outer corners of the panel in the lab frame, mm."""
        last_row, last_column = self.shape[0] - 0.5, self.shape[1] - 0.5
        edges = np.array([[-0.5, -0.5], [last_column, -0.5], [last_column, last_row], [-0.5, last_row]])
        return self.to_lab_mm(edges)

    def to_lab_mm(self, position_px: ArrayLike) -> Float64Array:
        """Turn pixel positions into points of the lab frame.

        Parameters
        ----------
        position_px : (..., 2) along fast and along slow, 0-based

        Returns
        -------
        (..., 3) points in mm
        """
        position = np.asarray(position_px, dtype=np.float64)
        if position.shape[-1:] != (2,):
            raise ValueError(f"positions must have shape (..., 2), fast then slow; found {position.shape}")
        offset = position[..., :1] * self.fast + position[..., 1:] * self.slow
        point: Float64Array = self.origin_mm + self.pixel_mm * offset
        return point

    def to_pixel(self, direction: ArrayLike) -> tuple[Float64Array, BoolArray]:
        """Return the pixels where rays from the sample land.

        Parameters
        ----------
        direction : (..., 3) directions in the lab frame, any length

        Returns
        -------
        position_px : (..., 2) along fast and slow; NaN where the ray never meets the plane
        hit : (...) whether it lands on the panel
        """
        ray = np.asarray(direction, dtype=np.float64)
        towards = ray @ self.normal
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # a ray all but along the plane
            reach = np.where(towards > 0, self.distance_mm / towards, np.nan)
            point = reach[..., None] * ray - self.origin_mm
            position = np.stack([point @ self.fast, point @ self.slow], axis=-1) / self.pixel_mm
        size = np.array([self.shape[1], self.shape[0]], dtype=np.float64)
        hit = np.all((position >= -0.5) & (position < size - 0.5), axis=-1)
        return position, hit

    def directions(self, position_px: ArrayLike) -> Float64Array:
        """Return the unit directions (..., 3) from the sample to pixel positions (..., 2)."""
        point = self.to_lab_mm(position_px)
        unit: Float64Array = point / np.linalg.norm(point, axis=-1, keepdims=True)
        return unit

    def plane_normals(self, position_px: ArrayLike) -> Float64Array:
        """Return the plane normals of spots.

        The scattering vector of a spot bisects the diffracted ray and the reversed beam: q is along uf − x.

        Parameters
        ----------
        position_px : (..., 2) along fast and slow

        Returns
        -------
        (..., 3) unit scattering vectors in the lab frame; their x component is negative
        """
        difference = self.directions(position_px) - BEAM
        length = np.linalg.norm(difference, axis=-1, keepdims=True)
        normals: Float64Array = difference / np.maximum(length, np.finfo(np.float64).tiny)
        return normals

    def sin_theta_range(self) -> tuple[float, float]:
        """Return the smallest and largest sin θ of any ray that lands on the panel, to a few units of the last digit.

        The scattering angle has no extreme inside the panel but where the beam's line meets it; the others lie at a
        corner or at the one turning point of an edge. Points are exact fractions: near the sample a panel's coordinates
        are small differences of large numbers, and 1 − cos 2θ would lose half the digits near the beam.
        """
        corners = self._exact_corners()
        following = corners[1:] + corners[:1]
        turning = [p for a, b in zip(corners, following, strict=True) for p in _turning_point(a, b)]
        two_theta = [_two_theta(point) for point in corners + turning]
        if _surround_the_beam(corners):
            two_theta.append(0.0 if self.normal[0] > 0 else math.pi)
        return math.sin(min(two_theta) / 2), math.sin(max(two_theta) / 2)

    def _exact_corners(self) -> list[_Point]:
        rows, columns = self.shape
        half = Fraction(1, 2)
        edges = [(-half, -half), (columns - half, -half), (columns - half, rows - half), (-half, rows - half)]
        origin, fast, slow = (tuple(map(Fraction, v.tolist())) for v in (self.origin_mm, self.fast, self.slow))
        pixel = Fraction(self.pixel_mm)
        frame = list(zip(origin, fast, slow, strict=True))
        return [tuple(o + pixel * (u * f + v * s) for o, f, s in frame) for u, v in edges]

    def binned(self, factor: int) -> Detector:
        """Return the detector whose pixels are ``factor`` × ``factor`` of this one's."""
        if not isinstance(factor, int | np.integer) or factor < 1 or any(s % factor for s in self.shape):
            raise ValueError(f"a binning must be a whole number that divides {self.shape}; found {factor!r}")
        middle = 0.5 * (factor - 1)
        shape = (self.shape[0] // factor, self.shape[1] // factor)
        origin = self.to_lab_mm([middle, middle])
        return Detector(origin, self.fast, self.slow, self.pixel_mm * factor, shape, self.name)

    def displaced(self, shift_mm: ArrayLike, tilt_deg: ArrayLike) -> Detector:
        """Return the detector moved by (3,) mm and turned about its pivot by a (3,) rotation vector in degrees."""
        from scipy.spatial.transform import Rotation

        turn = Rotation.from_rotvec(np.radians(_vector(tilt_deg, "tilt_deg"))).as_matrix()
        centre = self.pivot_mm
        origin = centre + _vector(shift_mm, "shift_mm") + turn @ (self.origin_mm - centre)
        return self.placed(origin, turn @ self.fast, turn @ self.slow)

    @classmethod
    def facing(
        cls,
        direction: Sequence[float],
        fast: Sequence[float],
        distance_mm: float,
        shape: tuple[int, int],
        pixel_mm: float,
        name: str,
    ) -> Detector:
        """Put a panel's centre ``distance_mm`` along ``direction``, facing the sample and not mirrored."""
        away, along = _unit(direction, "direction"), _unit(fast, "fast")
        if not (math.isfinite(distance_mm) and distance_mm > 0):
            raise ValueError(f"distance_mm must be a positive length in mm, not {distance_mm!r}")
        slow = np.cross(away, along)
        rows, columns = _shape(shape)
        corner = distance_mm * away - 0.5 * pixel_mm * ((columns - 1) * along + (rows - 1) * slow)
        return cls(corner, along, slow, pixel_mm, shape, name)

    @classmethod
    def back_reflection(
        cls, distance_mm: float = 70.0, shape: tuple[int, int] = (2048, 2048), pixel_mm: float = 0.08
    ) -> Detector:
        """Panel upstream of the sample, the beam coming through its centre; as an eye at the sample sees it."""
        return cls.facing((-1, 0, 0), (0, 1, 0), distance_mm, shape, pixel_mm, "back-reflection")

    @classmethod
    def transmission(
        cls, distance_mm: float = 70.0, shape: tuple[int, int] = (2048, 2048), pixel_mm: float = 0.08
    ) -> Detector:
        """Panel downstream of the sample, normal to the beam; as an eye at the sample sees it."""
        return cls.facing((1, 0, 0), (0, -1, 0), distance_mm, shape, pixel_mm, "transmission")

    @classmethod
    def side(cls, distance_mm: float = 70.0, shape: tuple[int, int] = (2048, 2048), pixel_mm: float = 0.08) -> Detector:
        """Panel beside the sample, its normal along +y (2θ = 90° at the centre); as an eye at the sample sees it."""
        return cls.facing((0, 1, 0), (1, 0, 0), distance_mm, shape, pixel_mm, "side")

    @classmethod
    def top(cls, distance_mm: float = 70.0, shape: tuple[int, int] = (2048, 2048), pixel_mm: float = 0.08) -> Detector:
        """Panel above the sample, its normal along +z; columns along −y and rows along +x, as in LaueTools."""
        return cls.facing((0, 0, 1), (0, -1, 0), distance_mm, shape, pixel_mm, "top")


def _vector(value: ArrayLike, name: str) -> Float64Array:
    vector = np.array(value, dtype=np.float64)
    if vector.shape != (3,) or not np.all(np.isfinite(vector)):
        raise ValueError(f"{name} must be three finite numbers; found {np.asarray(value).tolist()}")
    return vector


def _unit(value: ArrayLike, name: str) -> Float64Array:
    vector = _vector(value, name)
    largest = np.abs(vector).max()
    if largest > _SQUARE_OVERFLOWS:
        vector = vector / largest
    length = float(np.linalg.norm(vector))
    if length < 1e-12:
        raise ValueError(f"{name} has no direction: its length is zero")
    unit: Float64Array = vector / length
    return unit


def _shape(value: Sequence[int]) -> tuple[int, int]:
    shape = tuple(value)
    if len(shape) != 2 or any(not 1 <= s <= _MOST_PIXELS or int(s) != s for s in shape):
        raise ValueError(
            f"shape must be (rows, columns) as positive whole numbers, {_MOST_PIXELS} at most; found {value!r}"
        )
    return int(shape[0]), int(shape[1])


def _turning_point(start: _Point, end: _Point) -> list[_Point]:
    """Return the point within an edge where the angle to the beam is stationary, if there is one.

    d/dt of x(t) / |p(t)| with p = start + t·step is zero where step_x (p·p) = x (p·step), which is linear in t.
    """
    step = tuple(b - a for a, b in zip(start, end, strict=True))
    square, along, length = _dot(start, start), _dot(start, step), _dot(step, step)
    numerator = step[0] * square - start[0] * along
    denominator = start[0] * length - step[0] * along
    if denominator == 0 or not 0 < numerator / denominator < 1:
        return []
    share = numerator / denominator
    return [tuple(a + share * d for a, d in zip(start, step, strict=True))]


def _surround_the_beam(corners: list[_Point]) -> bool:
    """Tell whether the beam's line, the x axis, passes within the outline, which then turns one way about it."""
    following = corners[1:] + corners[:1]
    turns = [a[1] * b[2] - a[2] * b[1] for a, b in zip(corners, following, strict=True)]
    return all(turn > 0 for turn in turns) or all(turn < 0 for turn in turns)


def _two_theta(point: _Point) -> float:
    """Return the angle between a point and the beam in radians; accurate at both ends, where its cosine is not."""
    x, y, z = (float(value / max(map(abs, point))) for value in point)
    return math.atan2(math.hypot(y, z), x)


def _dot(a: _Point, b: _Point) -> Fraction:
    return sum((u * v for u, v in zip(a, b, strict=True)), Fraction(0))
