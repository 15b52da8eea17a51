"""Turn a given crystal until it stands as asked."""

from beamgym.envs.laue_align.context import AlignContext, RewardModel
from beamgym.envs.laue_align.factory import BEAMS, LaueAlignOptions, build, expected_spots, make_env, make_vector_env
from beamgym.envs.laue_align.observations import SPOT_FIELDS, ImageView, SpotView, axis_rows, axis_space
from beamgym.envs.laue_align.rendering import LaueRenderer
from beamgym.envs.laue_align.task import LaueAlignTask, View

__all__ = [
    "BEAMS",
    "SPOT_FIELDS",
    "AlignContext",
    "ImageView",
    "LaueAlignOptions",
    "LaueAlignTask",
    "LaueRenderer",
    "RewardModel",
    "SpotView",
    "View",
    "axis_rows",
    "axis_space",
    "build",
    "expected_spots",
    "make_env",
    "make_vector_env",
]
