"""Pictures of laboratory cameras, drawn with their truth, and what may be done to them on the way to a file."""

from beamgym.physics.laue.lab.disturbances import DISTURBANCES, disturbed
from beamgym.physics.laue.lab.picture import LabCamera, LabPicture, lab_camera, lab_picture
from beamgym.physics.laue.lab.shards import PICTURED, NamedPicture, PictureShards, read_pictures, write_pictures

__all__ = [
    "DISTURBANCES",
    "PICTURED",
    "LabCamera",
    "LabPicture",
    "NamedPicture",
    "PictureShards",
    "disturbed",
    "lab_camera",
    "lab_picture",
    "read_pictures",
    "write_pictures",
]
