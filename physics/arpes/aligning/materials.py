"""The crystals that are aligned: lattice, bands and directions, as they are told; they are models, of no compound."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from beamgym.physics.arpes.bands_models import coefficients, lattice_code
from beamgym.physics.arrays import Float64Array

NOMINAL_WORK_EV = 4.5
"""Work function that everybody takes where none was measured, eV."""


@dataclass(frozen=True, eq=False)
class LayeredCrystal:
    """A quasi-two-dimensional crystal with two bands below the Fermi level.

    Parameters
    ----------
    name : of the lattice, as ``TightBinding`` has it
    a_angstrom : lattice constant, Å
    terms : (2, 6) from ``coefficients``, eV
    photon_ev : photon energy
    directions : names of high-symmetry lines, with their angles from the crystal's x, degrees
    fold_deg : turn that brings the bands back onto themselves
    """

    name: str
    a_angstrom: float
    terms: Float64Array
    photon_ev: float
    directions: Mapping[str, float]
    fold_deg: float

    @property
    def code(self) -> int:
        """The kernels' number of the lattice."""
        return lattice_code(self.name)

    @property
    def mirror_deg(self) -> float:
        """Angle between neighbouring mirror lines."""
        return 0.5 * self.fold_deg

    def direction_deg(self, direction: str) -> float:
        """Return the angle of a named direction from the crystal's x; raises ValueError for one that it lacks.

        "mirror" stands for any mirror line: all that can be asked where the dispersion is not told.
        """
        if direction == "mirror":
            return 0.0
        if direction not in self.directions:
            raise ValueError(
                f"{direction!r} is none of a {self.name} lattice; choose one of {', '.join(self.directions)}, mirror"
            )
        return self.directions[direction]

    def period_deg(self, direction: str) -> float:
        """Return the turn after which a direction lies along the slit again."""
        return self.mirror_deg if direction == "mirror" else self.fold_deg


CRYSTALS: dict[str, LayeredCrystal] = {
    "hexagonal": LayeredCrystal(
        "hexagonal",
        3.3,
        coefficients("hexagonal", np.array([-0.75, -0.95]), np.array([0.06, 0.09]), np.array([0.05, -0.02])),
        60.0,
        {"gamma-K": 0.0, "gamma-M": 30.0},
        60.0,
    ),
    "square": LayeredCrystal(
        "square",
        3.85,
        coefficients("square", np.array([-0.35, -0.75]), np.array([-0.16, 0.1]), np.array([0.04, -0.03])),
        55.0,
        {"gamma-X": 0.0, "gamma-M": 45.0},
        90.0,
    ),
}


def layered_crystal(name: str) -> LayeredCrystal:
    """Return a crystal by its lattice's name; raises ValueError for an unknown one."""
    if name not in CRYSTALS:
        raise ValueError(f"unknown material {name!r}; choose one of {', '.join(CRYSTALS)}")
    return CRYSTALS[name]
