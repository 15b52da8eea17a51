"""Reads the images of other programs, with the pixels that are none."""

from beamgym.physics.laue.files.images.greys import inverted
from beamgym.physics.laue.files.images.pixels import ImageFileError
from beamgym.physics.laue.files.images.read import ImageFile, read_image, read_mask

__all__ = [
    "ImageFile",
    "ImageFileError",
    "inverted",
    "read_image",
    "read_mask",
]
