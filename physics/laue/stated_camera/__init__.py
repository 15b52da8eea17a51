"""A camera as its user states it, in words, with flips and marks on a film; and where the peaks' own zones put it."""

from beamgym.physics.laue.stated_camera.cylinder import StatedCylinder
from beamgym.physics.laue.stated_camera.fiducials import Fiducials
from beamgym.physics.laue.stated_camera.flips import (
    FLIPS,
    beam_point_px,
    flipped,
    mirror_of,
    mirrored_in_lab,
    radius_mm,
)
from beamgym.physics.laue.stated_camera.stated import PLACES, StatedCamera, pixel_of_dpi
from beamgym.physics.laue.stated_camera.zone_sharpness import (
    POSITION_PX,
    SharpCamera,
    sharpest_cameras,
    symmetric_steps,
    zone_sharpness,
)

__all__ = [
    "FLIPS",
    "PLACES",
    "POSITION_PX",
    "Fiducials",
    "SharpCamera",
    "StatedCamera",
    "StatedCylinder",
    "beam_point_px",
    "flipped",
    "mirror_of",
    "mirrored_in_lab",
    "pixel_of_dpi",
    "radius_mm",
    "sharpest_cameras",
    "symmetric_steps",
    "zone_sharpness",
]
