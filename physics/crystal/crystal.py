"""Crystals: cell, symmetry, directions, structure factors and absorption of a structure."""

import difflib
import os
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from pymatgen.core import Structure
from scipy.constants import atomic_mass

from beamgym.physics.arrays import Float64Array
from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.crystal.atoms import ISOTOPES, Atoms, atoms_of
from beamgym.physics.crystal.cif import check_structure, prepared, read_cif
from beamgym.physics.crystal.form_factors import (
    atomic_weight,
    element_of,
    mass_attenuation_cm2_per_g,
    neutron_attenuation_per_mm,
)
from beamgym.physics.crystal.lattice_symmetry import busing_levy_b, symmetry_of
from beamgym.physics.crystal.named import NAMED_CRYSTALS, structure_of
from beamgym.physics.crystal.reflections import ENERGY_RANGE_KEV, ReflectionTable
from beamgym.physics.crystal.table_cache import cached_reflection_table, remembered_reflection_table
from beamgym.physics.orientation import check_rotation

Radiation = Literal["xray", "neutron"]


@dataclass(frozen=True, eq=False)
class Crystal:
    """One phase: cell, symmetry and structure factors. Make it with ``load_crystal``.

    Parameters
    ----------
    name : name, or reduced formula
    structure : pymatgen structure; its site property ``b_iso`` holds Debye-Waller factors in Å²
    b_matrix : (3, 3) Busing-Levy B in 1/Å without 2π
    cell : (6,) a, b, c in Å and alpha, beta, gamma in degrees
    laue_class : one of -1, 2/m, mmm, 4/m, 4/mmm, -3, -3m1, -31m, 6/m, 6/mmm, m-3, m-3m
    rotations : (k, 3, 3) proper rotations of the Laue class, crystal Cartesian, identity first
    holohedry : (j, 3, 3) proper rotations of the lattice; those beyond the Laue class keep every spot's place, not its
        intensity
    radiation : "xray" or "neutron"
    size_mm : thickness of the sample, mm, as neutron cameras need; None for one thicker than rays go
    keep_tables : keep its tables of reflections on disk; False for crystals drawn at random, of which there is no end
    """

    name: str
    structure: Structure
    b_matrix: Float64Array
    cell: Float64Array
    laue_class: str
    rotations: Float64Array
    holohedry: Float64Array
    radiation: Radiation = "xray"
    keep_tables: bool = True
    size_mm: float | None = None

    @property
    def atoms(self) -> Atoms:
        """Every atom of the unit cell, as arrays."""
        return atoms_of(self.structure, self.radiation)

    @property
    def volume_a3(self) -> float:
        """Volume of the unit cell in Å³."""
        return 1.0 / float(np.linalg.det(self.b_matrix))

    @property
    def density_g_per_cm3(self) -> float:
        """Density from cell and occupancies in g/cm³."""
        mass = sum(float(site.species.weight) for site in self.structure)
        density: float = mass * atomic_mass * 1e3 / (self.volume_a3 * 1e-24)
        return density

    def reflections(self, max_energy_kev: float) -> ReflectionTable:
        """Table of every reflection that can diffract at or below an energy, from disk where it was made before.

        Parameters
        ----------
        max_energy_kev : highest energy in keV, |q| ≤ 2E/hc; for neutrons hc over the shortest wavelength

        Returns
        -------
        the table

        Raises
        ------
        ValueError : when the energy lies outside 0.1 to 400 keV, or asks for more than 20 million reflections
        """
        made = cached_reflection_table if self.keep_tables else remembered_reflection_table
        return made(self.b_matrix, self.atoms, max_energy_kev, self.radiation)

    def direction(self, uvw: ArrayLike) -> Float64Array:
        """Unit vector of a real-space direction [uvw].

        Parameters
        ----------
        uvw : (..., 3) indices along a, b, c

        Returns
        -------
        (..., 3) unit vectors, crystal Cartesian

        Raises
        ------
        ValueError : when the indices are all zero, not finite, or not three
        """
        return _unit(_indices(uvw, "direction [uvw]") @ np.linalg.inv(self.b_matrix))

    def plane_normal(self, hkl: ArrayLike) -> Float64Array:
        """Unit vector along the normal of the planes (hkl).

        Parameters
        ----------
        hkl : (..., 3) Miller indices

        Returns
        -------
        (..., 3) unit vectors, crystal Cartesian

        Raises
        ------
        ValueError : when the indices are all zero, not finite, or not three
        """
        return _unit(_indices(hkl, "plane (hkl)") @ self.b_matrix.T)

    def d_spacing_a(self, hkl: ArrayLike) -> Float64Array:
        """Distance between the planes (hkl) in Å, (...,) for indices (..., 3)."""
        spacing: Float64Array = 1.0 / np.linalg.norm(_indices(hkl, "plane (hkl)") @ self.b_matrix.T, axis=-1)
        return spacing

    def absorption_per_mm(self, energy_kev: ArrayLike) -> Float64Array:
        """Linear attenuation coefficient.

        Parameters
        ----------
        energy_kev : (...,) energies in keV; for neutrons hc over the wavelength

        Returns
        -------
        (...,) µ in 1/mm

        Raises
        ------
        ValueError : when an energy lies outside 0.1 to 400 keV

        Notes
        -----
        X-rays: Σ ρ_e (µ/ρ)_e (Chantler 2000). Neutrons: absorption ∝ λ and incoherent scattering (Sears 1992).
        """
        energy = np.asarray(energy_kev, dtype=np.float64)
        low, high = ENERGY_RANGE_KEV
        outside = energy[~((energy >= low) & (energy <= high))]
        if outside.size:
            raise ValueError(f"energy_kev holds {outside[0]:g}; give positive energies from {low:g} to {high:g} keV")
        total = np.zeros(energy.size)
        for symbol, number, weight in self._composition():
            if self.radiation == "neutron":
                total += neutron_attenuation_per_mm(symbol, HC_KEV_A / energy.ravel(), number)
            else:
                grams_per_cm3 = number * weight * atomic_mass * 1e27
                total += 0.1 * grams_per_cm3 * mass_attenuation_cm2_per_g(symbol, energy.ravel())
        return total.reshape(energy.shape)

    def _composition(self) -> list[tuple[str, float, float]]:
        """Elements, and for neutrons isotopes of hydrogen, with atoms per Å³ and atomic weight."""
        isotopes = self._isotopes()
        found = []
        for element, amount in self.structure.composition.element_composition.items():
            symbol = element_of(element.symbol)
            ordinary = float(amount) - (sum(isotopes.values()) if symbol == "H" else 0.0)
            found.append((symbol, ordinary / self.volume_a3, float(element.atomic_mass)))
        return [*found, *((name, amount / self.volume_a3, atomic_weight(name)) for name, amount in isotopes.items())]

    def _isotopes(self) -> dict[str, float]:
        """Atoms of D and T in the cell, where there are any."""
        atoms = self.atoms
        return {
            name: sum(share for label, share in zip(atoms.label, atoms.occupancy, strict=True) if label == name)
            for name in ISOTOPES
            if name in atoms.label
        }


