"""`beamgym gap`: the energy gap of an EDC, a cut, a series or a map, with its error."""

from beamgym.scripts.gap.command import gap_command

__all__ = ["gap_command"]
