"""Scores of spectra: the published definition, its correction `v2`, and the score from parameters alone."""

from beamgym.physics.arpes.score.bms import (
    PAPER_BMS,
    BenchmarkScores,
    BmsSettings,
    bms_of_fits,
    bms_scores,
    bright_share,
    fit_curves,
)
from beamgym.physics.arpes.score.direct import direct_scores
from beamgym.physics.arpes.score.lorentzian import FitCriterion
from beamgym.physics.arpes.score.quality import (
    AURELIA_BOLTZMANN_EV,
    FEATURE_COLUMNS,
    PAPER_BRACKETS,
    REFERENCE_COUNTS,
    V2_NODES,
    V2_PENALTIES,
    Scores,
    paper_scores,
    paper_total,
    v2_feature,
    v2_scores,
    v2_sharpness,
    v2_total,
)

__all__ = [
    "AURELIA_BOLTZMANN_EV",
    "FEATURE_COLUMNS",
    "PAPER_BMS",
    "PAPER_BRACKETS",
    "REFERENCE_COUNTS",
    "V2_NODES",
    "V2_PENALTIES",
    "BenchmarkScores",
    "BmsSettings",
    "FitCriterion",
    "Scores",
    "bms_of_fits",
    "bms_scores",
    "bright_share",
    "direct_scores",
    "fit_curves",
    "paper_scores",
    "paper_total",
    "v2_feature",
    "v2_scores",
    "v2_sharpness",
    "v2_total",
]
