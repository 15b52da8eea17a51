"""`beamgym denoise`: counted frames in files, their rate and its uncertainty beside them, and learning from them."""

from beamgym.scripts.denoise.command import denoise_command

__all__ = ["denoise_command"]
