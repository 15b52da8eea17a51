"""`beamgym matcher`: a learned matcher of Laue spots, beside plain searches."""

from beamgym.scripts.matcher.command import matcher_command

__all__ = ["matcher_command"]
