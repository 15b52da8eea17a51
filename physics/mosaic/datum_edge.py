"""The datum edge of an outline: its longest straight side, against which the crystal is pushed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array

STRAIGHT_MM = 0.03
"""Corners of an outline that lie this near to a line count as lying on it; a photograph draws a facet no better."""


@dataclass(frozen=True, eq=False)
class DatumEdge:
    """A straight side of a counter-clockwise outline.

    Parameters
    ----------
    start_mm, end_mm : (2,) its ends; the crystal lies to the left on the way from one to the other
    """

    start_mm: Float64Array
    end_mm: Float64Array

    @property
    def length_mm(self) -> float:
        """Its length."""
        return float(np.linalg.norm(self.end_mm - self.start_mm))

    @property
    def angle_deg(self) -> float:
        """Its direction from start to end, counter-clockwise from x, -180 to 180."""
        x, y = self.end_mm - self.start_mm
        return float(np.degrees(np.arctan2(y, x)))

    @property
    def outward(self) -> Float64Array:
        """(2,) unit normal out of the crystal."""
        x, y = (self.end_mm - self.start_mm) / self.length_mm
        return np.array([y, -x])


def datum_edge(polygon_mm: ArrayLike, straight_mm: float = STRAIGHT_MM) -> DatumEdge:
    """Return the longest straight side of an outline.

    Parameters
    ----------
    polygon_mm : (k, 2) corners, counter-clockwise
    straight_mm : how far corners between the ends of a straight side may lie off its line

    Returns
    -------
    the side whose ends are corners and between which all corners lie on one line
    """
    corners = np.asarray(polygon_mm, dtype=np.float64)
    k, best = len(corners), DatumEdge(corners[0], corners[1])
    for i in range(k):
        for n in range(1, k):
            edge = DatumEdge(corners[i], corners[(i + n) % k])
            between = corners[(i + np.arange(1, n)) % k] - corners[i]
            if edge.length_mm == 0.0 or not _straight(between, edge, straight_mm):
                break
            if edge.length_mm > best.length_mm:
                best = edge
    return best


def _straight(between: Float64Array, edge: DatumEdge, straight_mm: float) -> bool:
    along = between @ ((edge.end_mm - edge.start_mm) / edge.length_mm)
    inside = bool(np.all((along >= -straight_mm) & (along <= edge.length_mm + straight_mm)))
    return inside and bool(np.all(np.abs(between @ edge.outward) <= straight_mm))
