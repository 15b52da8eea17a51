"""What the readers share: numbers out of text, and a first look at HDF5 files."""

from beamgym.physics.laue.files.parsing.hdf5_probe import look_through
from beamgym.physics.laue.files.parsing.text_numbers import number, numbers_of_line, read_text

__all__ = [
    "look_through",
    "number",
    "numbers_of_line",
    "read_text",
]
