"""The outline of one crystal on its plate."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from shapely.geometry import Polygon
from shapely.validation import explain_validity

from beamgym.physics.arrays import Float64Array

FURTHEST_MM = 1e4
"""A corner that lies further from the plate's origin is a mistake of units."""


@dataclass(frozen=True, eq=False)
class Outline:
    """A crystal seen from above, in the plate's frame.

    Parameters
    ----------
    name : what is engraved beside it, unique on its plate
    polygon_mm : (k, 2) corners in order, mm; kept counter-clockwise, without the first corner again at the end
    thickness_mm : of the crystal; None where nobody measured it
    note : what whoever drew it says of it, as "touches 12"

    Raises
    ------
    ValueError : where a corner lies metres away, fewer than three enclose an area, or the outline crosses itself
    """

    name: str
    polygon_mm: Float64Array
    thickness_mm: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """Check it, and order its corners."""
        if not self.name.strip() or not self.name.isprintable():
            raise ValueError(f"outline {self.name!r}: give it a name in one line of printable letters")
        corners: Any = np.asarray(self.polygon_mm, dtype=np.float64)
        if corners.ndim != 2 or corners.shape[1] != 2 or not np.isfinite(corners).all():
            raise ValueError(f"outline {self.name}: corners are to be finite numbers (k, 2) in mm, not {corners.shape}")
        if corners.size and np.abs(corners).max() > FURTHEST_MM:
            raise ValueError(
                f"outline {self.name}: a corner lies {np.abs(corners).max():.3g} mm away; no plate is larger than "
                f"{FURTHEST_MM:g} mm: check the unit"
            )
        if len(corners) > 1 and np.array_equal(corners[0], corners[-1]):
            corners = corners[:-1]
        if len(np.unique(corners, axis=0)) < 3:
            raise ValueError(f"outline {self.name}: {len(corners)} corners enclose no area; give at least three")
        shape = Polygon(corners)
        if not shape.is_valid:
            raise ValueError(
                f"outline {self.name} crosses itself ({explain_validity(shape)}); draw it anew in one closed line"
            )
        if self.thickness_mm is not None and not self.thickness_mm > 0.0:
            raise ValueError(f"outline {self.name}: a thickness of {self.thickness_mm:g} mm; give one above 0, or none")
        object.__setattr__(self, "polygon_mm", corners if shape.exterior.is_ccw else corners[::-1].copy())

    @property
    def shape(self) -> Polygon:
        """The same as shapely's polygon, mm."""
        return Polygon(self.polygon_mm)

    @property
    def area_mm2(self) -> float:
        """Its area, mm²."""
        return float(self.shape.area)

    @property
    def centre_mm(self) -> Float64Array:
        """(2,) the centroid of its area, mm: every turn and every place is stated for this point."""
        found = self.shape.centroid
        return np.array([found.x, found.y])
