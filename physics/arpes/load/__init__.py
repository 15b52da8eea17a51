"""Measured ARPES files: read, their axes and Fermi level found or named, and brought into the scorer's window."""

from beamgym.physics.arpes.load.axes import AxisWords
from beamgym.physics.arpes.load.fermi import FermiEdge, FermiLevel, fermi_level, fit_edge
from beamgym.physics.arpes.load.files import SUFFIXES, choose_array, read_arrays
from beamgym.physics.arpes.load.labelled import LabelledArray, LabelledAxis, LoadError, from_xarray, number_in, role_of
from beamgym.physics.arpes.load.measured import LoadWords, MeasuredSpectra, from_array, load
from beamgym.physics.arpes.load.noise import (
    BANDLESS,
    SAME_UNIT,
    CountNoise,
    band_doubts,
    band_share,
    count_noise,
    unit_doubts,
)
from beamgym.physics.arpes.load.window import (
    ENERGY_WINDOW_EV,
    SLIT_WINDOW_DEG,
    USUAL_SHARE,
    Window,
    choose_window,
    into_window,
)

__all__ = [
    "BANDLESS",
    "ENERGY_WINDOW_EV",
    "SAME_UNIT",
    "SLIT_WINDOW_DEG",
    "SUFFIXES",
    "USUAL_SHARE",
    "AxisWords",
    "CountNoise",
    "FermiEdge",
    "FermiLevel",
    "LabelledArray",
    "LabelledAxis",
    "LoadError",
    "LoadWords",
    "MeasuredSpectra",
    "Window",
    "band_doubts",
    "band_share",
    "choose_array",
    "choose_window",
    "count_noise",
    "fermi_level",
    "fit_edge",
    "from_array",
    "from_xarray",
    "into_window",
    "load",
    "number_in",
    "read_arrays",
    "role_of",
    "unit_doubts",
]
