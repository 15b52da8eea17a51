"""Align a given crystal to a target."""

from beamgym.envs.laue_align.context import AlignContext, RewardModel
from beamgym.envs.laue_align.decisions import AGAIN, DECLARE, GO, LOOK
from beamgym.envs.laue_align.estimate import sample_change_deg
from beamgym.envs.laue_align.factory import BEAMS, SIZE, LaueAlignOptions, build, expected_spots, task_over
from beamgym.envs.laue_align.goal import ALIGN_UNITS
from beamgym.envs.laue_align.many_crystals import ManyCrystalTask, OneSample
from beamgym.envs.laue_align.rules import Rules, rules
from beamgym.envs.laue_align.task import EXPECTED_ROWS, AlignState, LaueAlignTask, View
from beamgym.envs.laue_views import (
    SPOT_FIELDS,
    SPOT_UNITS,
    ImageFinder,
    ImageView,
    SpotView,
    axis_rows,
    axis_space,
    image_panel,
)

__all__ = [
    "AGAIN",
    "ALIGN_UNITS",
    "BEAMS",
    "DECLARE",
    "EXPECTED_ROWS",
    "GO",
    "LOOK",
    "SIZE",
    "SPOT_FIELDS",
    "SPOT_UNITS",
    "AlignContext",
    "AlignState",
    "ImageFinder",
    "ImageView",
    "LaueAlignOptions",
    "LaueAlignTask",
    "ManyCrystalTask",
    "OneSample",
    "RewardModel",
    "Rules",
    "SpotView",
    "View",
    "axis_rows",
    "axis_space",
    "build",
    "expected_spots",
    "image_panel",
    "rules",
    "sample_change_deg",
    "task_over",
]
