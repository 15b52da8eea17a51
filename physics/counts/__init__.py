"""Counting: what a detector makes of a rate, what counts cannot be, and frames split exactly into independent ones."""

from beamgym.physics.counts.checks import NotCounts, check_counts
from beamgym.physics.counts.dead_time import DeadTime
from beamgym.physics.counts.models import CountingModel, Gained, Gaussian, NegativeBinomial, Poisson
from beamgym.physics.counts.sharing import share_time
from beamgym.physics.counts.suspects import EmptyShare, dead_pixels, empty_share, hot_pixels, missing_numbers
from beamgym.physics.counts.thinning import exposure_ladder, thin

__all__ = [
    "CountingModel",
    "DeadTime",
    "EmptyShare",
    "Gained",
    "Gaussian",
    "NegativeBinomial",
    "NotCounts",
    "Poisson",
    "check_counts",
    "dead_pixels",
    "empty_share",
    "exposure_ladder",
    "hot_pixels",
    "missing_numbers",
    "share_time",
    "thin",
]
