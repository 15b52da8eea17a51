"""From a spectrum to the probability of every gap: nuisance parameters are integrated out at each."""

from dataclasses import dataclass, replace

import numpy as np

from beamgym.physics.arpes.gaps.cut import cut_starts
from beamgym.physics.arpes.gaps.kernels import HEIGHT, WIDTH, fit_gaps
from beamgym.physics.arpes.gaps.models import GapModel, Priors, priors_of
from beamgym.physics.arpes.gaps.spectrum import Fold, GapSpectrum, fold_of
from beamgym.physics.arrays import Float64Array

LARGEST_EV = 0.08
"""Gaps beyond it are not looked for."""
_COARSE, _CLOSE = 26, 12
_ROOT_EV = 0.005  # gaps are even in a logarithm beyond it, even in size below
_FAR = 8.0  # below the largest logarithm of the evidence, where no closer look is worth its time
_FINE = 300


@dataclass(frozen=True, eq=False)
class GapPosterior:
    """What a spectrum says of its gap.

    Parameters
    ----------
    gap_ev : (g,) rising from 0
    density : (g,) of probability, 1/eV, given that there is a gap
    log_bayes : ln of how much better a gap, of the prior, explains the spectrum than none
    log_evidence : ln of the probability of the counts, a gap and none being as likely; up to what kinds share
    profile : (f,) log posterior of the best fit at each fitted gap, none first
    fitted_ev : (f,) these gaps
    parameters : (f, 10) of those fits
    conditions : the spectrum under the temperature and resolution that fit best
    """

    gap_ev: Float64Array
    density: Float64Array
    log_bayes: float
    log_evidence: float
    profile: Float64Array
    fitted_ev: Float64Array
    parameters: Float64Array
    conditions: GapSpectrum

    def quantile(self, share: float) -> float:
        """Return the gap below which this share of the probability lies, eV."""
        parts = 0.5 * (self.density[1:] + self.density[:-1]) * np.diff(self.gap_ev)
        total = np.concatenate([[0.0], np.cumsum(parts)])
        return float(np.interp(share, total / total[-1], self.gap_ev))

    @property
    def rise(self) -> float:
        """By how much the best gap's log posterior exceeds that of none."""
        return float(self.profile.max() - self.profile[0])


def posterior_of(spectrum: GapSpectrum, model: GapModel, fold: Fold | None = None) -> GapPosterior:
    """Return the probability of every gap.

    Parameters
    ----------
    spectrum : what was measured
    model : the kind of gap
    fold : of ``fold_of``, where many spectra share their pixels

    Notes
    -----
    The prior of the gap is even in x = ln(1 + Δ/5 meV) up to 80 meV. At each gap the other parameters are fitted and
    integrated by Laplace's method (Tierney & Kadane, J. Am. Stat. Assoc. 81 (1986) 82, Eq. 2.1): over all gaps
    coarsely, then closely where the evidence is. Temperature and resolution with errors are integrated over three
    points each, Gauss and Hermite's.
    """
    priors = priors_of(model, height_of(spectrum), spectrum.fermi_error_ev, len(spectrum.counts) > 1)
    nodes = _nodes(spectrum)
    folds = [fold_of(one.spectrum) if fold is None or len(nodes) > 1 else fold for one in nodes]

    def scan(x: Float64Array, starts: Float64Array) -> tuple[Float64Array, ...]:
        fits = [
            _fits(one.spectrum, fold, model, priors, _gap(x), starts) for one, fold in zip(nodes, folds, strict=True)
        ]
        logs = np.stack(
            [value - 0.5 * spread + np.log(one.share) for (value, spread, _), one in zip(fits, nodes, strict=True)]
        )
        values = np.stack([value - one.penalty for (value, _, _), one in zip(fits, nodes, strict=True)])
        return np.logaddexp.reduce(logs, axis=0), values.T, np.stack([where for _, _, where in fits], axis=1)

    coarse = np.linspace(0.0, np.log1p(LARGEST_EV / _ROOT_EV), _COARSE)
    starts = starts_of(priors) if len(spectrum.counts) == 1 else cut_starts(spectrum, model, folds[0], priors)
    found = scan(coarse, starts)
    near = coarse[found[0] > found[0].max() - _FAR]
    step = coarse[1]
    close = np.linspace(max(near[0] - step, 0.0), min(near[-1] + step, coarse[-1]), _CLOSE + near.size)[1:-1]
    at = np.unravel_index(int(np.argmax(found[1])), found[1].shape)
    more = scan(close, np.vstack([found[2][at], starts]))
    x, (logs, values, where) = _merged((coarse, found), (close, more))
    prior = 0.5 * float(np.log(priors.precision).sum())
    node = int(np.unravel_index(int(np.argmax(values)), values.shape)[1])
    return _density(x, logs + prior, values.max(axis=1), where[:, node], nodes[node].spectrum)


