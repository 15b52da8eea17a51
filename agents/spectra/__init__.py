"""The scorer of ARPES spectra: data, network, training, benchmark, and what it flags as out of distribution."""

from beamgym.agents.spectra.alarms import FLAGGED_KINDS, flagged_shares
from beamgym.agents.spectra.benchmark import BENCHMARK_SIZE, Judged, compare, published_spectra
from beamgym.agents.spectra.boosting import BOOSTING_BUNDLE, grow_trees, train_boosting, trees_as_onnx
from beamgym.agents.spectra.card import scorer_card
from beamgym.agents.spectra.config import load_scorer_config
from beamgym.agents.spectra.data import exposed_sites
from beamgym.agents.spectra.export import Reference, ScorerOrigin, export_scorer, write_scorer_bundle
from beamgym.agents.spectra.ood import OodClassifier, fit_classifier, roughness
from beamgym.agents.spectra.ood_spectra import OOD_KINDS, odd_counts
from beamgym.agents.spectra.refit import refit_ood
from beamgym.agents.spectra.scorer import ScorerTrainer
from beamgym.agents.spectra.windows import cut, wrong_windows

__all__ = [
    "BENCHMARK_SIZE",
    "BOOSTING_BUNDLE",
    "FLAGGED_KINDS",
    "OOD_KINDS",
    "Judged",
    "OodClassifier",
    "Reference",
    "ScorerOrigin",
    "ScorerTrainer",
    "compare",
    "cut",
    "export_scorer",
    "exposed_sites",
    "fit_classifier",
    "flagged_shares",
    "grow_trees",
    "load_scorer_config",
    "odd_counts",
    "published_spectra",
    "refit_ood",
    "roughness",
    "scorer_card",
    "train_boosting",
    "trees_as_onnx",
    "write_scorer_bundle",
    "wrong_windows",
]
