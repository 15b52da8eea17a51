"""Rivals at aligning a crystal, one per file."""

from collections.abc import Callable

from beamgym.agents.baselines.align.calibrating import Calibrating
from beamgym.agents.baselines.align.exposing import Exposing, exposing_policies
from beamgym.agents.baselines.align.frame_spots import FrameSpots, image_finder, spots_of_frames
from beamgym.agents.baselines.align.index_and_move import IndexAndMove
from beamgym.agents.baselines.align.index_and_refine import IndexAndRefine
from beamgym.agents.baselines.align.nelder_mead import NelderMead
from beamgym.agents.baselines.align.true_pose import TruePose
from beamgym.agents.baselines.no_op import NoOp
from beamgym.agents.baselines.random import Random
from beamgym.envs.policy import Policy

BASELINES: dict[str, Callable[[], Policy]] = {
    policy.name: policy for policy in (Random, NoOp, TruePose, NelderMead, IndexAndMove, IndexAndRefine, Calibrating)
}
"""Every baseline by the name it has in tables."""

EXPOSING: dict[str, Callable[[], Policy]] = exposing_policies()
"""Those that play only where exposures are chosen."""

__all__ = [
    "BASELINES",
    "EXPOSING",
    "Calibrating",
    "Exposing",
    "FrameSpots",
    "IndexAndMove",
    "IndexAndRefine",
    "NelderMead",
    "TruePose",
    "image_finder",
    "spots_of_frames",
]
