"""How likely it is that a crystal stands within a tolerance of its goal, by all beliefs together."""

from collections.abc import Callable
from functools import cache

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.estimation.adjustment import Fitted
from beamgym.physics.laue.estimation.evidence import LEAST_WEIGHT
from beamgym.physics.orientation import rotation_matrix

DRAWS = 1024
"""Turns drawn of each belief: a power of two, since they are spread evenly (Sobol, 1967)."""
MINOR, MINOR_DRAWS = 0.01, 128
"""Of a belief of less weight fewer are drawn: they shift the sum by less than a ten-thousandth."""


@cache
def normal_draws(count: int = DRAWS) -> Float64Array:
    """Return points of a normal distribution in three dimensions, spread evenly and always the same, (n, 3)."""
    from scipy.stats import norm, qmc  # half a second, of which making an environment needs nothing

    even = qmc.Sobol(3, seed=1).random(count)
    draws: Float64Array = norm.ppf(np.clip(even, 1e-6, 1.0 - 1e-6))
    return draws


def turns(covariance: Float64Array, count: int = DRAWS) -> Float64Array:
    """Return rotation vectors (n, 3) of a normal distribution with covariance (3, 3)."""
    size, axes = np.linalg.eigh(covariance)
    drawn: Float64Array = (normal_draws(count) * np.sqrt(np.maximum(size, 0.0))) @ axes.T
    return drawn


def within(
    fitted: Fitted, orientation: Float64Array, error_deg: Callable[[Float64Array], Float64Array], tolerance_deg: float
) -> float:
    """Return the probability that the crystal of the last frame is within the tolerance.

    Parameters
    ----------
    fitted : all frames
    orientation : (3, 3) of the last one, by the fit's own belief
    error_deg : of orientations (n, 3, 3)
    tolerance_deg : largest error allowed
    """
    assert fitted.turn is not None
    chance = 0.0
    for belief in fitted.beliefs:
        if belief.weight < LEAST_WEIGHT:
            continue
        count = DRAWS if belief.weight >= MINOR else MINOR_DRAWS
        drawn = turns(fitted.turn @ belief.covariance @ fitted.turn.T, count) + fitted.turn @ belief.step
        error = error_deg(rotation_matrix(drawn) @ orientation)
        chance += belief.weight * float(np.mean(error <= tolerance_deg))
    return chance


def spread_deg(fitted: Fitted) -> Float64Array:
    """Return the covariance (3, 3) of the last frame's orientation in the lab, degrees², by all beliefs."""
    assert fitted.turn is not None
    total, mean, square = np.zeros((3, 3)), np.zeros(3), np.zeros((3, 3))
    for belief in fitted.beliefs:
        off = fitted.turn @ belief.step
        total += belief.weight * (fitted.turn @ belief.covariance @ fitted.turn.T)
        mean += belief.weight * off
        square += belief.weight * np.outer(off, off)
    return total + square - np.outer(mean, mean)
