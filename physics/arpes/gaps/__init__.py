"""Energy gaps from EDCs and cuts: models, the fits people make, and the probability of every gap."""

from beamgym.physics.arpes.gaps.answer import RISE, GapAnswer, answer_gap, resolvable_ev
from beamgym.physics.arpes.gaps.draws import COUNTS, GAPS_EV, RESOLUTIONS_EV, TEMPERATURES_K, DrawnGap, drawn_gap
from beamgym.physics.arpes.gaps.gold import GoldEdge, fit_gold
from beamgym.physics.arpes.gaps.models import MODELS, GapModel
from beamgym.physics.arpes.gaps.posterior import GapPosterior, posterior_of
from beamgym.physics.arpes.gaps.practical import PracticalFit, symmetrised
from beamgym.physics.arpes.gaps.spectrum import Fold, GapSpectrum, fold_of

__all__ = [
    "COUNTS",
    "GAPS_EV",
    "MODELS",
    "RESOLUTIONS_EV",
    "RISE",
    "TEMPERATURES_K",
    "DrawnGap",
    "Fold",
    "GapAnswer",
    "GapModel",
    "GapPosterior",
    "GapSpectrum",
    "GoldEdge",
    "PracticalFit",
    "answer_gap",
    "drawn_gap",
    "fit_gold",
    "fold_of",
    "posterior_of",
    "resolvable_ev",
    "symmetrised",
]
