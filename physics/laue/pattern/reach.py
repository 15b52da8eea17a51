"""Whether any reflection of a crystal can reach a panel at all, and what to change where none can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.wavelengths import band_words

if TYPE_CHECKING:
    from beamgym.physics.crystal import ReflectionTable


def check_reach(table: ReflectionTable, beam: Beam, detector: Detector) -> None:
    """Raise ValueError, with the remedy, where no reflection in the band reaches the panel at any orientation."""
    low, high = beam.band_kev
    smallest, largest = detector.sin_theta_range()
    length = np.repeat(np.linalg.norm(table.q_inv_a, axis=1), np.diff(table.first)) * table.order
    shortest = float(length.min()) if length.size else np.inf
    reachable = (length * HC_KEV_A / 2 <= high * largest) & (length * HC_KEV_A / 2 >= low * smallest)
    if np.any(reachable):
        return
    two_theta = 2.0 * np.degrees(np.arcsin([smallest, min(1.0, largest)]))
    raise ValueError(
        f"no reflection between {band_words(beam.band_kev, beam.radiation, 'and')} can reach this detector "
        f"(2θ {two_theta[0]:.1f} to {two_theta[1]:.1f}°) at any orientation: "
        f"use {_needed(2.0 * largest / shortest, beam.radiation)}, or move the detector"
    )


def _needed(longest_a: float, radiation: str) -> str:
    """Return the words for what is shorter than the longest wavelength, in Å, that can reach a panel; 0 for none."""
    if radiation == "neutron":
        return f"wavelengths below {longest_a:.3g} Å" if longest_a > 0 else "another crystal: none reflects there"
    if longest_a > 0:
        return f"energies above {HC_KEV_A / longest_a:.3g} keV"
    return "energies above those at which the crystal reflects at all"
