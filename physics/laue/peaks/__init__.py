"""Finds the spots of an image."""

from beamgym.physics.laue.peaks.finder import PeakFinder

__all__ = [
    "PeakFinder",
]
