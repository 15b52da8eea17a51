"""What is known of how a crystal stands: by a model of an estimator's errors or from frames, as a few numbers."""

from beamgym.envs.laue_sight.by_frames import FrameSight, Tracked, shot_of
from beamgym.envs.laue_sight.by_model import ModelSight
from beamgym.envs.laue_sight.numbers import ESTIMATE_UNITS, SightView
from beamgym.envs.laue_sight.sight import Known, Sight, known_rows

__all__ = [
    "ESTIMATE_UNITS",
    "FrameSight",
    "Known",
    "ModelSight",
    "Sight",
    "SightView",
    "Tracked",
    "known_rows",
    "shot_of",
]
