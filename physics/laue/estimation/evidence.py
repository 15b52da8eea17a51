"""Which of several priors the frames bear out: the evidence of each, at one linear model of the spots."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.laue.estimation.model import Layout, Prior

LEAST_WEIGHT = 1e-4
"""What a prior of less weight makes of the frames does not count."""


@dataclass(frozen=True)
class Belief:
    """What one prior makes of the frames.

    Parameters
    ----------
    weight : how likely it is, the weights of all being 1
    step : (p,) from the present parameters to its own best
    covariance : (p, p) of the parameters; zeros for a prior that does not count
    """

    weight: float
    step: Float64Array
    covariance: Float64Array


def weigh(
    information: Float64Array,
    pull: Float64Array,
    values: Float64Array,
    priors: Sequence[Prior],
    layout: Layout,
    rotates: BoolArray,
    own: int = 0,
) -> tuple[Belief, ...]:
    """Return what each prior makes of the spots.

    Parameters
    ----------
    information, pull : (p, p) and (p,), JᵀWJ/σ² and JᵀWr/σ² of the spots at ``values``
    values : (p,) parameters
    priors : each with its share
    layout, rotates : where the parameters stand, and (k,) which axes turn
    own : the prior whose covariance is wanted in any case
    """
    found = [_one(information, pull, values, prior, layout, rotates) for prior in priors]
    logs = np.array([log for log, _, _ in found])
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    nothing = np.zeros_like(information)
    return tuple(
        Belief(float(weight), step, _inverse(factor) if weight >= LEAST_WEIGHT or i == own else nothing)
        for i, (weight, (_, step, factor)) in enumerate(zip(weights, found, strict=True))
    )


def _one(
    information: Float64Array,
    pull: Float64Array,
    values: Float64Array,
    prior: Prior,
    layout: Layout,
    rotates: BoolArray,
) -> tuple[float, Float64Array, Float64Array]:
    """Return ln of a prior's evidence, the step to its best, and Cholesky's lower factor of what is known by it."""
    precision = prior.precision(layout, rotates)
    off = values - prior.mean(layout)
    towards = pull - precision * off
    factor, failed = dpotrf(information + np.diag(precision), lower=1)
    if failed:
        raise np.linalg.LinAlgError("the normal equations of the adjustment are not positive definite")
    step, _ = dpotrs(factor, towards, lower=1)
    misfit = float(off @ (precision * off) - towards @ step)
    # That of the mount, of which nothing is known, is the same in all and is left out.
    known = np.log(precision[layout.mount.stop :]).sum()
    log = np.log(prior.share) + 0.5 * (known - misfit) - np.log(np.diag(factor)).sum()
    return float(log), step, factor


def _inverse(factor: Float64Array) -> Float64Array:
    """Return the inverse of a symmetric matrix by its lower Cholesky factor."""
    half, _ = dpotri(factor, lower=1)
    inverse: Float64Array = half + np.tril(half, -1).T
    return inverse
