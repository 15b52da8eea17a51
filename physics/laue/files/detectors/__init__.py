"""Reads and writes where a camera stands, in the formats of other programs."""

from beamgym.physics.laue.files.detectors.formats import (
    is_stated_camera,
    load_detector,
    load_detector_for,
    save_detector,
    save_stated_camera,
    stated_cylinder,
)

__all__ = [
    "is_stated_camera",
    "load_detector",
    "load_detector_for",
    "save_detector",
    "save_stated_camera",
    "stated_cylinder",
]
