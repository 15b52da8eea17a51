"""What is known of how a crystal stands: by a model of errors, by indexing or by the estimator, as numbers."""

from beamgym.envs.laue_sight.by_frames import FrameSight, Tracked, shot_of
from beamgym.envs.laue_sight.by_index import IndexSight
from beamgym.envs.laue_sight.by_model import ModelSight
from beamgym.envs.laue_sight.numbers import ESTIMATE_UNITS, SightView
from beamgym.envs.laue_sight.sight import Known, Sight, known_rows

__all__ = [
    "ESTIMATE_UNITS",
    "FrameSight",
    "IndexSight",
    "Known",
    "ModelSight",
    "Sight",
    "SightView",
    "Tracked",
    "known_rows",
    "shot_of",
]
