"""A learned matcher of Laue spots and rays, and what it is measured against: a study."""

from beamgym.agents.matcher.comparison import Answer, by_product, by_votes, by_weights, proposed
from beamgym.agents.matcher.network import Matcher
from beamgym.agents.matcher.stream import REGIMES, Draw, Subject, draws
from beamgym.agents.matcher.training import load, train

__all__ = [
    "REGIMES",
    "Answer",
    "Draw",
    "Matcher",
    "Subject",
    "by_product",
    "by_votes",
    "by_weights",
    "draws",
    "load",
    "proposed",
    "train",
]
