"""A camera as its user states it: place, distance, pixel size and centre by ruler, flips, and marks on a film."""

from beamgym.physics.laue.stated_camera.fiducials import Fiducials
from beamgym.physics.laue.stated_camera.flips import FLIPS, beam_point_px, flipped, mirrored_in_lab, radius_mm
from beamgym.physics.laue.stated_camera.stated import PLACES, StatedCamera, pixel_of_dpi

__all__ = [
    "FLIPS",
    "PLACES",
    "Fiducials",
    "StatedCamera",
    "beam_point_px",
    "flipped",
    "mirrored_in_lab",
    "pixel_of_dpi",
    "radius_mm",
]
