"""Drawing and picture files that the renderers of all tasks share."""

from beamgym.envs.pictures import parts
from beamgym.envs.pictures.files import episode_strip, save_gif
from beamgym.envs.pictures.overlay import write_overlay

__all__ = [
    "episode_strip",
    "parts",
    "save_gif",
    "write_overlay",
]
