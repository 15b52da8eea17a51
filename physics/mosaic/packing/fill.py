"""Places pieces one after the other as far to one side as they go, by no-fit polygons of their convex hulls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.packing.pieces import Piece
from beamgym.physics.mosaic.packing.plates import HolderPlate

_ROUND = 32
"""Straight pieces of the circle by which corners are grown."""
_CIRCLE = np.column_stack([f(2.0 * np.pi * np.arange(_ROUND) / _ROUND) for f in (np.cos, np.sin)])
_GROWN = 1.0 / np.cos(np.pi / _ROUND)
"""By which a gap is multiplied so that the straight pieces of a grown corner lie outside its circle."""
_SAFE_MM = 3e-4
"""Added to every gap against rounding, also to the four decimals of tables."""

Measure = Callable[[Float64Array, BaseGeometry], Float64Array]
"""How far from the wished side a piece would lie: from its possible places (n, 2) and its turned shape to (n,)."""


@dataclass
class Layout:
    """Pieces that lie on one plate.

    Parameters
    ----------
    plate : the plate
    gap_mm : that they keep
    lying : each piece with its turn in degrees and the place of its centroid, x and y in mm
    """

    plate: HolderPlate
    gap_mm: float
    lying: list[tuple[Piece, float, float, float]] = field(default_factory=list)
    _grown: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Grow the free places."""
        self._grown = [self._grow(shape) for shape in self.plate.obstacles]

    @property
    def mass_mg(self) -> float:
        """Mass of all pieces, mg."""
        return sum(piece.mass_mg for piece, *_ in self.lying)

    @property
    def area_mm2(self) -> float:
        """Area of all pieces, mm²."""
        return sum(piece.area_mm2 for piece, *_ in self.lying)

    def shapes(self) -> list[Polygon]:
        """Return the pieces' polygons where they lie, mm."""
        return [affinity.translate(piece.turned(turn), x, y) for piece, turn, x, y in self.lying]

    def put(self, piece: Piece, turn_deg: float, x_mm: float, y_mm: float) -> None:
        """Lay a piece down, whether it fits or not."""
        self.lying.append((piece, turn_deg, x_mm, y_mm))
        self._grown.append(self._grow(affinity.translate(piece.turned(turn_deg), x_mm, y_mm)))

    def places(self, shape: Polygon) -> Float64Array:
        """Return corners of the region in which a shape's origin may lie, (n, 2) mm; n = 0 where it fits nowhere."""
        corners = np.asarray(shapely.convex_hull(shape).exterior.coords)[:-1]
        inside = shapely.intersection_all([affinity.translate(self.plate.region, *-corner) for corner in corners])
        if not self._grown or inside.is_empty:
            return self._corners(inside)
        around = [np.asarray(hull) for hull in self._grown]
        sums = [(hull[:, None, :] - corners[None, :, :]).reshape(-1, 2) for hull in around]
        of_hull = np.repeat(np.arange(len(sums)), [len(points) for points in sums])
        forbidden = shapely.convex_hull(shapely.multipoints(shapely.points(np.vstack(sums)), indices=of_hull))
        return self._corners(shapely.difference(inside, shapely.union_all(forbidden)))

    def add(self, piece: Piece, measure: Measure) -> bool:
        """Lay a piece down where it lies best by a measure, in the best of its turns; False where it fits nowhere."""
        piece = piece.on(self.plate.back)
        best: tuple[float, float, float, float] | None = None
        for turn in piece.turns_deg:
            shape = piece.turned(turn)
            places = self.places(shape)
            if len(places) == 0:
                continue
            values = measure(places, shape)
            k = int(np.argmin(values))
            if best is None or values[k] < best[0]:
                best = (float(values[k]), turn, float(places[k, 0]), float(places[k, 1]))
        if best is not None:
            self.put(piece, *best[1:])
        return best is not None

    def _corners(self, region: BaseGeometry) -> Float64Array:
        """Return a region's corners; on a circle also its point nearest to the middle, which need not be a corner."""
        found = [shapely.get_coordinates(region)]
        if self.plate.shape == "circle" and not region.is_empty:
            found.append(shapely.get_coordinates(nearest_points(region, Point(0.0, 0.0))[0]))
        return np.asarray(np.vstack(found), dtype=np.float64)

    def _grow(self, shape: BaseGeometry) -> Float64Array:
        corners = np.asarray(shapely.convex_hull(shape).exterior.coords)[:-1]
        # Not shapely's buffer, which drops corners that make less than a hundredth of the distance.
        around = corners[:, None, :] + (self.gap_mm * _GROWN + _SAFE_MM) * _CIRCLE[None, :, :]
        hull: Float64Array = np.asarray(shapely.convex_hull(shapely.multipoints(around.reshape(-1, 2))).exterior.coords)
        return hull[:-1]


def fill(layout: Layout, pieces: Sequence[Piece], measure: Measure) -> list[Piece]:
    """Lay pieces down in their order; return those that fit nowhere."""
    return [piece for piece in pieces if not layout.add(piece, measure)]


def leftmost(places: Float64Array, shape: BaseGeometry) -> Float64Array:
    """Return how far right a piece would reach, (n,) mm, the lower place where two are equal."""
    _, low, right, _ = shape.bounds
    reach: Float64Array = places[:, 0] + right + 1e-3 * (places[:, 1] + low)
    return reach


def innermost(places: Float64Array, shape: BaseGeometry) -> Float64Array:
    """Return how far from the plate's middle a piece would reach, (n,) mm."""
    corners = shapely.get_coordinates(shape)
    found: Float64Array = np.linalg.norm(places[:, None, :] + corners[None, :, :], axis=2).max(axis=1)
    return found
