"""The beam's spot on the plate, and what of each crystal it lights."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from shapely.geometry import Polygon

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.plate.crystals import PlateCrystal, SimulatedPlate

_CORNERS = 24


@lru_cache(maxsize=32)
def _disc(diameter_mm: float) -> Float64Array:
    """Return the corners (k, 2) of a polygon of the disc's area."""
    angle = 2.0 * np.pi * np.arange(_CORNERS) / _CORNERS
    radius = 0.5 * diameter_mm * np.sqrt(2.0 * np.pi / (_CORNERS * np.sin(2.0 * np.pi / _CORNERS)))
    corners: Float64Array = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return corners


@dataclass(frozen=True, eq=False)
class Lit:
    """What one spot lights.

    Parameters
    ----------
    crystals : those under it
    shares : for each, (g,) shares of the beam that fall on its grains
    """

    crystals: tuple[PlateCrystal, ...]
    shares: tuple[Float64Array, ...]

    @property
    def on_crystal(self) -> float:
        """Share of the beam that falls on any crystal."""
        return float(sum(share.sum() for share in self.shares))


class Footprint:
    """A round, even beam on a plate.

    Parameters
    ----------
    plate : with its truth
    diameter_mm : of the beam on the plate
    """

    def __init__(self, plate: SimulatedPlate, diameter_mm: float) -> None:
        self.plate, self.diameter_mm = plate, diameter_mm
        corners = [crystal.outline.polygon_mm for crystal in plate.crystals]
        self._low = np.array([shape.min(axis=0) for shape in corners]).reshape(-1, 2)
        self._high = np.array([shape.max(axis=0) for shape in corners]).reshape(-1, 2)

    def near(self, point_mm: Float64Array) -> tuple[PlateCrystal, ...]:
        """Return the crystals, and empty places, whose bounding box the beam touches."""
        radius = 0.51 * self.diameter_mm
        touched = ((self._low <= point_mm + radius) & (self._high >= point_mm - radius)).all(axis=1)
        return tuple(self.plate.crystals[number] for number in np.flatnonzero(touched))

    def at(self, point_mm: Float64Array) -> Lit:
        """Return what the beam lights at a point (2,) of the plate."""
        spot = Polygon(_disc(self.diameter_mm) + point_mm)
        crystals, shares = [], []
        for crystal in self.near(point_mm):
            area = crystal.areas(spot) / spot.area
            if area.any():
                crystals.append(crystal)
                shares.append(area)
        return Lit(tuple(crystals), tuple(shares))
