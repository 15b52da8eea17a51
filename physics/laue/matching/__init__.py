"""Plane normals against a crystal's rays: the tables, the searches by pairs, and the odds that chance does as well."""

from beamgym.physics.laue.matching.observed import (
    MIN_MATCHED,
    MIN_SCALE_PEAKS,
    UNMATCHED_LOG_ODDS,
    Fit,
    Pattern,
    log10_binomial_tail,
)
from beamgym.physics.laue.matching.table import IndexingTable
from beamgym.physics.laue.matching.thorough import STAGES_DEG, search_thoroughly
from beamgym.physics.laue.matching.voting_kernels import vote_pairs

__all__ = [
    "MIN_MATCHED",
    "MIN_SCALE_PEAKS",
    "STAGES_DEG",
    "UNMATCHED_LOG_ODDS",
    "Fit",
    "IndexingTable",
    "Pattern",
    "log10_binomial_tail",
    "search_thoroughly",
    "vote_pairs",
]
