"""`beamgym bands`: from a band-mapping cube and a theory to the band structure, its errors and its pictures."""

from beamgym.scripts.bands.command import bands_command

__all__ = ["bands_command"]
