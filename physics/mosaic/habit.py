"""How crystals of a material grow, and so how they lie on a plate."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.spatial.transform import Rotation

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.goniometer import Direction, direction
from beamgym.physics.laue.pattern import TwinLaw

C_STAR = Direction("hkl", (0, 0, 1))
"""The normal of the layers, in every layered crystal here."""

Form = Literal["hexagon", "rectangle", "rod"]


@dataclass(frozen=True)
class Habit:
    """The form of a material's crystals, and the direction by which they lie down.

    Parameters
    ----------
    kind : "flake": the direction stands up from the plate; "rod": it lies in the plate, along the crystal's length
    along : that direction, a plane normal (hkl) or a real-space [uvw]
    form : of the outline
    size_mm : median of the longest extent, mm
    thickness_mm : median, mm
    twin : law of the twins that grow; None where none are known
    source : where this is from
    """

    kind: Literal["flake", "rod"]
    along: Direction
    form: Form = "rectangle"
    size_mm: float = 3.5
    thickness_mm: float = 0.4
    twin: TwinLaw | None = None
    source: str = ""

    def __post_init__(self) -> None:
        """Check the sizes."""
        if not (0.1 <= self.size_mm <= 100.0 and 0.001 <= self.thickness_mm <= 50.0):
            raise ValueError(
                f"a crystal of {self.size_mm:g} mm and {self.thickness_mm:g} mm thick; give a size from 0.1 to 100 mm "
                "and a thickness from 0.001 to 50 mm"
            )

    def direction(self, crystal: Crystal) -> Float64Array:
        """Return the direction as a unit vector (3,), crystal Cartesian."""
        return self.along.vector(crystal)

    def lying(self, crystal: Crystal, about_rod_deg: float = 0.0) -> Float64Array:
        """Return the orientation (3, 3), crystal Cartesian to plate, of a crystal that lies as it grows.

        A flake's direction is along the plate's z, a rod's along x, the rod being turned by ``about_rod_deg`` about it.
        """
        to = np.array([0.0, 0.0, 1.0]) if self.kind == "flake" else np.array([1.0, 0.0, 0.0])
        upright = turn_onto(self.direction(crystal), to)
        if self.kind == "flake":
            return upright
        about: Float64Array = Rotation.from_rotvec([about_rod_deg, 0.0, 0.0], degrees=True).as_matrix()
        return about @ upright


def turn_onto(start: Float64Array, end: Float64Array) -> Float64Array:
    """Return the smallest rotation (3, 3) that takes one unit vector (3,) to another.

    Opposite vectors are turned about any axis across them.
    """
    axis, cosine = np.cross(start, end), float(start @ end)
    if cosine < -1.0 + 1e-12:
        across = np.cross(start, np.eye(3)[np.abs(start).argmin()])
        turned: Float64Array = Rotation.from_rotvec(np.pi * across / np.linalg.norm(across)).as_matrix()
        return turned
    cross = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
    smallest: Float64Array = np.eye(3) + cross + cross @ cross / (1.0 + cosine)
    return smallest


_STACKING = TwinLaw((0, 0, 1), "hkl", 120.0)
_REVERSE = TwinLaw((0, 0, 1), "uvw", 60.0)
_FERROELASTIC = TwinLaw((1, 1, 0), "hkl")

HABITS: dict[str, Habit] = {
    "FePS3": Habit(
        "flake",
        C_STAR,
        form="hexagon",
        thickness_mm=0.15,
        twin=_STACKING,
        source="layers parallel to (001), flakes with c* normal to the face; domains turned by 120° about c*: "
        "Lançon et al., Phys. Rev. B 94 (2016) 214407",
    ),
    "FePSe3": Habit(
        "flake",
        C_STAR,
        form="hexagon",
        thickness_mm=0.15,
        twin=_REVERSE,
        source="layers parallel to (001): Wiedenmann et al., Solid State Commun. 40 (1981) 1067",
    ),
    "Ca2RuO4": Habit(
        "flake",
        C_STAR,
        size_mm=3.0,
        thickness_mm=0.5,
        twin=_FERROELASTIC,
        source="cleaves along the RuO2 planes, c normal to the face: Nakatsuji & Maeno, "
        "J. Solid State Chem. 156 (2001) 26",
    ),
    "Ca2Ru1-xMnxO4": Habit(
        "flake",
        C_STAR,
        size_mm=2.5,
        thickness_mm=0.4,
        twin=_FERROELASTIC,
        source="as Ca2RuO4; flux-grown plates: Qi et al., Phys. Rev. B 85 (2012) 165143",
    ),
    "YFe2Ge2": Habit(
        "flake",
        C_STAR,
        size_mm=3.0,
        thickness_mm=0.3,
        source="plates from tin flux, c normal to the face: Kim, Ran, Mun, Hodovanets, Tanatar, Prozorov, Bud'ko & "
        "Canfield, Philos. Mag. 95 (2015) 804",
    ),
    "Sr4Ru3O10": Habit(
        "flake",
        C_STAR,
        size_mm=3.0,
        thickness_mm=0.3,
        source="flux-grown plates, c normal to the face: Crawford et al., Phys. Rev. B 65 (2002) 214412",
    ),
    "KFe3(OH)6(SO4)2": Habit(
        "flake",
        C_STAR,
        form="hexagon",
        size_mm=2.5,
        thickness_mm=0.6,
        twin=_REVERSE,
        source="tabular on (001), pseudo-cubic {012} otherwise: Anthony et al., Handbook of Mineralogy",
    ),
}
"""Habits by the names of ``crystal_names()``; any other crystal is taken for a flake along c*, and says so."""


def habit_of(crystal: Crystal) -> Habit:
    """Return the habit of a crystal: that of its name where there is one, otherwise a flake with c* up."""
    known = HABITS.get(crystal.name)
    return known or Habit("flake", C_STAR, source="assumed: c* stands up from the face; give a Habit that you know")


def rod_along(along: str | Direction = "[0 0 1]", size_mm: float = 6.0, thickness_mm: float = 0.8) -> Habit:
    """Return the habit of rods with their length along a direction."""
    return Habit("rod", direction(along), "rod", size_mm, thickness_mm, source="given")
