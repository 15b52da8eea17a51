"""From a spectrum to the probability of every gap: nuisance parameters are integrated out at each."""

from dataclasses import dataclass, replace

import numpy as np

from beamgym.physics.arpes.gaps.kernels import HEIGHT, WIDTH, fit_gaps
from beamgym.physics.arpes.gaps.models import GapModel, Priors, priors_of
from beamgym.physics.arpes.gaps.spectrum import Fold, GapSpectrum, fold_of
from beamgym.physics.arrays import Float64Array

LARGEST_EV = 0.08
"""Gaps beyond it are not looked for."""
_POINTS = 48
_ROOT_EV = 0.005  # gaps are even in a logarithm beyond it, even in size below
_FINER = 400


@dataclass(frozen=True, eq=False)
class GapPosterior:
    """What a spectrum says of its gap.

    Parameters
    ----------
    gap_ev : (g,) rising, even in the variable of the prior
    density : (g,) probability of each, given that there is one; sums to 1
    log_bayes : ln of how much better a gap, of the prior, explains the spectrum than none
    profile : (1 + fitted,) log posterior of the best fit with no gap and at each fitted gap
    fitted_ev : (1 + fitted,) these gaps
    parameters : (1 + fitted, 10) of those fits
    """

    gap_ev: Float64Array
    density: Float64Array
    log_bayes: float
    profile: Float64Array
    fitted_ev: Float64Array
    parameters: Float64Array

    def quantile(self, share: float) -> float:
        """Return the gap below which this share of the probability lies, eV."""
        total = np.cumsum(self.density) - 0.5 * self.density
        return float(np.interp(share, total, self.gap_ev))

    @property
    def rise(self) -> float:
        """By how much the best gap's log posterior exceeds that of none."""
        return float(self.profile.max() - self.profile[0])


def even_gaps(count: int, largest_ev: float = LARGEST_EV) -> Float64Array:
    """Return gaps from 0 to the largest, even where the prior is: ln(1 + Δ/5 meV)."""
    return np.asarray(_ROOT_EV * np.expm1(np.linspace(0.0, np.log1p(largest_ev / _ROOT_EV), count)))


def posterior_of(spectrum: GapSpectrum, model: GapModel, fold: Fold | None = None) -> GapPosterior:
    """Return the probability of every gap.

    Parameters
    ----------
    spectrum : what was measured
    model : the kind of gap
    fold : of ``fold_of``, where many spectra share their pixels

    Notes
    -----
    The prior of the gap is even in ln(1 + Δ/5 meV) up to 80 meV. At each gap the other parameters are fitted and
    integrated by Laplace's method (Tierney & Kadane, J. Am. Stat. Assoc. 81 (1986) 82, Eq. 2.1). Temperature and
    resolution with errors are integrated over three points each, Gauss and Hermite's.
    """
    priors = priors_of(model, height_of(spectrum), spectrum.fermi_error_ev, len(spectrum.counts) > 1)
    gaps, fine = even_gaps(_POINTS), even_gaps(_FINER)
    nodes = _nodes(spectrum)
    fits = [_fits(one, model, priors, gaps, fold if len(nodes) == 1 else None) for one, _ in nodes]
    shares = np.log([share for _, share in nodes])
    evidence = np.stack([value - 0.5 * spread for value, spread, _ in fits]) + shares[:, None]
    coarse = np.logaddexp.reduce(evidence, axis=0)
    smooth = np.interp(np.log1p(fine / _ROOT_EV), np.log1p(gaps / _ROOT_EV), coarse)
    density = np.exp(smooth - smooth.max())
    log_bayes = float(np.log(density.mean()) + smooth.max() - coarse[0])
    value, _, where = fits[0]
    return GapPosterior(fine, density / density.sum(), log_bayes, value, gaps, where)


def _nodes(spectrum: GapSpectrum) -> list[tuple[GapSpectrum, float]]:
    """Return the spectrum under the temperatures and resolutions that it may have, as stated first, with shares."""
    rule = ((0.0, 2.0 / 3.0), (np.sqrt(3.0), 1.0 / 6.0), (-np.sqrt(3.0), 1.0 / 6.0))
    kelvins = [(spectrum.temperature_k + x * spectrum.temperature_error_k, share) for x, share in rule]
    widths = [(spectrum.resolution_ev + x * spectrum.resolution_error_ev, share) for x, share in rule]
    kelvins = kelvins if spectrum.temperature_error_k > 0.0 else [(spectrum.temperature_k, 1.0)]
    widths = widths if spectrum.resolution_error_ev > 0.0 else [(spectrum.resolution_ev, 1.0)]
    bare = replace(spectrum, temperature_error_k=0.0, resolution_error_ev=0.0)
    return [
        (replace(bare, temperature_k=kelvin, resolution_ev=width), share * part)
        for kelvin, share in kelvins
        for width, part in widths
    ]


def _fits(
    spectrum: GapSpectrum, model: GapModel, priors: Priors, gaps: Float64Array, fold: Fold | None
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return log posterior, ln det of its curvature, and parameters at each gap."""
    folded = fold_of(spectrum) if fold is None else fold
    value, spread, where = fit_gaps(
        model.code, folded.fine, folded.first, folded.weights, spectrum.columns, spectrum.kt_ev, gaps, spectrum.counts,
        priors.centre, priors.precision, starts_of(priors),
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
