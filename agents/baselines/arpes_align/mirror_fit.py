"""A fit of mirror symmetry over all cuts seen, without any dispersion: few cuts, then the same site search."""

from typing import Final

import numpy as np

from beamgym.agents.baselines.arpes_align.acting import PlannedCut, Procedure, TakenCut
from beamgym.agents.baselines.arpes_align.parts import best_site, focused_by_two, symmetric_goal
from beamgym.envs.arpes_align import ArpesAlignContext
from beamgym.physics.arpes.aligning import SymmetryFit, followed
from beamgym.physics.instrument import Float64Array

FIRST_DEG: Final = (4.0, 8.0, -4.0, -8.0)
LAST_DEG: Final = (6.0, 3.0, -3.0, -6.0)
"""Polar angles of the first cuts, besides the very first, and of those at the site."""
TURN_S, FOCUS_S, SEARCH_S, FINE_S = 0.8, 0.3, 0.2, 1.2


def mirror_fit(context: ArpesAlignContext, first: TakenCut) -> Procedure:
    """Begin the procedure."""
    fit = SymmetryFit(context.told, context.grid)
    fit.add(first.pose, first.counts)
    for polar in FIRST_DEG:
        cut = yield PlannedCut(followed(first.pose, np.array([polar, *first.pose[4:]])), TURN_S)
        fit.add(cut.pose, cut.counts)
    pose = followed(first.pose, symmetric_goal(context, fit, fit.fitted(), first.pose))
    pose = yield from focused_by_two(pose, FOCUS_S)
    pose = yield from best_site(pose, _structure, SEARCH_S)
    fit = SymmetryFit(context.told, context.grid)
    for polar in LAST_DEG:
        cut = yield PlannedCut(followed(pose, pose[3:] + np.array([polar, 0.0, 0.0])), FINE_S)
        fit.add(cut.pose, cut.counts)
    pose = followed(pose, symmetric_goal(context, fit, fit.fitted(), pose))
    yield PlannedCut(pose, context.dwells.least_s)


def _structure(cut: TakenCut) -> float:
    """Return the logarithm of how much structure a cut has along its energies, electrons a second."""
    columns: Float64Array = cut.counts.reshape(cut.counts.shape[0], 24, -1).sum(axis=2)
    excess = ((columns - columns.mean(axis=0)) ** 2).sum() - columns.sum()
    return float(0.5 * np.log(max(excess, 1.0)) - np.log(cut.dwell_s))
