"""Outlines of n plates as arrays: how far each crystal reaches from its middle, direction by direction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beamgym.physics.instrument import BoolArray, Float64Array
from beamgym.physics.mosaic.outline import Outline

DIRECTIONS = 24
"""In which the reach is kept; between them it is taken as linear in the angle."""
_ANGLES = 2.0 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS


@dataclass(frozen=True)
class OutlineTable:
    """What everybody sees of n plates of up to m crystals.

    Parameters
    ----------
    centre_mm : (n, m, 2) middles
    reach_mm : (n, m, 24) from the middle to the outline, counter-clockwise from the plate's x; 0 where no crystal is
    thickness_mm : (n, m); 1 where nobody has measured it
    """

    centre_mm: Float64Array
    reach_mm: Float64Array
    thickness_mm: Float64Array

    @classmethod
    def blank(cls, n: int, m: int) -> "OutlineTable":
        """Return the table of n plates without crystals."""
        return cls(np.zeros((n, m, 2)), np.zeros((n, m, DIRECTIONS)), np.ones((n, m)))

    @classmethod
    def of(cls, plates: Sequence[Sequence[Outline]], m: int) -> "OutlineTable":
        """Return the table of given outlines, m rows a plate."""
        table = cls.blank(len(plates), m)
        for row, outlines in enumerate(plates):
            for k, outline in enumerate(outlines):
                table.centre_mm[row, k], table.reach_mm[row, k] = reach_of(outline)
                table.thickness_mm[row, k] = outline.thickness_mm or 1.0
        return table

    @property
    def present(self) -> BoolArray:
        """(n, m) whether a row is a crystal."""
        there: BoolArray = self.reach_mm[..., 0] > 0.0
        return there

    @property
    def area_mm2(self) -> Float64Array:
        """(n, m) by triangles between the directions."""
        nxt = np.roll(self.reach_mm, -1, axis=2)
        area: Float64Array = 0.5 * np.sin(2.0 * np.pi / DIRECTIONS) * (self.reach_mm * nxt).sum(axis=2)
        return area

    @property
    def mass_share(self) -> Float64Array:
        """(n, m) share of the plate's mass, by area and thickness."""
        mass = self.area_mm2 * self.thickness_mm
        share: Float64Array = mass / np.maximum(mass.sum(axis=1, keepdims=True), 1e-12)
        return share

    def merged(self, other: "OutlineTable", mask: BoolArray) -> "OutlineTable":
        """Return this table with some rows (n,) of another."""
        return OutlineTable(
            np.where(mask[:, None, None], other.centre_mm, self.centre_mm),
            np.where(mask[:, None, None], other.reach_mm, self.reach_mm),
            np.where(mask[:, None], other.thickness_mm, self.thickness_mm),
        )

    def place(self, crystal: np.ndarray, pointed: Float64Array, inset_mm: float) -> Float64Array:
        """Return places (n, 2), mm, on one crystal of each plate.

        Parameters
        ----------
        crystal : (n,) which
        pointed : (n, 2) 0 is the middle, length 1 as far out as the beam fits, and further it never goes
        inset_mm : by which the place stays inside the outline
        """
        rows = np.arange(len(crystal))
        length = np.hypot(pointed[:, 0], pointed[:, 1])
        reach = reach_at(self.reach_mm[rows, crystal], np.arctan2(pointed[:, 1], pointed[:, 0]))
        out = np.minimum(length, 1.0) * np.maximum(reach - inset_mm, 0.0) / np.maximum(length, 1e-12)
        places: Float64Array = self.centre_mm[rows, crystal] + out[:, None] * pointed
        return places


def reach_at(reach_mm: Float64Array, angle: Float64Array) -> Float64Array:
    """Return how far outlines reach (..., q) in any directions, of reaches (..., 24) and angles (..., q) in radians."""
    at = np.mod(angle, 2.0 * np.pi) * (DIRECTIONS / (2.0 * np.pi))
    low = np.minimum(at.astype(np.int64), DIRECTIONS - 1)
    share = at - low
    single = angle.ndim < reach_mm.ndim
    low, share = (low[..., None], share[..., None]) if single else (low, share)
    near = np.take_along_axis(reach_mm, low, axis=-1)
    far = np.take_along_axis(reach_mm, (low + 1) % DIRECTIONS, axis=-1)
    found: Float64Array = near + share * (far - near)
    return found[..., 0] if single else found


def reach_of(outline: Outline) -> tuple[Float64Array, Float64Array]:
    """Return an outline's middle (2,) and its reach (24,), mm; a concave one's is the first way out."""
    from shapely.geometry import Point

    centre, shape = outline.centre_mm, outline.shape
    if not shape.contains(Point(*centre)):
        inside = shape.representative_point()
        centre = np.array([inside.x, inside.y])
    begin = outline.polygon_mm - centre
    edge = np.roll(begin, -1, axis=0) - begin
    ray = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
    cross = ray[:, None, 0] * edge[None, :, 1] - ray[:, None, 1] * edge[None, :, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        far = (begin[:, 0] * edge[:, 1] - begin[:, 1] * edge[:, 0])[None] / cross
        along = (begin[None, :, 0] * ray[:, None, 1] - begin[None, :, 1] * ray[:, None, 0]) / cross
    hits = (np.abs(cross) > 1e-12) & (far > 0.0) & (along >= -1e-9) & (along <= 1.0 + 1e-9)
    reach: Float64Array = np.where(hits, far, np.inf).min(axis=1)
    return centre, reach
