"""Where a crystal points now: its c axis, and the zone axes and plane normals nearest to beam, up and left."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import gcd

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array, Int64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.orientation import check_rotation

LAB_DIRECTIONS: Mapping[str, tuple[float, float, float]] = {
    "beam": (1.0, 0.0, 0.0),
    "up": (0.0, 0.0, 1.0),
    "left": (0.0, 1.0, 0.0),
}
"""Lab directions that a person at the camera can point to: x along the beam, z up, y to the left looking along it."""
LARGEST_INDICES = (1, 3)
"""For each lab direction the nearest of the simplest directions is told, and the nearest of those somewhat less so."""


@dataclass(frozen=True)
class Near:
    """A crystal direction that lies near a lab direction.

    Parameters
    ----------
    lab : "beam", "up" or "left"
    kind : "uvw" for a zone axis, "hkl" for a plane normal
    indices : three integers, pointing to that side
    angle_deg : how far it is off
    axis_lab : (3,) unit vector about which the crystal is to be turned by ``angle_deg`` to bring it there
    """

    lab: str
    kind: str
    indices: tuple[int, int, int]
    angle_deg: float
    axis_lab: Float64Array

    @property
    def name(self) -> str:
        """Its name, as a target is written: "[1 0 2]" or "(1 0 2)"."""
        inner = " ".join(str(index) for index in self.indices)
        return f"[{inner}]" if self.kind == "uvw" else f"({inner})"

    @property
    def target(self) -> str:
        """The target that brings it there."""
        axis = {"beam": "x", "up": "z", "left": "y"}[self.lab]
        return f"axis {self.name} {axis}"


def angles_of_c_deg(crystal: Crystal, orientation: ArrayLike) -> dict[str, float]:
    """Return the angle of c, [001], to beam, up and left, degrees from 0 to 180.

    Of its symmetry equivalents, either way round, the one nearest to the beam's direction is taken.
    """
    u = check_rotation(orientation, "orientation")
    equivalents = crystal.rotations @ crystal.direction([0, 0, 1]) @ u.T
    both = np.concatenate([equivalents, -equivalents])
    c = both[np.argmax(both[:, 0].round(9))]
    return {name: _angle_deg(c, np.array(vector)) for name, vector in LAB_DIRECTIONS.items()}


def nearest_directions(crystal: Crystal, orientation: ArrayLike) -> tuple[Near, ...]:
    """Return the zone axes and plane normals nearest to beam, up and left.

    Parameters
    ----------
    crystal : its cell
    orientation : (3, 3) U, crystal Cartesian to lab

    Returns
    -------
    for each lab direction and kind the nearest with indices up to 1, and one with indices up to 3 where that is nearer
    """
    u = check_rotation(orientation, "orientation")
    found: list[Near] = []
    for lab, vector in LAB_DIRECTIONS.items():
        for kind in ("uvw", "hkl"):
            best: list[Near] = []
            for largest in LARGEST_INDICES:
                near = _nearest(crystal, u, lab, np.array(vector), kind, largest)
                if not best or near.angle_deg < best[-1].angle_deg - 1e-6:
                    best.append(near)
            found += best
    return tuple(found)


def _nearest(crystal: Crystal, u: Float64Array, lab: str, vector: Float64Array, kind: str, largest: int) -> Near:
    indices = _primitive_indices(largest)
    unit = crystal.direction(indices) if kind == "uvw" else crystal.plane_normal(indices)
    toward = unit @ u.T @ vector
    # of equal ones the simplest, so that rounding does not choose
    order = np.lexsort([np.abs(indices).sum(axis=1), -toward.round(9)])
    chosen = order[0]
    now = u @ unit[chosen]
    axis = np.cross(now, vector)
    length = float(np.linalg.norm(axis))
    about = axis / length if length > 1e-9 else np.array([0.0, 0.0, 1.0])
    h, k, m = indices[chosen].tolist()
    return Near(lab, kind, (h, k, m), _angle_deg(now, vector), about)


@cache
def _primitive_indices(largest: int) -> Int64Array:
    """(n, 3) triples without a common factor, up to ``largest`` either way."""
    triples = product(range(-largest, largest + 1), repeat=3)
    return np.array([triple for triple in triples if gcd(*triple) == 1], dtype=np.int64)


def _angle_deg(first: Float64Array, second: Float64Array) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(first, second)), first @ second)))