def _gap(x: Float64Array) -> Float64Array:
    return np.asarray(_ROOT_EV * np.expm1(x))


def _merged(*parts: tuple[Float64Array, tuple[Float64Array, ...]]) -> tuple[Float64Array, tuple[Float64Array, ...]]:
    """Return two scans as one, in order, without gaps that come twice."""
    x, order = np.unique(np.concatenate([x for x, _ in parts]), return_index=True)
    return x, tuple(np.concatenate([values[k] for _, values in parts])[order] for k in range(3))


def _density(
    x: Float64Array, logs: Float64Array, value: Float64Array, where: Float64Array, conditions: GapSpectrum
) -> GapPosterior:
    """Interpolate the evidence between fitted gaps, and norm it."""
    from scipy.interpolate import PchipInterpolator

    near = x[logs > logs.max() - _FAR]
    ends = max(near[0] - 0.1, 0.0), min(near[-1] + 0.1, x[-1])
    fine = np.unique(np.concatenate([x, np.linspace(0.0, x[-1], _FINE), np.linspace(*ends, _FINE)]))
    smooth = PchipInterpolator(x, logs)(fine)
    weight = np.exp(smooth - smooth.max())
    mass = float(np.trapezoid(weight, fine)) / x[-1]
    density = weight * np.exp(-fine) / (mass * x[-1] * _ROOT_EV)
    gapped, none = float(np.log(mass) + smooth.max()), float(logs[0])
    either = float(np.logaddexp(gapped, none)) - np.log(2.0)
    return GapPosterior(_gap(fine), density, gapped - none, either, value, _gap(x), where, conditions)


@dataclass(frozen=True, eq=False)
class _Node:
    """The spectrum under a temperature and a resolution that it may have, with its share and its ln of probability."""

    spectrum: GapSpectrum
    share: float
    penalty: float


def _nodes(spectrum: GapSpectrum) -> list[_Node]:
    """Return the conditions that a spectrum may have, as stated first."""
    rule = ((0.0, 2.0 / 3.0), (np.sqrt(3.0), 1.0 / 6.0), (-np.sqrt(3.0), 1.0 / 6.0))
    warm = rule if spectrum.temperature_error_k > 0.0 else ((0.0, 1.0),)
    wide = rule if spectrum.resolution_error_ev > 0.0 else ((0.0, 1.0),)
    bare = replace(spectrum, temperature_error_k=0.0, resolution_error_ev=0.0)
    kelvin, width = spectrum.temperature_k, spectrum.resolution_ev
    return [
        _Node(
            replace(
                bare,
                temperature_k=kelvin + t * spectrum.temperature_error_k,
                resolution_ev=width + r * spectrum.resolution_error_ev,
            ),
            share * part,
            0.5 * (t * t + r * r),
        )
        for t, share in warm
        for r, part in wide
    ]


def _fits(
    spectrum: GapSpectrum, fold: Fold, model: GapModel, priors: Priors, gaps: Float64Array, starts: Float64Array
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return log posterior, ln det of its curvature, and parameters at each gap."""
    value, spread, where = fit_gaps(
        model.code, fold.fine, fold.first, fold.weights, spectrum.columns, spectrum.kt_ev, gaps, spectrum.counts,
        priors.centre, priors.precision, starts,
    )  # fmt: skip
    return value, spread, where


def height_of(spectrum: GapSpectrum) -> float:
    """Return the counts of a pixel where they are highest, smoothed, and 1 at the least."""
    wide = max(3, spectrum.energy_ev.size // 20)
    smooth = np.apply_along_axis(np.convolve, 1, spectrum.counts, np.full(wide, 1.0 / wide), "same")
    return max(float(smooth.max()), 1.0)


def starts_of(priors: Priors) -> Float64Array:
    """Return where fits begin: (s, 10), a narrow, a usual and a wide line."""
    out = np.tile(priors.centre, (3, 1))
    out[:, WIDTH] += np.array([-1.0, 0.0, 1.0])
    out[:, HEIGHT] += np.array([0.3, 0.0, -0.2])
    return out
