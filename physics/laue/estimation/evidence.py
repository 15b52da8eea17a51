"""Which of several priors the frames bear out: the evidence of each, at one linear model of the spots."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.laue.estimation.layout import Layout
from beamgym.physics.laue.estimation.prior import Prior


@dataclass(frozen=True)
class Belief:
    """What one prior makes of the frames.

    Parameters
    ----------
    weight : how likely it is, the weights of all being 1
    step : (p,) from the present parameters to its own best
    covariance : (p, p) of the parameters
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
) -> tuple[Belief, ...]:
    """Return what each prior makes of the spots.

    Parameters
    ----------
    information, pull : (p, p) and (p,), JᵀWJ/σ² and JᵀWr/σ² of the spots at ``values``
    values : (p,) parameters
    priors : each with its share
    layout, rotates : where the parameters stand, and (k,) which axes turn
    """
    found = [_one(information, pull, values, prior, layout, rotates) for prior in priors]
    logs = np.array([log for log, _, _ in found])
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    return tuple(Belief(float(w), step, covariance) for w, (_, step, covariance) in zip(weights, found, strict=True))


def _one(
    information: Float64Array,
    pull: Float64Array,
    values: Float64Array,
    prior: Prior,
    layout: Layout,
    rotates: BoolArray,
) -> tuple[float, Float64Array, Float64Array]:
    precision = prior.precision(layout, rotates)
    off = values - prior.mean(layout)
    whole = information + np.diag(precision)
    towards = pull - precision * off
    covariance, log_det = _inverse(whole)
    step = np.asarray(covariance @ towards, dtype=np.float64)
    misfit = float(off @ (precision * off) - towards @ step)
    # That of the mount, of which nothing is known, is the same in all and is left out.
    known = np.log(precision[layout.mount.stop :]).sum()
    log = np.log(prior.share) + 0.5 * (known - log_det - misfit)
    return float(log), step, covariance


def _inverse(matrix: Float64Array) -> tuple[Float64Array, float]:
    """Return the inverse of a symmetric positive matrix, and ln of its determinant, by Cholesky's factors."""
    factor, failed = dpotrf(matrix, lower=1)
    if failed:
        return np.asarray(np.linalg.inv(matrix), dtype=np.float64), float(np.linalg.slogdet(matrix)[1])
    half, _ = dpotri(factor, lower=1)
    below = np.tril(half, -1)
    inverse: Float64Array = half - np.triu(half, 1) + below.T
    return inverse, 2.0 * float(np.log(np.diag(factor)).sum())
