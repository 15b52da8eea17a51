"""The ladder: tasks of rising difficulty, each learned by an unmodified library at stated hyperparameters."""

from beamgym.agents.ladder.climb import Point, climb, test_policy
from beamgym.agents.ladder.references import follow_the_estimate, random_actions
from beamgym.agents.ladder.rungs import RUNGS, Rung, rung_named

__all__ = [
    "RUNGS",
    "Point",
    "Rung",
    "climb",
    "follow_the_estimate",
    "random_actions",
    "rung_named",
    "test_policy",
]
