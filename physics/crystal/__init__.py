"""Crystal structures from a CIF file, a name or pymatgen, with structure factors and symmetry."""

from beamgym.physics.crystal.axial_ratios import free_axial_ratios, with_axial_ratios
from beamgym.physics.crystal.crystal import Crystal, Radiation, crystal_names, load_crystal, ub_matrix
from beamgym.physics.crystal.form_factors import dispersion, f0, mass_attenuation_cm2_per_g
from beamgym.physics.crystal.lattice_symmetry import busing_levy_b
from beamgym.physics.crystal.random_crystals import RandomCrystals
from beamgym.physics.crystal.reflections import ReflectionTable, structure_factors

__all__ = [
    "Crystal",
    "Radiation",
    "RandomCrystals",
    "ReflectionTable",
    "busing_levy_b",
    "crystal_names",
    "dispersion",
    "f0",
    "free_axial_ratios",
    "load_crystal",
    "mass_attenuation_cm2_per_g",
    "structure_factors",
    "ub_matrix",
    "with_axial_ratios",
]
