"""GP-EI: measures where the expected improvement per beam time is largest."""

from typing import Final

import numpy as np
from scipy.special import ndtr

from beamgym.agents.baselines.spot.gp import GpSettings, Posterior, bayesian_search
from beamgym.agents.baselines.spot.search import ProbeResult, Search
from beamgym.envs.arpes_spot import SpotContext
from beamgym.physics.instrument import Float64Array

GP_EI: Final = GpSettings(length_mm=0.15, cost_weight=1.0, stop=0.03, candidates=8)


def expected_improvement(belief: Posterior, cost_s: Float64Array, settings: GpSettings) -> Float64Array:
    """Return the expected improvement over the best mean in points per second to the power ``cost_weight``.

    J. Mockus (1978) for the improvement; D. Huang et al., J. Global Optim. 34 (2006) 441, eq. 12, for the factor that
    is small where noise is all there is to learn; J. Snoek et al., NeurIPS (2012), sect. 3.2, for the time. Sites
    whose expected improvement is ``stop`` points at most are not worth an exposure.
    """
    gain = belief.mean - belief.best
    z = gain / belief.sd
    noise = settings.noise_at(settings.dwell_s)
    expected = gain * ndtr(z) + belief.sd * np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    expected = expected * (1.0 - noise / np.hypot(noise, belief.sd))
    return np.where(expected > settings.stop, expected / cost_s**settings.cost_weight, -np.inf)


def gp_ei(context: SpotContext, result: ProbeResult, settings: GpSettings = GP_EI) -> Search:
    """Search by the expected improvement per time."""
    return bayesian_search(context, result, settings, expected_improvement)
