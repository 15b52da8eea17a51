"""`beamgym domains`: domains in measured cuts, in maps of angles, and over a sample."""

from beamgym.scripts.domains.command import domains_command

__all__ = ["domains_command"]
