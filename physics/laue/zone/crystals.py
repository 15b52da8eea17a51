"""Unknown crystals of a known system: random cells, and the symmetry axes that an alignment looks for.

The crystal has one atom per primitive lattice point. Ranges, lattices and principal axes are those of the published
configurations of LaueRL (Oppliger et al., arXiv 2604.11773 (2026)).
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from beamgym.physics.instrument import Float64Array, Int64Array, UInt64Array
from beamgym.physics.laue.zone.kernels import draw_uniforms

AxisChoice = Literal["principal", "all"]

_COS60, _SIN60 = 0.5, math.sqrt(0.75)


@dataclass(frozen=True)
class CrystalSystem:
    """A crystal system: ranges of its cells, its symmetry axes, and how many spots are shown.

    Parameters
    ----------
    name : "cubic", "tetragonal" or "hexagonal"
    a_angstrom : least and largest a (= b), Å
    c_angstrom : least and largest c, Å; None where c = a
    body_centred : lattice I rather than P: reflections with odd h + k + l are absent
    spots : fewest and most spots drawn at the level "published"
    principal : (k, 3) unit axes of highest order, crystal Cartesian, one of each opposite pair
    others : (j, 3) unit axes of lower order that are still symmetry axes
    """

    name: str
    a_angstrom: tuple[float, float]
    c_angstrom: tuple[float, float] | None
    body_centred: bool
    spots: tuple[int, int]
    principal: Float64Array
    others: Float64Array

    def axes(self, choice: AxisChoice = "principal") -> Float64Array:
        """Return the (k, 3) axes that count; "all" adds the axes of lower order."""
        if choice not in ("principal", "all"):
            raise ValueError(f"unknown choice of axes {choice!r}; choose 'principal' or 'all'")
        return self.principal if choice == "principal" else np.concatenate([self.principal, self.others])

    def draw_cells(self, keys: UInt64Array) -> Float64Array:
        """Draw cells uniformly from the ranges: (n, 6) a, b, c in Å and α, β, γ in degrees, from keys (n,)."""
        draws = draw_uniforms(keys, 2)
        cells = np.full((len(keys), 6), 90.0)
        cells[:, 0] = cells[:, 1] = cells[:, 2] = _scaled(draws[:, 0], self.a_angstrom)
        if self.c_angstrom is not None:
            cells[:, 2] = _scaled(draws[:, 1], self.c_angstrom)
        if self.name == "hexagonal":
            cells[:, 5] = 120.0
        return cells

    def draw_spot_limits(self, keys: UInt64Array) -> Int64Array:
        """Draw how many spots are shown, (n,), uniformly from the range, from keys (n,)."""
        low, high = self.spots
        spots: Int64Array = low + (draw_uniforms(keys, 1)[:, 0] * (high + 1 - low)).astype(np.int64)
        return spots

    def b_matrices(self, cells: Float64Array) -> Float64Array:
        """Return B, (n, 3, 3) in 1/Å, of cells (n, 6): a* along x, b* in the xy plane (Busing & Levy 1967)."""
        b = np.zeros((len(cells), 3, 3))
        b[:, 2, 2] = 1.0 / cells[:, 2]
        if self.name == "hexagonal":
            length = 1.0 / (_SIN60 * cells[:, 0])
            b[:, 0, 0], b[:, 0, 1], b[:, 1, 1] = length, length * _COS60, length * _SIN60
        else:
            b[:, 0, 0], b[:, 1, 1] = 1.0 / cells[:, 0], 1.0 / cells[:, 1]
        return b

    def primitive_volumes(self, cells: Float64Array) -> Float64Array:
        """Return the volume per lattice point, (n,) Å³, of cells (n, 6)."""
        volume = cells[:, 0] * cells[:, 1] * cells[:, 2] * (_SIN60 if self.name == "hexagonal" else 1.0)
        primitive: Float64Array = volume / (2.0 if self.body_centred else 1.0)
        return primitive


def crystal_system(name: str) -> CrystalSystem:
    """Return a crystal system by name; raises ValueError for an unknown one."""
    if name not in SYSTEMS:
        raise ValueError(f"unknown crystal system {name!r}; choose one of {', '.join(SYSTEMS)}")
    return SYSTEMS[name]


def _scaled(unit: Float64Array, between: tuple[float, float]) -> Float64Array:
    scaled: Float64Array = between[0] + (between[1] - between[0]) * unit
    return scaled


def _units(*rows: tuple[float, float, float]) -> Float64Array:
    array = np.array(rows, dtype=np.float64)
    unit: Float64Array = array / np.sqrt((array**2).sum(axis=1, keepdims=True))
    unit.flags.writeable = False
    return unit


def _in_plane(order: int) -> Float64Array:
    """Return ``order`` lines in the xy plane, one of them along x, with equal angles between them."""
    return _units(*((math.cos(math.pi * i / order), math.sin(math.pi * i / order), 0.0) for i in range(order)))


_X, _Y, _Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
_EDGES = ((0, 1, 1), (0, 1, -1), (1, 0, 1), (1, 0, -1), (1, 1, 0), (1, -1, 0))
_CORNERS = ((1, 1, 1), (1, 1, -1), (1, -1, 1), (-1, 1, 1))

SYSTEMS: dict[str, CrystalSystem] = {
    "cubic": CrystalSystem("cubic", (3.0, 15.0), None, False, (30, 60), _units(_X, _Y, _Z), _units(*_EDGES, *_CORNERS)),
    "tetragonal": CrystalSystem("tetragonal", (3.0, 6.0), (12.0, 15.0), True, (60, 120), _units(_Z), _in_plane(4)),
    "hexagonal": CrystalSystem("hexagonal", (4.0, 7.0), (12.0, 15.0), False, (40, 90), _units(_Z), _in_plane(6)),
}
