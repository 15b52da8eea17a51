"""Rivals at finding a symmetry axis of an unknown crystal, one per file."""

from collections.abc import Callable

from beamgym.agents.baselines.no_op import NoOp
from beamgym.agents.baselines.random import Random
from beamgym.agents.baselines.zone.blind_spiral import BlindSpiral
from beamgym.agents.baselines.zone.true_axis import TrueAxis
from beamgym.agents.baselines.zone.zone_finder import ZoneFinder
from beamgym.envs.policy import Policy

BASELINES: dict[str, Callable[[], Policy]] = {
    policy.name: policy for policy in (Random, NoOp, BlindSpiral, ZoneFinder, TrueAxis)
}
"""Every baseline by the name it has in tables."""

__all__ = [
    "BASELINES",
    "BlindSpiral",
    "TrueAxis",
    "ZoneFinder",
]
