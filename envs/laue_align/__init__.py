"""Align a given crystal to a target."""

from beamgym.envs.laue_align.context import AlignContext, RewardModel
from beamgym.envs.laue_align.estimate import sample_change_deg
from beamgym.envs.laue_align.factory import BEAMS, SIZE, LaueAlignOptions, build, expected_spots, task_over
from beamgym.envs.laue_align.image_finder import ImageFinder, image_panel
from beamgym.envs.laue_align.observations import SPOT_FIELDS, SPOT_UNITS, ImageView, SpotView, axis_rows, axis_space
from beamgym.envs.laue_align.rendering import LaueRenderer
from beamgym.envs.laue_align.task import LaueAlignTask, View

__all__ = [
    "BEAMS",
    "SIZE",
    "SPOT_FIELDS",
    "SPOT_UNITS",
    "AlignContext",
    "ImageFinder",
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
    "image_panel",
    "sample_change_deg",
    "task_over",
]
