"""Reads images, lists of peaks and detector geometries that other programs wrote."""

from beamgym.physics.laue.files.detectors import (
    is_stated_camera,
    load_detector,
    load_detector_for,
    save_detector,
    save_stated_camera,
    stated_cylinder,
)
from beamgym.physics.laue.files.images import ImageFile, ImageFileError, inverted, read_image, read_mask
from beamgym.physics.laue.files.peak_lists import PEAK_SUFFIXES, PeakList, read_peaks

__all__ = [
    "PEAK_SUFFIXES",
    "ImageFile",
    "ImageFileError",
    "PeakList",
    "inverted",
    "is_stated_camera",
    "load_detector",
    "load_detector_for",
    "read_image",
    "read_mask",
    "read_peaks",
    "save_detector",
    "save_stated_camera",
    "stated_cylinder",
]
