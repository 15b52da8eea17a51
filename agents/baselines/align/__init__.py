"""Rivals at aligning a crystal, one per file."""

from beamgym.agents.baselines.align.index_and_move import IndexAndMove
from beamgym.agents.baselines.align.nelder_mead import NelderMead
from beamgym.agents.baselines.align.true_pose import TruePose

__all__ = [
    "IndexAndMove",
    "NelderMead",
    "TruePose",
]
