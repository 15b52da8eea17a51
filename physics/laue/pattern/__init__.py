"""Laue patterns: which rays reach the detector, how strong they are, as a list and as an image."""

from beamgym.physics.laue.pattern.image import ImageBackground, ImageModel, Sensor, SpotShape
from beamgym.physics.laue.pattern.kernels import panel_frame
from beamgym.physics.laue.pattern.samples import Samples, few_spots
from beamgym.physics.laue.pattern.spots import LaueModel, Spots

__all__ = [
    "ImageBackground",
    "ImageModel",
    "LaueModel",
    "Samples",
    "Sensor",
    "SpotShape",
    "Spots",
    "few_spots",
    "panel_frame",
]
