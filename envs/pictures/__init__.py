"""Drawing and picture files that the renderers of all tasks share."""

from beamgym.envs.pictures import parts
from beamgym.envs.pictures.camera_sketch import draw_camera
from beamgym.envs.pictures.files import episode_strip, save_gif
from beamgym.envs.pictures.lab_sheet import LabNotes, write_lab_sheet
from beamgym.envs.pictures.overlay import write_attempt, write_overlay
from beamgym.envs.pictures.window import Window

__all__ = [
    "LabNotes",
    "Window",
    "draw_camera",
    "episode_strip",
    "parts",
    "save_gif",
    "write_attempt",
    "write_lab_sheet",
    "write_overlay",
]
