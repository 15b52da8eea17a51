"""The published ARPES study repeated, and ladders of damage."""

from beamgym.agents.study.figure import write_ladders, write_study
from beamgym.agents.study.ladders import BAR, CUT_FILE, FAR, LADDERS, LadderResult, load_cut, run_ladder
from beamgym.agents.study.published import best_true_points, marked_places, rank_correlations, scan_surface

__all__ = [
    "BAR",
    "CUT_FILE",
    "FAR",
    "LADDERS",
    "LadderResult",
    "best_true_points",
    "load_cut",
    "marked_places",
    "rank_correlations",
    "run_ladder",
    "scan_surface",
    "write_ladders",
    "write_study",
]
