"""The shipped policy of ArpesAlign: fits band positions of all cuts seen, and goes where they say.

Two or three cuts tell how the crystal stands (``PoseFit``); the way to that pose tells more. There the height is found
from two cuts, then the best site among some over the sample; its flake, which stands a little otherwise, is fitted anew
until the stated errors are small.
"""

from typing import Final

import numpy as np

from beamgym.agents.baselines.arpes_align.acting import PlannedCut, Procedure, TakenCut
from beamgym.agents.baselines.arpes_align.parts import best_site, focused_by_two
from beamgym.envs.arpes_align import ArpesAlignContext
from beamgym.envs.policy import CannotPlay
from beamgym.physics.arpes.aligning import PoseFit, PosePosterior, PosePrior, followed, standing_angles
from beamgym.physics.instrument import Float64Array

FIRST_TURNS_DEG: Final = (5.0, -5.0, 9.0, -9.0)
"""Polar angles of the first cuts, as many as are needed."""
CERTAIN: Final = 0.95
SEARCH_S, FINE_S, FOCUS_S, TURN_S = 0.2, 2.0, 0.3, 1.0
TWIN_LOSS: Final = 1.0
"""By which a site on a twin counts less: to turn it would take longer than to go to another flake."""
BESIDE_DEG: Final = (4.0, -4.0, 6.0, -6.0)
"""Polar angles from Γ of the last cuts, two or as many as are needed."""
_SURE: Final = np.array([0.1, 0.1, 0.35])
"""Stated errors that suffice; along, across, azimuth, degrees."""


def band_fit(context: ArpesAlignContext, first: TakenCut) -> Procedure:
    """Begin the procedure; raises CannotPlay where no bands are told."""
    if not context.dispersion_told:
        raise CannotPlay("band-fit needs the bands; take mirror-fit, or make the environment with dispersion=True")
    fit = PoseFit(context.told, context.grid)
    fit.add(first.pose, first.counts)
    posterior = yield from _turned(context, fit, first.pose)
    pose = followed(first.pose, _goal(context, posterior, first.pose))
    pose = yield from focused_by_two(pose, FOCUS_S, lambda cut: fit.add(cut.pose, cut.counts))
    posterior = fit.posterior([mode.theta for mode in posterior.modes])
    pose = followed(pose, _goal(context, posterior, pose))
    theta = posterior.modes[0].theta
    pose = yield from best_site(pose, lambda cut: _how_good(context, theta, cut), SEARCH_S)
    yield from _fine(context, fit, posterior, pose)


def _goal(context: ArpesAlignContext, posterior: PosePosterior, pose: Float64Array) -> Float64Array:
    """Return the angles (3,) at which the crystal stands as asked, inside the travel."""
    told, (low, high) = context.told, context.limits[3:].T
    direction, period = told.direction_deg(context.direction), told.period_deg(context.direction)
    return np.clip(standing_angles(posterior.modes[0].theta, direction, period, float(pose[5])), low, high)


def _turned(context: ArpesAlignContext, fit: PoseFit, pose: Float64Array):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """Take cuts at other polar angles until one way in which the crystal may stand is certain."""
    for polar in FIRST_TURNS_DEG:
        cut = yield PlannedCut(followed(pose, np.array([polar, *pose[4:6]])), TURN_S)
        fit.add(cut.pose, cut.counts)
        posterior = fit.posterior()
        if posterior.weights[0] >= CERTAIN:
            break
    return posterior


def _how_good(context: ArpesAlignContext, theta: Float64Array, cut: TakenCut) -> float:
    """Return how good a site is: the logarithm of how much its lines say, less where the flake is a twin."""
    here = PoseFit(context.told, context.grid, PosePrior.beside(theta))
    here.add(cut.pose, cut.counts)
    best = [here.posterior([begin]).modes[0].theta for begin in (theta, here.twin(theta))]
    values = here.values(np.array(best))
    twin = TWIN_LOSS * (values[1] > values[0] + 2.0)
    return float(np.log(max(values.max() / cut.dwell_s, 1.0)) - twin)


def _fine(context: ArpesAlignContext, fit: PoseFit, before: PosePosterior, pose: Float64Array) -> Procedure:
    """Fit the flake at the site anew, from cuts beside Γ on both sides, and end where it stands as asked.

    A cut through Γ along a mirror line says little of polar and azimuth: energies are even across it.
    """
    told, theta = context.told, before.modes[0].theta
    direction, period = told.direction_deg(context.direction), told.period_deg(context.direction)
    here = PoseFit(told, context.grid, PosePrior.beside(theta))
    goal = pose
    for turn in BESIDE_DEG:
        cut = yield PlannedCut(followed(goal, goal[3:] + np.array([turn, 0.0, 0.0])), FINE_S)
        here.add(cut.pose, cut.counts)
        if len(here) < 2:
            continue
        posterior = here.posterior([theta, here.twin(theta)])
        goal = followed(cut.pose, _goal(context, posterior, cut.pose))
        if (posterior.sigma_deg(goal, direction, period) <= _SURE).all():
            break
    yield PlannedCut(goal, context.dwells.least_s)
