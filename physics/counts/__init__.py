"""Counting: what a detector makes of a rate, and frames split exactly into independent ones."""

from beamgym.physics.counts.checks import NotCounts, check_counts
from beamgym.physics.counts.dead_time import DeadTime
from beamgym.physics.counts.models import CountingModel, Gained, Gaussian, NegativeBinomial, Poisson
from beamgym.physics.counts.sharing import share_time
from beamgym.physics.counts.thinning import exposure_ladder, thin

__all__ = [
    "CountingModel",
    "DeadTime",
    "Gained",
    "Gaussian",
    "NegativeBinomial",
    "NotCounts",
    "Poisson",
    "check_counts",
    "exposure_ladder",
    "share_time",
    "thin",
]
