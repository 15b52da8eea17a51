"""The answer to a spectrum: a gap with its error, or none, what could have been told, and whether the model fits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from beamgym.physics.arpes.gaps.kernels import SHIFT, expected, fit_gaps
from beamgym.physics.arpes.gaps.models import GapModel, Priors, priors_of
from beamgym.physics.arpes.gaps.posterior import GapPosterior, height_of, posterior_of
from beamgym.physics.arpes.gaps.spectrum import Fold, GapSpectrum, fold_of
from beamgym.physics.arrays import Float64Array

RISE: Final = 2.3
"""Least rise of the log posterior from no gap to the best gap, above which a gap is said to be there."""
_NINETY = 1.2816  # standard deviations below which 90 % of a normal variable lies
_TRIED_EV = (0.3e-3, 0.08)
_BISECTIONS = 7
MOST_MISFIT: Final = 4.0
"""Standard deviations of the deviance, beyond which a spectrum is not the model's."""


@dataclass(frozen=True, eq=False)
class GapAnswer:
    """What is said of one spectrum.

    Parameters
    ----------
    kind : of the model
    gap_ev, low_ev, high_ev : median and the ends of the 68 % interval, given that there is a gap
    seen : whether there is one
    log_bayes : ln of how much better a gap explains the spectrum than none
    below_ev : the gap is smaller than this with 95 %, given that there is one
    limit_ev : smallest gap that would be seen in 9 of 10 such spectra; infinite where none would
    misfit : of the best fit's deviance, in standard deviations
    shift_ev : by which the best fit moves the Fermi level
    posterior : of every gap
    mean : (columns, n) counts of the best fit
    """

    kind: str
    gap_ev: float
    low_ev: float
    high_ev: float
    seen: bool
    log_bayes: float
    below_ev: float
    limit_ev: float
    misfit: float
    shift_ev: float
    posterior: GapPosterior
    mean: Float64Array

    @property
    def error_ev(self) -> float:
        """Half of the 68 % interval."""
        return 0.5 * (self.high_ev - self.low_ev)

    @property
    def strange(self) -> bool:
        """Whether the counts differ from the best fit by more than chance: the model is not theirs."""
        return self.misfit > MOST_MISFIT


def answer_gap(spectrum: GapSpectrum, model: GapModel, fold: Fold | None = None) -> GapAnswer:
    """Return the gap of a spectrum.

    Parameters
    ----------
    spectrum : what was measured
    model : of ``MODELS``
    fold : of ``fold_of``, where many spectra share their pixels
    """
    found = posterior_of(spectrum, model, fold)
    spectrum = found.conditions  # as they fit best, where they were stated with errors
    folded = fold_of(spectrum)
    best = int(np.argmax(found.profile))
    p = found.parameters[best]
    mean = expected(model.code, *_fixed(spectrum, folded), float(found.fitted_ev[best]), p)
    return GapAnswer(
        kind=model.name,
        gap_ev=found.quantile(0.5),
        low_ev=found.quantile(0.16),
        high_ev=found.quantile(0.84),
        seen=found.rise > RISE,
        log_bayes=found.log_bayes,
        below_ev=found.quantile(0.95),
        limit_ev=resolvable_ev(spectrum, model, p, folded),
        misfit=deviance_sigma(spectrum.counts, mean),
        shift_ev=float(p[SHIFT]),
        posterior=found,
        mean=mean,
    )


def answer_kinds(spectrum: GapSpectrum, models: Sequence[GapModel]) -> tuple[GapAnswer, dict[str, float]]:
    """Return the answer of the likeliest of some kinds, and the probability of each, all being as likely beforehand."""
    answers = [answer_gap(spectrum, model) for model in models]
    logs = np.array([one.posterior.log_evidence for one in answers])
    shares = np.exp(logs - np.logaddexp.reduce(logs))
    names = [model.name for model in models]
    return answers[int(np.argmax(logs))], dict(zip(names, shares.tolist(), strict=True))


def resolvable_ev(spectrum: GapSpectrum, model: GapModel, parameters: Float64Array, fold: Fold) -> float:
    """Return the smallest gap that would be seen in 9 of 10 spectra like this one, eV; infinite where none would.

    Parameters
    ----------
    spectrum : whose pixels and conditions
    parameters : (10,) of the kernels: widths, background and counts
    fold : of the spectrum

    Notes
    -----
    For each gap the expected counts are fitted without one (Cowan et al., Eur. Phys. J. C 71 (2011) 1554, Sect. 5): the
    rise so lost is the median of the test, whose square root scatters by 1/√2.
    """
    needed = 0.5 * (np.sqrt(2.0 * RISE) + _NINETY) ** 2
    priors = priors_of(model, height_of(spectrum), spectrum.fermi_error_ev, len(spectrum.counts) > 1)
    around = replace(priors, centre=np.where(priors.precision < 1e11, priors.centre, parameters))
    low, high = np.log(_TRIED_EV)
    if _lost(spectrum, model, parameters, _TRIED_EV[1], around, fold) < needed:
        return float("inf")
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if _lost(spectrum, model, parameters, float(np.exp(middle)), around, fold) < needed:
            low = middle
        else:
            high = middle
    return float(np.exp(high))


def _lost(
    spectrum: GapSpectrum, model: GapModel, parameters: Float64Array, gap_ev: float, priors: Priors, fold: Fold
) -> float:
    """Return by how much the log posterior of expected counts falls when they are fitted without their gap."""
    fixed = _fixed(spectrum, fold)
    mean = expected(model.code, *fixed, gap_ev, parameters)
    own = float((mean * np.log(np.maximum(mean, 1e-12)) - mean).sum())
    penalty = 0.5 * float((priors.precision * (parameters - priors.centre) ** 2)[priors.precision < 1e11].sum())
    value, _, _ = fit_gaps(
        model.code, *fixed, np.zeros(1), mean, priors.centre, priors.precision, np.stack([parameters, priors.centre])
    )
    return own - penalty - float(value[0])


def deviance_sigma(counts: Float64Array, mean: Float64Array) -> float:
    """Return by how many standard deviations the Poisson deviance exceeds what chance makes of it.

    Pixels are added up to five counts each first; the deviance then has mean and variance near those of χ².
    """
    groups = np.maximum(np.ceil(5.0 / np.maximum(mean.mean(axis=1), 1e-12)).astype(int), 1)
    total, freedom = 0.0, 0
    for seen, wanted, group in zip(counts, mean, groups, strict=True):
        starts = np.arange(0, seen.size, min(int(group), seen.size))
        n, mu = np.add.reduceat(seen, starts), np.maximum(np.add.reduceat(wanted, starts), 1e-12)
        total += 2.0 * float((n * np.log(np.maximum(n, 1e-12) / mu) - n + mu).sum())
        freedom += starts.size
    return (total - freedom) / float(np.sqrt(2.0 * freedom))


def _fixed(spectrum: GapSpectrum, fold: Fold) -> tuple[Any, ...]:
    return fold.fine, fold.first, fold.weights, spectrum.columns, spectrum.kt_ev
