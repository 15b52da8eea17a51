"""Networks that estimate an orientation, or the probability that each site of a map is among the best."""

from beamgym.agents.beliefs.dictionary import nearest_entry, spread_orientations
from beamgym.agents.beliefs.extractors import AlignExtractor, Estimates
from beamgym.agents.beliefs.proposal_policy import ProposalPolicy
from beamgym.agents.beliefs.site_map import SearchExtractor, stage_numbers

__all__ = [
    "AlignExtractor",
    "Estimates",
    "ProposalPolicy",
    "SearchExtractor",
    "nearest_entry",
    "spread_orientations",
    "stage_numbers",
]
