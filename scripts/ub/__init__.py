"""`beamgym ub`: from a table of observed reflections to UB, and where to look next."""

from beamgym.scripts.ub.command import ub_command

__all__ = ["ub_command"]
