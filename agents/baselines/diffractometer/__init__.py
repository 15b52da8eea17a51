"""Rivals at finding a UB matrix with a diffractometer."""

from collections.abc import Callable

from beamgym.agents.baselines.diffractometer.by_rule import IndexAndJump, PowderLine, Raster, Spiral
from beamgym.agents.baselines.diffractometer.random_scan import RandomAngles
from beamgym.agents.baselines.diffractometer.true_orientation import TrueOrientation
from beamgym.envs.policy import Policy

BASELINES: dict[str, Callable[[], Policy]] = {
    policy.name: policy for policy in (RandomAngles, Raster, Spiral, PowderLine, IndexAndJump, TrueOrientation)
}
"""Every baseline by the name it has in tables."""

__all__ = ["BASELINES", "IndexAndJump", "PowderLine", "RandomAngles", "Raster", "Spiral", "TrueOrientation"]
