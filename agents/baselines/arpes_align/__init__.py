"""Rivals at bringing a crystal before an analyser, one per file."""

from collections.abc import Callable
from functools import partial

from beamgym.agents.baselines.arpes_align.acting import BeginProcedure, ProcedurePolicy
from beamgym.agents.baselines.arpes_align.band_fit import band_fit
from beamgym.agents.baselines.arpes_align.by_agreement import gaussian_process, simplex
from beamgym.agents.baselines.arpes_align.mirror_fit import mirror_fit
from beamgym.agents.baselines.arpes_align.person import person
from beamgym.agents.baselines.arpes_align.random_pose import RandomPoses
from beamgym.agents.baselines.arpes_align.true_pose import TruePose
from beamgym.envs.policy import Policy

PROCEDURES: dict[str, BeginProcedure] = {
    "band-fit": band_fit,
    "person": person,
    "mirror-fit": mirror_fit,
    "nelder-mead": simplex,
    "gaussian-process": gaussian_process,
}
"""Every procedure by the name it has in tables."""

BASELINES: dict[str, Callable[[], Policy]] = {
    **{name: partial(ProcedurePolicy, name, begin) for name, begin in PROCEDURES.items()},
    **{policy.name: policy for policy in (RandomPoses, TruePose)},
}
"""Every baseline by the name it has in tables."""

__all__ = ["BASELINES", "PROCEDURES", "ProcedurePolicy", "RandomPoses", "TruePose"]
