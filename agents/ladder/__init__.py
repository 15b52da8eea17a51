"""The ladder: tasks of rising difficulty, each learned by an unmodified library at stated hyperparameters."""

from beamgym.agents.ladder.learning import Point, learn, right_of
from beamgym.agents.ladder.references import follow_the_estimate, random_actions
from beamgym.agents.ladder.rungs import RUNGS, SEEDS, Rung, rung_named

__all__ = [
    "RUNGS",
    "SEEDS",
    "Point",
    "Rung",
    "follow_the_estimate",
    "learn",
    "random_actions",
    "right_of",
    "rung_named",
]
