"""How the sample's shape weighs its spots: a bulk crystal, a polished slab or a plate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.pattern.lists import NO_SLAB, PLATE, THICK_SLAB


@dataclass(frozen=True, eq=False)
class Slab:
    """A crystal with a flat face.

    The face turns with the crystal: it is a plane of it, ``crystal.plane_normal(hkl)`` for a cut along (hkl). The beam
    enters by whichever of the two faces it meets. Rays that would have to cross a thick crystal are lost.

    Parameters
    ----------
    normal : (3,) normal of the face in the crystal's Cartesian frame, any length
    thickness_mm : None for a crystal thicker than the beam reaches, else the plate's thickness in mm
    whole_footprint : the whole beam lies on the crystal; else the crystal is smaller than the beam's footprint

    Notes
    -----
    Thick: A = 1/[µ (1/sin a + 1/sin b)], times 1/sin a where the whole footprint lies on the crystal (International
    Tables C, 6.3.3); a plate has the finite integral, and in transmission
    exp(−µt/sin b) (1 − exp(−µt (1/sin a − 1/sin b))) / (µ (1/sin a − 1/sin b)).
    """

    normal: ArrayLike
    thickness_mm: float | None = None
    whole_footprint: bool = True

    def __post_init__(self) -> None:
        normal = np.array(self.normal, dtype=np.float64)
        if normal.shape != (3,) or not np.all(np.isfinite(normal)) or not np.any(normal):
            raise ValueError(f"a slab's normal must be three finite numbers, not all zero; found {self.normal!r}")
        if self.thickness_mm is not None and not (math.isfinite(self.thickness_mm) and self.thickness_mm > 0):
            raise ValueError(
                f"thickness_mm must be a positive length in mm, or None for a thick slab; not {self.thickness_mm!r}"
            )
        object.__setattr__(self, "normal", normal / np.linalg.norm(normal))

    @property
    def mode(self) -> int:
        """The kernel's name for this shape."""
        return THICK_SLAB if self.thickness_mm is None else PLATE


def slab_mode(slab: Slab | None) -> tuple[int, float, Float64Array, bool]:
    """Return (mode, thickness in mm, normal, whole footprint) as the kernels take them."""
    if slab is None:
        return NO_SLAB, 0.0, np.array([1.0, 0.0, 0.0]), True
    return slab.mode, slab.thickness_mm or 0.0, np.asarray(slab.normal, dtype=np.float64), slab.whole_footprint
