"""The published ARPES study repeated: a surface scanned and scored, and the benchmark score at its best."""

from beamgym.agents.study.figure import write_study
from beamgym.agents.study.published import (
    BMS,
    NAMES,
    Scan,
    best_true_points,
    marked_places,
    median_with_interval,
    rank_correlations,
    scan_surface,
)
from beamgym.agents.study.tuning import SLITS_DEG, WINDOWS_EV, TunedBms, tune_bms

__all__ = [
    "BMS",
    "NAMES",
    "SLITS_DEG",
    "WINDOWS_EV",
    "Scan",
    "TunedBms",
    "best_true_points",
    "marked_places",
    "median_with_interval",
    "rank_correlations",
    "scan_surface",
    "tune_bms",
    "write_study",
]
