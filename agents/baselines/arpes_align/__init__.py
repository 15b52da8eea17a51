"""Rivals at bringing a crystal before an analyser, one per file."""

from collections.abc import Callable

from beamgym.agents.baselines.arpes_align.random_pose import RandomPoses
from beamgym.agents.baselines.arpes_align.true_pose import TruePose
from beamgym.envs.policy import Policy

BASELINES: dict[str, Callable[[], Policy]] = {policy.name: policy for policy in (RandomPoses, TruePose)}
"""Every baseline by the name it has in tables."""

__all__ = ["BASELINES", "RandomPoses", "TruePose"]
