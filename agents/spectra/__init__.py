"""The scorer of ARPES spectra: data, network, training, benchmark, and what it flags as out of distribution."""

from beamgym.agents.spectra.alarms import FLAGGED_KINDS, flagged_shares
from beamgym.agents.spectra.benchmark import BENCHMARK_SIZE, compare, published_spectra
from beamgym.agents.spectra.boosting import BOOSTING_BUNDLE, train_boosting
from beamgym.agents.spectra.card import scorer_card
from beamgym.agents.spectra.config import load_scorer_config
from beamgym.agents.spectra.export import ScorerOrigin, export_scorer
from beamgym.agents.spectra.refit import refit_ood
from beamgym.agents.spectra.scorer import ScorerTrainer

__all__ = [
    "BENCHMARK_SIZE",
    "BOOSTING_BUNDLE",
    "FLAGGED_KINDS",
    "ScorerOrigin",
    "ScorerTrainer",
    "compare",
    "export_scorer",
    "flagged_shares",
    "load_scorer_config",
    "published_spectra",
    "refit_ood",
    "scorer_card",
    "train_boosting",
]
