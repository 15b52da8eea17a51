"""Rivals at scanning a plate of crystals."""

from collections.abc import Callable

from beamgym.agents.baselines.plate.by_rule import QuickScan, ScanRules, Serpentine, TunedScan
from beamgym.agents.baselines.plate.random_scan import RandomScan
from beamgym.agents.baselines.plate.true_crystals import TrueCrystals
from beamgym.envs.policy import Policy

BASELINES: dict[str, Callable[[], Policy]] = {
    policy.name: policy for policy in (RandomScan, Serpentine, ScanRules, QuickScan, TunedScan, TrueCrystals)
}
"""Every baseline by the name it has in tables."""

__all__ = ["BASELINES", "QuickScan", "RandomScan", "ScanRules", "Serpentine", "TrueCrystals", "TunedScan"]