def load_crystal(spec: str | os.PathLike[str] | Structure | Crystal, radiation: Radiation = "xray") -> Crystal:
    """Crystal from a name, a CIF file or a pymatgen Structure.

    Parameters
    ----------
    spec : a name of ``crystal_names()``, the path of a CIF file, a pymatgen Structure, or a Crystal, which is
        returned as it is where its radiation is the one asked for
    radiation : "xray" or "neutron"

    Returns
    -------
    the crystal

    Raises
    ------
    ValueError : when the name is unknown, the CIF is not there or does not parse, there are no sites,
        atoms overlap, or an element has no scattering factors
    TypeError : when spec is none of these
    """
    if radiation not in ("xray", "neutron"):
        raise ValueError(f"radiation is {radiation!r}; use 'xray' or 'neutron'")
    if isinstance(spec, Crystal):
        return spec if spec.radiation == radiation else _crystal(spec.name, spec.structure, radiation)
    if isinstance(spec, Structure):
        check_structure(spec)
        return _crystal(spec.composition.reduced_formula, prepared(spec), radiation)
    if not isinstance(spec, str | os.PathLike):
        raise TypeError(
            f"a crystal is a name, the path of a CIF file or a pymatgen Structure, found {type(spec).__name__}"
        )
    name = _known_name(spec)
    if name is not None:
        return _crystal(name, structure_of(NAMED_CRYSTALS[name]), radiation)
    structure = read_cif(spec)
    check_structure(structure)
    return _crystal(structure.composition.reduced_formula, prepared(structure), radiation)


def crystal_names() -> tuple[str, ...]:
    """Names that ``load_crystal`` knows."""
    return tuple(NAMED_CRYSTALS)


def ub_matrix(u: ArrayLike, crystal: Crystal, two_pi: bool = False) -> Float64Array:
    """U·B of Busing & Levy (1967).

    Parameters
    ----------
    u : (..., 3, 3) rotation matrices, crystal Cartesian to lab
    crystal : the crystal whose B is used
    two_pi : True multiplies by 2π, as SPEC and diffcalc print it

    Returns
    -------
    (..., 3, 3) 1/Å; q = UB·hkl in the lab frame

    Raises
    ------
    ValueError : when u is not a rotation to 1e-6
    """
    ub: Float64Array = check_rotation(u, "u") @ crystal.b_matrix
    return 2.0 * np.pi * ub if two_pi else ub


def _crystal(name: str, structure: Structure, radiation: Radiation) -> Crystal:
    cell = np.array(structure.lattice.parameters, dtype=np.float64)
    b_matrix = busing_levy_b(cell)
    laue_class, rotations, holohedry = symmetry_of(structure, b_matrix)
    crystal = Crystal(name, structure, b_matrix, cell, laue_class, rotations, holohedry, radiation)
    crystal.atoms  # noqa: B018  an element without scattering factors is the user's to know now
    return crystal


def _known_name(spec: str | os.PathLike[str]) -> str | None:
    """Name in the table, None for what is a path, ValueError for what is neither."""
    text = os.fspath(spec)
    by_lower_case = {
        other.lower(): name for name, entry in NAMED_CRYSTALS.items() for other in (name, *entry.other_names)
    }
    if text.lower() in by_lower_case:
        return by_lower_case[text.lower()]
    if not isinstance(spec, str) or os.path.exists(text) or os.sep in text or text.lower().endswith((".cif", ".mcif")):
        return None
    near = difflib.get_close_matches(text.lower(), by_lower_case, n=1, cutoff=0.3)
    hint = f"did you mean {by_lower_case[near[0]]!r}?" if near else f"known are {', '.join(NAMED_CRYSTALS)}."
    raise ValueError(f"unknown crystal {text!r}; {hint} Else give the path of a CIF file")


def _indices(indices: ArrayLike, what: str) -> Float64Array:
    array = np.asarray(indices, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != 3:
        raise ValueError(f"{what} has shape {array.shape}; give three indices, (..., 3)")
    if not np.isfinite(array).all() or not array.any(axis=-1).all():
        raise ValueError(f"{what} is {array.tolist()}; give finite indices that are not all zero")
    return array


def _unit(vector: Float64Array) -> Float64Array:
    unit: Float64Array = vector / np.linalg.norm(vector, axis=-1, keepdims=True)
    return unit
