"""Finds the spots of an image."""

from beamgym.physics.laue.peaks.finder import PeakFinder
from beamgym.physics.laue.peaks.lab_finder import Examined, LabPeakFinder

__all__ = [
    "Examined",
    "LabPeakFinder",
    "PeakFinder",
]
