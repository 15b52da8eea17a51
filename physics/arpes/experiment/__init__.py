"""A given material under a given analyser: its cuts, maps and cubes, with their parameters and labels."""

from beamgym.physics.arpes.experiment.experiment import Domain, Experiment
from beamgym.physics.arpes.experiment.files import read_hdf5, to_xarray, write_hdf5
from beamgym.physics.arpes.experiment.parts import Spectrum

__all__ = [
    "Domain",
    "Experiment",
    "Spectrum",
    "read_hdf5",
    "to_xarray",
    "write_hdf5",
]
