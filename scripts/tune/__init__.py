"""`beamgym tune`: a search for hyperparameters; and the tuning of the rivals."""

from beamgym.scripts.tune.command import tune_command

__all__ = ["tune_command"]
