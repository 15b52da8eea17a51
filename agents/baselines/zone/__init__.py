"""Rivals at finding a symmetry axis of an unknown crystal, one per file."""

from collections.abc import Callable

from beamgym.agents.baselines.no_op import NoOp
from beamgym.agents.baselines.random import Random
from beamgym.agents.baselines.zone.true_axis import TrueAxis
from beamgym.envs.policy import Policy

BASELINES: dict[str, Callable[[], Policy]] = {policy.name: policy for policy in (Random, NoOp, TrueAxis)}
"""Every baseline by the name it has in tables."""

__all__ = [
    "BASELINES",
    "TrueAxis",
]
