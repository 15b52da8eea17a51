"""Pictures of laboratory cameras, drawn with their truth, and what may be done to them on the way to a file."""

from beamgym.physics.laue.lab.disturbances import DISTURBANCES, disturbed
from beamgym.physics.laue.lab.picture import LabCamera, LabPicture, lab_camera, lab_picture

__all__ = [
    "DISTURBANCES",
    "LabCamera",
    "LabPicture",
    "disturbed",
    "lab_camera",
    "lab_picture",
]
