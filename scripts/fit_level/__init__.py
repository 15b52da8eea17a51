"""`beamgym fit-level`: the imperfections of one's own instrument, from its recorded runs."""

from beamgym.scripts.fit_level.command import fit_level_command

__all__ = ["fit_level_command"]
