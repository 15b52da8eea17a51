"""Which of several priors the frames bear out: the evidence of each, at one linear model of the spots."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
    # That of the mount, of which nothing is known, is 0: its width, the same in all, is left out.
    precision = prior.precision(layout, rotates)
    off = values - prior.mean(layout)
    whole = information + np.diag(precision)
    towards = pull - precision * off
    covariance = np.asarray(np.linalg.inv(whole), dtype=np.float64)
    step = np.asarray(covariance @ towards, dtype=np.float64)
    misfit = float(off @ (precision * off) - towards @ step)
    known = np.log(precision[layout.mount.stop :]).sum()
    log = np.log(prior.share) + 0.5 * (known - np.linalg.slogdet(whole)[1] - misfit)
    return float(log), step, covariance
