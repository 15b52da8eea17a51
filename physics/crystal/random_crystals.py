"""Random crystals: plausible structures of a crystal system, drawn from a seed, for training and for tests apart."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from pymatgen.core import Structure

from beamgym.physics.arrays import Float64Array
from beamgym.physics.counter_rng import make_keys, uniforms
from beamgym.physics.crystal.cif import B_ISO
from beamgym.physics.crystal.crystal import Crystal, load_crystal
from beamgym.physics.crystal.lattice_symmetry import busing_levy_b
from beamgym.physics.crystal.named import keep_space_group

Split = Literal["train", "test"]

SPACE_GROUPS: dict[str, tuple[str, ...]] = {
    "cubic": ("Pm-3m", "Fm-3m", "Im-3m", "Fd-3m", "Pa-3"),
    "tetragonal": ("P4/mmm", "P4/nmm", "I4/mmm", "I4_1/amd", "P4_2/mnm"),
    "hexagonal": ("P6/mmm", "P6_3/mmc", "P6_3/m"),
    "trigonal": ("P-3m1", "R-3m", "R-3c", "P3_121", "R-3"),
    "orthorhombic": ("Pmmm", "Pnma", "Cmcm", "Immm", "Pbca"),
    "monoclinic": ("P2_1/c", "C2/m", "C2/c", "P2_1/m"),
    "triclinic": ("P-1",),
}
"""Space groups that are drawn from, by crystal system: common ones, each with centring or glides of its own."""

# fmt: off
ELEMENTS = (
    "C", "N", "O", "F", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Ti", "V", "Cr", "Mn",
    "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Sr", "Y", "Zr", "Nb", "Mo", "Ru", "Pd", "Ag",
    "Sn", "Sb", "Te", "Ba", "La", "Ce", "Nd", "Gd", "Hf", "Ta", "W", "Ir", "Pt", "Au", "Pb", "Bi",
)
# fmt: on
MOST_ATOMS = 64
"""Atoms in the unit cell at most; with them a table of reflections takes a second."""

_MOST_SITES = 4  # inequivalent atoms
_VOLUME_A3 = (9.0, 22.0)  # per atom: close-packed metals to open oxides and salts
_RATIO = (0.6, 2.2)  # of b and c to a
_OBLIQUE_DEG = (78.0, 112.0)
_B_ISO_A2 = (0.2, 1.2)
_CLOSEST_A = 2.0  # between two atoms, images of one in other cells included
_QUARTERS, _SIXTHS = (0.0, 0.25, 0.5, 0.75), (0.0, 1.0 / 3.0, 0.5, 2.0 / 3.0)
_SPECIAL_SHARE = 0.6  # of the coordinates are special, so that cells stay small
_SPECIAL_SHARE_CUBIC = 0.85  # where a general place has 24 to 192 atoms
_DIAGONAL_SHARE = 0.2  # of the atoms lie at x, x, z, and half of these at x, x, x
_DIAGONAL_SHARE_CUBIC = 0.6
_ATTEMPTS = 2000
_STREAMS: dict[str, int] = {"train": 0, "test": 1}
_SYSTEM_OF_CLASS = {
    "-1": "triclinic",
    "2/m": "monoclinic",
    "mmm": "orthorhombic",
    **dict.fromkeys(("4/m", "4/mmm"), "tetragonal"),
    **dict.fromkeys(("-3", "-3m1", "-31m"), "trigonal"),
    **dict.fromkeys(("6/m", "6/mmm"), "hexagonal"),
    **dict.fromkeys(("m-3", "m-3m"), "cubic"),
}


@dataclass(frozen=True)
class RandomCrystals:
    """An endless stream of random crystals: ``stream[i]`` is the same crystal wherever it is asked for.

    Parameters
    ----------
    split : "train" or "test"; no crystal is in both, whatever the seeds
    seed : 0 or more; another seed, other crystals
    systems : crystal systems, of which each crystal's is drawn evenly

    Raises
    ------
    ValueError : for another split, a negative seed, or unknown systems
    """

    split: Split = "train"
    seed: int = 0
    systems: Sequence[str] = tuple(SPACE_GROUPS)

    def __post_init__(self) -> None:
        if self.split not in _STREAMS:
            raise ValueError(f"split is {self.split!r}; choose 'train' or 'test'")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int | np.integer) or self.seed < 0:
            raise ValueError(f"seed is {self.seed!r}; give a whole number, 0 or more")
        unknown = [name for name in self.systems if name not in SPACE_GROUPS]
        if unknown or not self.systems or isinstance(self.systems, str):
            raise ValueError(f"systems are {self.systems!r}; give some of {', '.join(SPACE_GROUPS)}")

    def __getitem__(self, index: int) -> Crystal:
        """Return crystal number ``index``, 0 or more."""
        if isinstance(index, bool) or not isinstance(index, int | np.integer) or index < 0:
            raise IndexError(f"crystal {index!r} of a stream; give a whole number, 0 or more")
        draw = float(uniforms(make_keys(self.seed, index, 0, _STREAMS[self.split]), 1)[0])
        system = self.systems[int(draw * len(self.systems))]
        name = f"{self.split}-{self.seed}-{index}"
        return _crystal(system, name, (int(self.seed), int(index), _STREAMS[self.split]))

    def __iter__(self) -> Iterator[Crystal]:
        """Go through the stream from its first crystal; it has no end."""
        return (self[index] for index in itertools.count())


def _crystal(system: str, name: str, number: tuple[int, int, int]) -> Crystal:
    """Draw structures until one is a crystal of the system."""
    seed, index, stream = number
    for attempt in range(1, _ATTEMPTS):
        draws = uniforms(make_keys(seed, index, attempt, stream), 16 + 5 * _MOST_SITES)
        structure = _structure(system, draws)
        if structure is None:
            continue
        crystal = load_crystal(structure)
        if _SYSTEM_OF_CLASS[crystal.laue_class] == system:
            return replace(crystal, name=f"{crystal.name} ({system}, {name})", keep_tables=False)
    raise RuntimeError(f"no {system} crystal among {_ATTEMPTS} drawn structures: SPACE_GROUPS and the ranges disagree")


def _structure(system: str, draws: Float64Array) -> Structure | None:
    """Return a structure, or None where atoms overlap or are too many."""
    group = SPACE_GROUPS[system][int(draws[0] * len(SPACE_GROUPS[system]))]
    sites = draws[16:].reshape(_MOST_SITES, 5)[: 1 + int(draws[1] * _MOST_SITES)]
    elements = [ELEMENTS[int(one[0] * len(ELEMENTS))] for one in sites]
    places = [_place(system, one, draws[10 + i]) for i, one in enumerate(sites)]
    shape = _unit_cell(system, draws[2:8])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            keep_space_group(group)
            unit = Structure.from_spacegroup(group, _lattice(shape, 1.0), elements, places, tol=1e-3)
    except ValueError:
        return None
    if len(unit) > MOST_ATOMS:
        return None
    low, high = _VOLUME_A3
    volume = len(unit) * (low + (high - low) * draws[8])
    structure = Structure(_lattice(shape, volume), [site.species for site in unit], unit.frac_coords)
    if len(structure.get_neighbor_list(_CLOSEST_A)[0]):
        return None
    structure.add_site_property(B_ISO, [_B_ISO_A2[0] + (_B_ISO_A2[1] - _B_ISO_A2[0]) * draws[9]] * len(structure))
    return structure


def _place(system: str, draws: Float64Array, kind: float) -> list[float]:
    """Return fractional coordinates: each is a special value more often than not, and some atoms lie on diagonals."""
    special = _SIXTHS if system in ("trigonal", "hexagonal") else _QUARTERS
    share = _SPECIAL_SHARE_CUBIC if system == "cubic" else _SPECIAL_SHARE
    values = [
        special[int(one / share * len(special))] if one < share else (one - share) / (1.0 - share)
        for one in draws[1:4].tolist()
    ]
    diagonal = _DIAGONAL_SHARE_CUBIC if system == "cubic" else _DIAGONAL_SHARE
    if kind < diagonal:
        values[1] = values[0]
    return [values[0]] * 3 if kind < 0.5 * diagonal else values


def _unit_cell(system: str, draws: Float64Array) -> Float64Array:
    """Return a, b, c with a = 1, and the angles, as the system allows them."""
    low, high = (math.log(ratio) for ratio in _RATIO)
    b, c = np.exp(low + (high - low) * draws[:2])
    alpha, beta, gamma = _OBLIQUE_DEG[0] + (_OBLIQUE_DEG[1] - _OBLIQUE_DEG[0]) * draws[2:5]
    cells = {
        "cubic": (1.0, 1.0, 1.0, 90.0, 90.0, 90.0),
        "tetragonal": (1.0, 1.0, c, 90.0, 90.0, 90.0),
        "hexagonal": (1.0, 1.0, c, 90.0, 90.0, 120.0),
        "trigonal": (1.0, 1.0, 1.5 * c, 90.0, 90.0, 120.0),
        "orthorhombic": (1.0, b, c, 90.0, 90.0, 90.0),
        "monoclinic": (1.0, b, c, 90.0, 90.0 + abs(beta - 90.0), 90.0),
        "triclinic": (1.0, b, c, alpha, beta, gamma),
    }
    return np.array(cells[system])


def _lattice(shape: Float64Array, volume: float) -> Float64Array:
    """Return the cell's vectors (3, 3), as rows, of a shape scaled to a volume in Å³."""
    rows = np.linalg.inv(busing_levy_b(shape))
    scaled: Float64Array = rows * (volume / abs(float(np.linalg.det(rows)))) ** (1.0 / 3.0)
    return scaled
