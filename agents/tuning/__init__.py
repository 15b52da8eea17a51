"""Search for hyperparameters with Optuna: which are tried, how, and what is kept when it is cut."""

from beamgym.agents.tuning.search import Tried, search, write_best
from beamgym.agents.tuning.space import read_space

__all__ = ["Tried", "read_space", "search", "write_best"]
