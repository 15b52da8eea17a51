"""GP-UCB: measures where the upper confidence bound less the cost of beam time is highest."""

from typing import Final

import numpy as np

from beamgym.agents.baselines.spot.gp import GpSettings, Posterior, bayesian_search
from beamgym.agents.baselines.spot.search import ProbeResult, Search
from beamgym.envs.arpes_spot import SpotContext
from beamgym.physics.instrument import Float64Array

WIDTHS: Final = 2.0
"""Standard deviations above the mean that count as what the score may be."""

GP_UCB: Final = GpSettings(length_mm=0.22, cost_weight=1.0, stop=0.4, candidates=8)


def upper_bound(belief: Posterior, cost_s: Float64Array, settings: GpSettings) -> Float64Array:
    """Return the upper bound of each site above the best mean in points, less ``cost_weight`` points per second.

    N. Srinivas et al., Proc. ICML (2010), for the bound. Sites that may exceed it by ``stop`` points at most are not
    worth an exposure.
    """
    gain = belief.mean + WIDTHS * belief.sd - belief.best
    return np.where(gain > settings.stop, gain - settings.cost_weight * cost_s, -np.inf)


def gp_ucb(context: SpotContext, result: ProbeResult, settings: GpSettings = GP_UCB) -> Search:
    """Search by the upper confidence bound."""
    return bayesian_search(context, result, settings, upper_bound)
