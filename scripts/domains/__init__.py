"""`beamgym domains`: domains in measured cuts, and over a sample."""

from beamgym.scripts.domains.command import domains_command

__all__ = ["domains_command"]
