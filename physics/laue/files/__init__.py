"""Reads images and detector geometries that other programs wrote."""

from beamgym.physics.laue.files.detector_formats import (
    load_detector,
    load_detector_for,
    save_detector,
    save_stated_camera,
)
from beamgym.physics.laue.files.image_files import PEAK_SUFFIXES, ImageFileError, read_image, read_peaks

__all__ = [
    "PEAK_SUFFIXES",
    "ImageFileError",
    "load_detector",
    "load_detector_for",
    "read_image",
    "read_peaks",
    "save_detector",
    "save_stated_camera",
]
