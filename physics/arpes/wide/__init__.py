"""Noise-free spectra of many kinds, made worse in one respect, and scored by the formulas."""

from beamgym.physics.arpes.wide.clean import CleanSpectra, clean_spectra
from beamgym.physics.arpes.wide.curves import curve_spectra
from beamgym.physics.arpes.wide.instruments import (
    background_shapes,
    cut_short,
    rows_seen,
    seen_by,
    with_background,
)
from beamgym.physics.arpes.wide.kernels import measures
from beamgym.physics.arpes.wide.worse import blurred, buried, doubled

__all__ = [
    "CleanSpectra",
    "background_shapes",
    "blurred",
    "buried",
    "clean_spectra",
    "curve_spectra",
    "cut_short",
    "doubled",
    "measures",
    "rows_seen",
    "seen_by",
    "with_background",
]
