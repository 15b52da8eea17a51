"""`beamgym score`: measured ARPES files scored by the network, single ones, maps, or as a scan writes them."""

from beamgym.scripts.score.command import score_command

__all__ = ["score_command"]
