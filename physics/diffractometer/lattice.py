"""What is known of a crystal before its UB is: cell, which reflections there are and how strong, and its rotations."""

from dataclasses import dataclass, field

import gemmi
import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array, Int64Array
from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.crystal import Crystal, busing_levy_b, structure_factors

MOST_REFLECTIONS = 2_000_000
_OBLIQUITY_DEG = 0.02  # by how much a lattice's symmetry may be missed and still be called one
_EXACT = 1e-3
_WEAK_SHARE = 0.03  # of the strongest: reflections of that strength are found every second time
_FAINTEST = (
    1e-3  # chance of finding a very weak one, relative to a strong one: Renninger's, and errors of the structure
)


@dataclass(frozen=True, eq=False)
class KnownCell:
    """A cell, with what it lets diffract. Make it with ``known_cell`` or ``cell_of_crystal``.

    Parameters
    ----------
    name : for messages
    cell : (6,) a, b, c in Å and alpha, beta, gamma in degrees
    b_matrix : (3, 3) Busing & Levy's B, 1/Å without 2π
    rotations : (k, 3, 3) proper rotations of the Laue class, crystal Cartesian
    lattice_rotations : (j, 3, 3) those of the lattice, which positions alone cannot tell apart
    spacegroup : its absences are left out; None where they are not known
    crystal : its structure, where that is known: gives strengths
    strengths : False takes from the structure which reflections there are, and not how strong they are
    kept : what ``lattice_of`` has made
    """

    name: str
    cell: Float64Array
    b_matrix: Float64Array
    rotations: Float64Array
    lattice_rotations: Float64Array
    spacegroup: gemmi.SpaceGroup | None = field(default=None, repr=False)
    crystal: Crystal | None = field(default=None, repr=False)
    strengths: bool = True
    kept: "dict[tuple[float, float], Lattice]" = field(default_factory=dict, repr=False)

    @property
    def alike(self) -> int:
        """Orientations that positions alone cannot tell apart: rotations of the lattice for each of the crystal."""
        return max(len(self.lattice_rotations) // len(self.rotations), 1)

    def reflections(self, q_max: float) -> tuple[Int64Array, Float64Array, bool]:
        """Return hkl (n, 3), both of each ± pair, with |q| up to q_max, 1/Å; strengths (n,); whether those are known.

        Raises
        ------
        ValueError : more than two million of them
        """
        expected = 4.0 / 3.0 * np.pi * q_max**3 / np.linalg.det(self.b_matrix)
        if expected > MOST_REFLECTIONS:
            raise ValueError(
                f"{self.name} has about {expected:.1g} reflections up to {q_max:g} 1/Å; take a longer wavelength"
            )
        if self.crystal is not None:
            return (*_of_structure(self.crystal, q_max), self.strengths)
        lengths = np.linalg.norm(np.linalg.inv(self.b_matrix), axis=1)
        most = [int(np.floor(q_max * length + 1e-9)) for length in lengths]
        grid = np.stack(np.meshgrid(*(np.arange(-m, m + 1) for m in most), indexing="ij"), axis=-1).reshape(-1, 3)
        length = np.linalg.norm(grid @ self.b_matrix.T, axis=1)
        grid = grid[(length <= q_max * (1.0 + 1e-12)) & (length > 0.0)]
        if self.spacegroup is not None:
            grid = grid[~self.spacegroup.operations().systematic_absences(np.ascontiguousarray(grid, dtype=np.int32))]
        return grid.astype(np.int64), np.ones(len(grid)), False


def known_cell(cell: ArrayLike, spacegroup: str | None = None) -> KnownCell:
    """Return what a cell and, where it is known, its space group tell.

    Parameters
    ----------
    cell : (6,) a, b, c in Å and alpha, beta, gamma in degrees
    spacegroup : Hermann-Mauguin symbol or number, such as "P 21/c"; None takes every hkl for present

    Raises
    ------
    ValueError : no cell, an unknown space group, or one that the cell is at odds with
    """
    b_matrix = busing_levy_b(cell)
    numbers = np.asarray(cell, dtype=np.float64)
    unit_cell = gemmi.UnitCell(*numbers)
    group = None
    if spacegroup is not None:
        group = gemmi.find_spacegroup_by_name(str(spacegroup), numbers[3], numbers[5])
        if group is None and str(spacegroup).isdigit():
            group = gemmi.find_spacegroup_by_number(int(spacegroup))
        if group is None:
            raise ValueError(
                f"unknown space group {spacegroup!r}; give its Hermann-Mauguin symbol, such as 'P 21/c', or number"
            )
        if not unit_cell.is_compatible_with_spacegroup(group, 0.003):
            raise ValueError(
                f"space group {group.hm} is {group.crystal_system_str()}, "
                f"and the cell {numbers.tolist()} is not; correct one"
            )
    centring = "P" if group is None else group.centring_type()
    lattice = gemmi.find_lattice_symmetry(unit_cell, centring, _OBLIQUITY_DEG)
    axes = np.asarray(np.linalg.inv(b_matrix).T, dtype=np.float64)
    of_lattice = _rotations(lattice, axes)
    of_group = of_lattice if group is None else _rotations(group.operations(), axes)
    name = "the cell" if group is None else f"the cell in {group.hm}"
    return KnownCell(name, numbers, b_matrix, of_group, of_lattice, group)


def cell_of_crystal(crystal: Crystal) -> KnownCell:
    """Return what a structure tells: besides the cell, which reflections are strong."""
    exact = _exact(crystal.holohedry, crystal.b_matrix)
    return KnownCell(crystal.name, crystal.cell, crystal.b_matrix, crystal.rotations, exact, None, crystal)


def nearly_symmetric(known: KnownCell, within_deg: float = 0.5) -> bool:
    """Return whether the lattice would have more rotations if its angles were changed by so little.

    Positions with errors of that size cannot tell orientations apart that such a rotation relates. The measure is the
    obliquity of twofold axes (Le Page, J. Appl. Cryst. 15 (1982) 255), of the primitive cell.
    """
    centring = "P"
    if known.crystal is not None:
        centring = _centring(known.reflections(1.5 * float(np.linalg.norm(known.b_matrix, axis=0).sum()))[0])
    elif known.spacegroup is not None:
        centring = known.spacegroup.centring_type()
    cell = gemmi.UnitCell(*known.cell)
    sizes = [len(list(gemmi.find_lattice_symmetry(cell, centring, limit).sym_ops)) for limit in (1e-3, within_deg)]
    return sizes[1] > sizes[0]


def _centring(hkl: Int64Array) -> str:
    """Return the letter of the centring whose absences are missing from indices (n, 3)."""
    h, k, el = hkl.T
    for letter, sums in (
        ("F", (h + k, k + el)),
        ("I", (h + k + el,)),
        ("C", (h + k,)),
        ("A", (k + el,)),
        ("B", (h + el,)),
    ):
        if all((one % 2 == 0).all() for one in sums):
            return letter
    return "R" if ((-h + k + el) % 3 == 0).all() else "P"


def _exact(rotations: Float64Array, b_matrix: Float64Array) -> Float64Array:
    """Return those rotations that carry the lattice into itself to 0.06°; others are called its own more leniently."""
    turned = rotations @ b_matrix
    indices = np.rint(np.linalg.solve(b_matrix, turned))
    miss = np.linalg.norm(turned - b_matrix @ indices, axis=1) / np.linalg.norm(b_matrix, axis=0)
    return np.ascontiguousarray(rotations[miss.max(axis=1) < _EXACT])


class Lattice:
    """The reflections of a cell up to a length, sorted by it, with tables by indices; ``lattice_of`` keeps them.

    Parameters
    ----------
    known : the cell
    q_max : 1/Å
    wavelength_a : Å, for the Lorentz and polarisation factors of strengths
    """

    def __init__(self, known: KnownCell, q_max: float, wavelength_a: float) -> None:
        hkl, strength, self.told = known.reflections(q_max)
        if not len(hkl):
            raise ValueError(
                f"{known.name} has no reflection up to {q_max:.4g} 1/Å, where the observed ones end; "
                f"check the wavelength, {wavelength_a:g} Å, and the cell"
            )
        vectors = hkl @ known.b_matrix.T
        order = np.argsort(np.linalg.norm(vectors, axis=1), kind="stable")
        self.hkl = hkl[order]
        self.length = np.linalg.norm(vectors[order], axis=1)
        self.unit = vectors[order] / self.length[:, None]
        self.strength = strength[order]
        self.chance = chance_of_finding(self.strength) if self.told else np.ones(len(order))
        self.size = np.abs(self.hkl).max(axis=0)
        self.log_weight = self.table(np.log(self.chance / self.chance.sum()), -1e30)
        self.log_intensity = self.table(np.log(np.maximum(self.strength * self._factors(wavelength_a), 1e-300)), -700.0)
        first = representatives(self.hkl, known)
        self.family_unit, self.family_length = self.unit[first], self.length[first]

    def table(self, values: Float64Array, elsewhere: float) -> Float64Array:
        """Return one value for each reflection (n,) as an array by h, k, l from -size to size."""
        out = np.full(2 * self.size + 1, elsewhere, dtype=np.float64)
        out[tuple((self.hkl + self.size).T)] = values
        return out

    def intensities(self, hkl: Int64Array) -> Float64Array:
        """Return the log of expected intensities (...,) of indices (..., 3), up to a scale; -700 where none is."""
        inside = (np.abs(hkl) <= self.size).all(axis=-1)
        places = np.where(inside[..., None], hkl + self.size, 0)
        return np.where(inside, self.log_intensity[places[..., 0], places[..., 1], places[..., 2]], -700.0)

    def _factors(self, wavelength_a: float) -> Float64Array:
        """|q| times Lorentz and polarisation factors of an ω scan in the bisecting position, unpolarised beam."""
        two_theta = 2.0 * np.arcsin(np.clip(0.5 * wavelength_a * self.length, 1e-6, 1.0 - 1e-6))
        return np.asarray(self.length / np.sin(two_theta) * 0.5 * (1.0 + np.cos(two_theta) ** 2))


def lattice_of(known: KnownCell, q_max: float, wavelength_a: float) -> Lattice:
    """Return the reflections up to at least q_max; what was made once for a cell is kept with it."""
    step = 1.1
    rounded = step ** np.ceil(np.log(q_max) / np.log(step))
    key = (round(float(rounded), 9), float(wavelength_a))
    if key not in known.kept:
        known.kept[key] = Lattice(known, min(float(rounded), max(2.0 / wavelength_a, q_max)), wavelength_a)
    return known.kept[key]


def chance_of_finding(strength: Float64Array) -> Float64Array:
    """Return how readily reflections are found that are so strong, from nearly 0 to 1: half at 3 % of the strongest."""
    reference = _WEAK_SHARE * float(strength.max(initial=1e-300))
    return np.maximum(strength / (strength + reference), _FAINTEST)


def representatives(hkl: Int64Array, known: KnownCell) -> Int64Array:
    """Return the indices of one reflection of each family that the lattice's rotations carry into itself."""
    to_hkl = np.linalg.inv(known.b_matrix)
    operations = np.rint(to_hkl @ known.lattice_rotations @ known.b_matrix).astype(np.int64)
    images = np.einsum("kij,nj->kni", operations, hkl)
    most = int(np.abs(images).max(initial=1)) + 1
    code = ((images[..., 0] + most) * (2 * most + 1) + images[..., 1] + most) * (2 * most + 1) + images[..., 2] + most
    _, first = np.unique(code.min(axis=0), return_index=True)
    return np.sort(first).astype(np.int64)


def _rotations(group: gemmi.GroupOps, axes: Float64Array) -> Float64Array:
    """Distinct proper parts (k, 3, 3) of a group's operations, crystal Cartesian."""
    matrices = np.array([np.array(op.rot) // gemmi.Op.DEN for op in group.sym_ops])
    proper = matrices * np.rint(np.linalg.det(matrices)).astype(int)[:, None, None]
    distinct = np.unique(proper.reshape(-1, 9), axis=0).reshape(-1, 3, 3)
    left, _, right = np.linalg.svd(axes @ distinct @ np.linalg.inv(axes))
    return np.asarray(left @ right)


def _of_structure(crystal: Crystal, q_max: float) -> tuple[Int64Array, Float64Array]:
    """Reflections of a structure with |F|²/|q|, both of each ± pair."""
    table = crystal.reflections(max(0.5 * q_max * HC_KEV_A, 0.2))
    hkl = table.hkl[table.ray] * table.order[:, None]
    length = np.linalg.norm(hkl @ crystal.b_matrix.T, axis=1)
    inside = length <= q_max
    energy = float(min(table.energy_kev[-1], 8.0))
    strength = np.abs(structure_factors(table, energy)) ** 2 / length
    both = np.concatenate([hkl[inside], -hkl[inside]]).astype(np.int64)
    return both, np.tile(strength[inside], 2)
