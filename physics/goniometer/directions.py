"""Names of crystal directions: real-space [uvw] or plane normal (hkl); in an oblique cell the two differ."""

import re
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from beamgym.physics.instrument import Float64Array

_FORM = re.compile(r"^\s*([\[(])\s*([-+\d\s,]+?)\s*([\])])\s*$")
_LAB = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


class CrystalAxes(Protocol):
    """A crystal's directions and rotations as targets use them, in crystal Cartesian axes."""

    @property
    def rotations(self) -> Float64Array:
        """(k, 3, 3) proper rotations of the Laue group."""
        ...

    def direction(self, uvw: tuple[int, int, int]) -> Float64Array:
        """Unit vector (3,) along the real-space direction."""
        ...

    def plane_normal(self, hkl: tuple[int, int, int]) -> Float64Array:
        """Unit vector (3,) along the plane normal."""
        ...


@dataclass(frozen=True)
class Direction:
    """A named direction of the crystal.

    Parameters
    ----------
    kind : "uvw" for a real-space direction, "hkl" for a plane normal
    indices : three integers, not all zero
    """

    kind: Literal["uvw", "hkl"]
    indices: tuple[int, int, int]

    def __post_init__(self) -> None:
        if not any(self.indices):
            raise ValueError(f"direction {self} has no direction; give at least one index other than 0")

    def __str__(self) -> str:
        opening, closing = "[]" if self.kind == "uvw" else "()"
        return f"{opening}{' '.join(str(i) for i in self.indices)}{closing}"

    def vector(self, crystal: CrystalAxes) -> Float64Array:
        """Return the unit vector (3,) in crystal Cartesian axes."""
        unit = crystal.direction(self.indices) if self.kind == "uvw" else crystal.plane_normal(self.indices)
        return np.asarray(unit, dtype=np.float64)


def direction(name: str | Direction) -> Direction:
    """Return the direction that a name means: "[0 0 1]", "[001]", "(110)", "(1 -1 0)".

    Raises
    ------
    ValueError : for anything else; a bare triple does not say whether it means [uvw] or (hkl)
    """
    if isinstance(name, Direction):
        return name
    match = _FORM.match(name) if isinstance(name, str) else None
    if match is None or (match[1] == "[") != (match[3] == "]"):
        raise ValueError(
            f"cannot read the direction {name!r}; write [u v w] for real space or (h k l) for a plane normal"
        )
    body = match[2]
    parts = re.split(r"[\s,]+", body) if re.search(r"[\s,]", body) else re.findall(r"[-+]?\d", body)
    if len(parts) != 3 or not all(re.fullmatch(r"[-+]?\d+", part) for part in parts):
        raise ValueError(
            f"direction {name!r} needs three indices, found {len(parts)}; write for example {match[1]}1 -1 0{match[3]}"
        )
    u, v, w = (int(part) for part in parts)
    return Direction("uvw" if match[1] == "[" else "hkl", (u, v, w))


def lab_axis(name: str) -> Float64Array:
    """Return the unit vector (3,) of a lab axis: "x" (along the beam), "y", "z" (up), or one of them with a minus."""
    sign, letter = (-1.0, name[1:]) if name.startswith("-") else (1.0, name)
    if letter not in _LAB:
        raise ValueError(f"unknown lab axis {name!r}; choose x (along the beam), y or z (up), or one with a minus sign")
    return sign * np.array(_LAB[letter])
