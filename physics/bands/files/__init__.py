"""Files of band mapping: cubes read, theories read, reconstructed bands written."""

from beamgym.physics.bands.files.cubes import CubeWords, read_cube
from beamgym.physics.bands.files.export import read_bands, write_bands
from beamgym.physics.bands.files.theories import from_bands, from_pymatgen, read_theory

__all__ = ["CubeWords", "from_bands", "from_pymatgen", "read_bands", "read_cube", "read_theory", "write_bands"]
