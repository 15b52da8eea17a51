"""GP-UCB: looks where the score may be highest, less what the way there costs."""

from typing import Final

import numpy as np

from beamgym.agents.baselines.spot.gp import GpSettings, Posterior, bayesian_search
from beamgym.agents.baselines.spot.search import Search, Seen
from beamgym.envs.arpes_spot import SpotContext
from beamgym.physics.instrument import Float64Array

WIDTHS: Final = 2.0
"""Standard deviations above the mean that count as what the score may be."""

GP_UCB: Final = GpSettings(length_mm=0.22, cost_weight=1.0, stop=0.4, candidates=8)


def upper_bound(belief: Posterior, cost_s: Float64Array, settings: GpSettings) -> Float64Array:
    """Return by how many points a place may exceed the best mean, less ``cost_weight`` points for every second.

    N. Srinivas et al., Proc. ICML (2010), for the bound. Places that may exceed it by ``stop`` points at most are not
    worth an exposure.
    """
    gain = belief.mean + WIDTHS * belief.sd - belief.best
    return np.where(gain > settings.stop, gain - settings.cost_weight * cost_s, -np.inf)


def gp_ucb(context: SpotContext, seen: Seen, settings: GpSettings = GP_UCB) -> Search:
    """Search by the upper confidence bound."""
    return bayesian_search(context, seen, settings, upper_bound)
