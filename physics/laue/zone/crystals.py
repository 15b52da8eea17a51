"""Unknown crystals of a known system: random cells, and the symmetry axes that an alignment looks for.

The crystal has one atom per primitive lattice point. Ranges, lattices and principal axes of cubic, tetragonal and
hexagonal crystals are those of the published configurations of LaueRL (Oppliger et al., arXiv 2604.11773 (2026)); the
other four systems are ours. A triclinic lattice has no axis: there the strongest zone is looked for.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from beamgym.physics.counter_rng import uniforms
from beamgym.physics.instrument import Float64Array, Int64Array, UInt64Array
from beamgym.physics.laue.zone.lattices import (
    BODY_CENTRED,
    PRIMITIVE,
    RHOMBOHEDRAL,
    b_matrices,
    cell_volumes,
    shortest_translations,
)

AxisChoice = Literal["principal", "all"]

_RIGHT = (90.0, 90.0)


@dataclass(frozen=True)
class CrystalSystem:
    """A crystal system: ranges of its cells, its symmetry axes, and how many spots are shown.

    Parameters
    ----------
    name : "cubic", "tetragonal", "hexagonal", "trigonal", "orthorhombic", "monoclinic" or "triclinic"
    a_angstrom : least and largest a, Å
    c_angstrom : least and largest c, Å; None where c = a
    body_centred : lattice I rather than P: reflections with odd h + k + l are absent
    spots : fewest and most spots drawn at the level "published"
    principal : (k, 3) unit axes of highest order, crystal Cartesian, one of each opposite pair; none in triclinic
    others : (j, 3) unit axes of lower order that are still symmetry axes
    b_angstrom : least and largest b, Å; None where b = a
    angles_deg : least and largest α, β and γ, degrees
    rhombohedral : lattice R on hexagonal axes, obverse setting: only reflections with −h + k + l = 3n are there
    """

    name: str
    a_angstrom: tuple[float, float]
    c_angstrom: tuple[float, float] | None
    body_centred: bool
    spots: tuple[int, int]
    principal: Float64Array
    others: Float64Array
    b_angstrom: tuple[float, float] | None = None
    angles_deg: tuple[tuple[float, float], tuple[float, float], tuple[float, float]] = (_RIGHT, _RIGHT, _RIGHT)
    rhombohedral: bool = False

    @property
    def lattice(self) -> int:
        """Lattice points per cell: 1 (P), 2 (I) or 3 (R on hexagonal axes)."""
        return RHOMBOHEDRAL if self.rhombohedral else BODY_CENTRED if self.body_centred else PRIMITIVE

    @property
    def has_axes(self) -> bool:
        """Whether symmetry axes exist, the same in every cell; else the strongest zone counts, cell by cell."""
        return len(self.principal) > 0

    def axes(self, choice: AxisChoice = "principal") -> Float64Array:
        """Return the (k, 3) axes that count; "all" adds the axes of lower order."""
        if choice not in ("principal", "all"):
            raise ValueError(f"unknown choice of axes {choice!r}; choose 'principal' or 'all'")
        return self.principal if choice == "principal" else np.concatenate([self.principal, self.others])

    def lines(self, cells: Float64Array, choice: AxisChoice = "principal") -> Float64Array:
        """Return the lines that count in cells (n, 6): (n, k, 3) unit vectors, crystal Cartesian.

        They are the symmetry axes, or in triclinic, where there is none, the axis of the strongest zone: the direction
        of the shortest lattice translation [uvw]. Its zone holds the densest net of reciprocal lattice points, since
        nets across [uvw] lie 1 / |uvw| apart.
        """
        axes = self.axes(choice)
        if not self.has_axes:
            return shortest_translations(self.b_matrices(cells))[:, None]
        return np.broadcast_to(axes, (len(cells), *axes.shape))

    def draw_cells(self, keys: UInt64Array) -> Float64Array:
        """Draw cells uniformly from the ranges: (n, 6) a, b, c in Å and α, β, γ in degrees, from keys (n,)."""
        draws = uniforms(keys, 6)
        cells = np.empty((len(keys), 6))
        cells[:, 0] = cells[:, 1] = cells[:, 2] = _scaled(draws[:, 0], self.a_angstrom)
        if self.c_angstrom is not None:
            cells[:, 2] = _scaled(draws[:, 1], self.c_angstrom)
        if self.b_angstrom is not None:
            cells[:, 1] = _scaled(draws[:, 2], self.b_angstrom)
        for i, between in enumerate(self.angles_deg):
            cells[:, 3 + i] = _scaled(draws[:, 3 + i], between)
        return cells

    def draw_spot_limits(self, keys: UInt64Array) -> Int64Array:
        """Draw how many spots are shown, (n,), uniformly from the range, from keys (n,)."""
        low, high = self.spots
        spots: Int64Array = low + (uniforms(keys, 1)[:, 0] * (high + 1 - low)).astype(np.int64)
        return spots

    def b_matrices(self, cells: Float64Array) -> Float64Array:
        """Return B, (n, 3, 3) in 1/Å, of cells (n, 6): a* along x, b* in the xy plane (Busing & Levy 1967)."""
        return b_matrices(cells)

    def primitive_volumes(self, cells: Float64Array) -> Float64Array:
        """Return the volume per lattice point, (n,) Å³, of cells (n, 6)."""
        return cell_volumes(cells) / float(self.lattice)


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

_NONE = _units(*[_Z])[:0]
_ANY, _HEXAGONAL, _OBLIQUE = (3.0, 15.0), (120.0, 120.0), (70.0, 110.0)

SYSTEMS: dict[str, CrystalSystem] = {
    "cubic": CrystalSystem("cubic", _ANY, None, False, (30, 60), _units(_X, _Y, _Z), _units(*_EDGES, *_CORNERS)),
    "tetragonal": CrystalSystem("tetragonal", (3.0, 6.0), (12.0, 15.0), True, (60, 120), _units(_Z), _in_plane(4)),
    "hexagonal": CrystalSystem(
        "hexagonal",
        (4.0, 7.0),
        (12.0, 15.0),
        False,
        (40, 90),
        _units(_Z),
        _in_plane(6),
        angles_deg=(_RIGHT, _RIGHT, _HEXAGONAL),
    ),
    "trigonal": CrystalSystem(
        "trigonal",
        (4.0, 7.0),
        (12.0, 15.0),
        False,
        (40, 90),
        _units(_Z),
        _in_plane(6)[1::2],
        angles_deg=(_RIGHT, _RIGHT, _HEXAGONAL),
        rhombohedral=True,
    ),
    "orthorhombic": CrystalSystem(
        "orthorhombic", _ANY, _ANY, False, (40, 90), _units(_X, _Y, _Z), _NONE, b_angstrom=_ANY
    ),
    "monoclinic": CrystalSystem(
        "monoclinic",
        _ANY,
        _ANY,
        False,
        (40, 90),
        _units(_Y),
        _NONE,
        b_angstrom=_ANY,
        angles_deg=(_RIGHT, (90.0, 120.0), _RIGHT),
    ),
    "triclinic": CrystalSystem(
        "triclinic",
        _ANY,
        _ANY,
        False,
        (40, 90),
        _NONE,
        _NONE,
        b_angstrom=_ANY,
        angles_deg=(_OBLIQUE, _OBLIQUE, _OBLIQUE),
    ),
}
