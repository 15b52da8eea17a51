"""Energy gaps from EDCs and cuts: models, the fits people make, and the probability of every gap."""

from beamgym.physics.arpes.gaps.answer import MOST_MISFIT, RISE, GapAnswer, answer_gap, answer_kinds, resolvable_ev
from beamgym.physics.arpes.gaps.cut import MOST_COLUMNS, cut_spectrum
from beamgym.physics.arpes.gaps.draws import (
    COUNTS,
    GAPS_EV,
    RESOLUTIONS_EV,
    TEMPERATURES_K,
    DrawnGap,
    counted,
    drawn_gap,
    mean_counts,
)
from beamgym.physics.arpes.gaps.gold import GoldEdge, fit_gold
from beamgym.physics.arpes.gaps.kernels import BAND
from beamgym.physics.arpes.gaps.likelihood import most_likely_gap
from beamgym.physics.arpes.gaps.models import MODELS, GapModel
from beamgym.physics.arpes.gaps.posterior import LARGEST_EV, GapPosterior, posterior_of
from beamgym.physics.arpes.gaps.practical import PracticalFit, symmetrised
from beamgym.physics.arpes.gaps.spectrum import Fold, GapSpectrum, fold_of
from beamgym.physics.arpes.gaps.tuned import TUNED

__all__ = [
    "BAND",
    "COUNTS",
    "GAPS_EV",
    "LARGEST_EV",
    "MODELS",
    "MOST_COLUMNS",
    "MOST_MISFIT",
    "RESOLUTIONS_EV",
    "RISE",
    "TEMPERATURES_K",
    "TUNED",
    "DrawnGap",
    "Fold",
    "GapAnswer",
    "GapModel",
    "GapPosterior",
    "GapSpectrum",
    "GoldEdge",
    "PracticalFit",
    "answer_gap",
    "answer_kinds",
    "counted",
    "cut_spectrum",
    "drawn_gap",
    "fit_gold",
    "fold_of",
    "mean_counts",
    "most_likely_gap",
    "posterior_of",
    "resolvable_ev",
    "symmetrised",
]
