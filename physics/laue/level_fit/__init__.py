"""The imperfections of one's own instrument, estimated from its recorded runs."""

from beamgym.physics.laue.level_fit.fit import LevelFit, fit_level
from beamgym.physics.laue.level_fit.intervals import Estimate
from beamgym.physics.laue.level_fit.runs import RecordedRun
from beamgym.physics.laue.level_fit.simulated import random_targets, simulated_runs

__all__ = ["Estimate", "LevelFit", "RecordedRun", "fit_level", "random_targets", "simulated_runs"]
