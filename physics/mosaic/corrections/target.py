"""How all lattices are to stand in the holder."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.goniometer import Direction, direction
from beamgym.physics.mosaic.habit import Habit

FLAT_DEG = 2.0
"""Tilt beyond which a target is refused on flat floors: it is a mistake, or needs the holder tilted as a whole."""
_PARALLEL_DEG = 1.0


@dataclass(frozen=True)
class MosaicTarget:
    """One orientation for all crystals.

    Parameters
    ----------
    normal : the direction that stands along the holder's +z: a plane normal "(0 0 1)" or a real-space "[0 0 1]"
    along : the direction that lies along the holder's ``along_axis`` as nearly as it can
    along_axis : "x" or "y"

    Raises
    ------
    ValueError : a direction that cannot be read
    """

    normal: Direction
    along: Direction
    along_axis: Literal["x", "y"] = "x"

    @classmethod
    def of(cls, normal: str = "(0 0 1)", along: str = "[1 0 0]", along_axis: Literal["x", "y"] = "x") -> "MosaicTarget":
        """Return the target that names mean."""
        return cls(direction(normal), direction(along), along_axis)

    def orientation(self, crystal: Crystal) -> Float64Array:
        """Return the orientation (3, 3), crystal Cartesian to the holder's frame, that every crystal is to have.

        Raises
        ------
        ValueError : the two directions are parallel
        """
        up, to = self.normal.vector(crystal), self.along.vector(crystal)
        flat = to - (to @ up) * up
        if np.degrees(np.arcsin(min(1.0, float(np.linalg.norm(flat))))) < _PARALLEL_DEG:
            raise ValueError(
                f"{self.along} is parallel to {self.normal}, so that it cannot say how the crystals are turned; "
                "choose another direction along the holder"
            )
        first = flat / np.linalg.norm(flat)
        rows = np.stack([first, np.cross(up, first), up])
        if self.along_axis == "x":
            return rows
        return np.stack([-rows[1], rows[0], rows[2]])

    def tilt_deg(self, crystal: Crystal, habit: Habit) -> float:
        """Return the least angle between the target and what a crystal of this habit does on a flat floor.

        A flake's layers lie flat: it is the angle between their normal, or one that symmetry makes equal, and the
        target's. A rod's length lies flat, and it can be turned about it: it is the angle between its length and the
        plane.
        """
        up, own = self.normal.vector(crystal), habit.direction(crystal)
        cosine = np.abs(crystal.rotations @ own @ up)
        if habit.kind == "flake":
            return float(np.degrees(np.arccos(min(1.0, float(cosine.max())))))
        return float(np.degrees(np.arcsin(min(1.0, float(cosine.min())))))

    def check(self, crystal: Crystal, habit: Habit, most_deg: float = FLAT_DEG) -> None:
        """Raise ValueError, with the remedy, for a target that crystals of a habit never meet on a flat plate."""
        tilt = self.tilt_deg(crystal, habit)
        if tilt <= most_deg:
            return
        lies = f"flakes of {crystal.name} lie with {habit.along} up"
        if habit.kind == "rod":
            lies = f"rods of {crystal.name} lie with {habit.along} in the plate"
        raise ValueError(
            f"{lies}: {self.normal} stands {tilt:.1f}° from the plate's normal at best; choose "
            + (f"{habit.along} as the target's normal" if habit.kind == "flake" else "a normal across the rods")
            + ", or tilt the holder as a whole"
        )
