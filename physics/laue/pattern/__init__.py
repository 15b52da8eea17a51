"""Laue patterns: which rays reach the detector, how strong they are, as a list and as an image."""

from beamgym.physics.laue.pattern.grains import TwinLaw
from beamgym.physics.laue.pattern.image import ImageModel
from beamgym.physics.laue.pattern.image_parts import ImageBackground, Sensor, SpotShape
from beamgym.physics.laue.pattern.lists import panel_frame
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
    "TwinLaw",
    "few_spots",
    "panel_frame",
]
