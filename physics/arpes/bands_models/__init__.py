"""Dispersions, self-energies, gaps and matrix elements: the photoemission process before the analyser."""

from beamgym.physics.arpes.bands_models.bands import Bands, TabulatedBands
from beamgym.physics.arpes.bands_models.dirac import BI2SE3_BULK, DiracSurface, dirac_bands
from beamgym.physics.arpes.bands_models.gaps import GAP_KINDS, green_function
from beamgym.physics.arpes.bands_models.kernels import band_energy
from beamgym.physics.arpes.bands_models.kinematics import (
    WAVENUMBER,
    Geometry,
    cut_momentum,
    kinetic_energy_ev,
    rotation_x,
    rotation_y,
    rotation_z,
)
from beamgym.physics.arpes.bands_models.kz import KzBroadening
from beamgym.physics.arpes.bands_models.lattices import TightBinding, coefficients, lattice_code, tight_binding
from beamgym.physics.arpes.bands_models.matrix_elements import ORBITALS, polarisation_vector
from beamgym.physics.arpes.bands_models.self_energy import electron_boson, fermi_liquid, impurity, marginal

__all__ = [
    "BI2SE3_BULK",
    "GAP_KINDS",
    "ORBITALS",
    "WAVENUMBER",
    "Bands",
    "DiracSurface",
    "Geometry",
    "KzBroadening",
    "TabulatedBands",
    "TightBinding",
    "band_energy",
    "coefficients",
    "cut_momentum",
    "dirac_bands",
    "electron_boson",
    "fermi_liquid",
    "green_function",
    "impurity",
    "kinetic_energy_ev",
    "lattice_code",
    "marginal",
    "polarisation_vector",
    "rotation_x",
    "rotation_y",
    "rotation_z",
    "tight_binding",
]
