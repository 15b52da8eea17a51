"""Finds the spots of an image."""

from beamgym.physics.laue.peaks.finder import PeakFinder
from beamgym.physics.laue.peaks.lab_finder import Examined, LabPeakFinder
from beamgym.physics.laue.peaks.plate_finder import PlatePeakFinder

__all__ = [
    "Examined",
    "LabPeakFinder",
    "PeakFinder",
    "PlatePeakFinder",
]
