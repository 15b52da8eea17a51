"""Pose, camera and play from the frames of an episode, with a posterior."""

from beamgym.physics.laue.estimation.adjustment import Adjustment, Fitted
from beamgym.physics.laue.estimation.aiming import foresee, gets_to, likely_to_end, stands_at
from beamgym.physics.laue.estimation.estimator import Estimator, Track
from beamgym.physics.laue.estimation.frames import Shot
from beamgym.physics.laue.estimation.merit import looks
from beamgym.physics.laue.estimation.model import PRIORS, Prior, mutual_nearest, play_course
from beamgym.physics.laue.estimation.posterior import spread_deg, within
from beamgym.physics.laue.estimation.search import Start
from beamgym.physics.laue.estimation.standing import Standing, orientation_of, standing

__all__ = [
    "PRIORS",
    "Adjustment",
    "Estimator",
    "Fitted",
    "Prior",
    "Shot",
    "Standing",
    "Start",
    "Track",
    "foresee",
    "gets_to",
    "likely_to_end",
    "looks",
    "mutual_nearest",
    "orientation_of",
    "play_course",
    "spread_deg",
    "standing",
    "stands_at",
    "within",
]
