"""Lorentzian fits of many momentum distribution curves at once, and whether each is to be believed."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array

_STEPS: Final = 80
_DONE: Final = 1e-9  # relative fall of the squares below which a fit stands still
_MOST_DAMPING: Final = 1e12
_WIDTHS: Final = 1e-3, 2.0  # of the window
_AT_BOUND: Final = 0.02
_BUMP: Final = 1e-12  # keeps matrices of curves without a peak invertible
_HEIGHT, _CENTRE, _FWHM, _CONSTANT = range(4)


@dataclass(frozen=True, eq=False)
class LorentzianFits:
    """One Lorentzian on a constant, fitted to each of n curves of p points; NaN where a curve is flat.

    Parameters
    ----------
    height, centre_deg, fwhm_deg, constant : (n,) of the fit; heights in the curve's unit
    significance : (n,) height over its standard error
    r2 : (n,) share of the curve's variance that the fit explains, at most 1
    chi2 : (n,) reduced χ², with the counts as variances
    at_bound : (n,) whether the width stands at a bound (0.001 or 2 windows), or the centre at an end of the window
    """

    height: Float64Array
    centre_deg: Float64Array
    fwhm_deg: Float64Array
    constant: Float64Array
    significance: Float64Array
    r2: Float64Array
    chi2: Float64Array
    at_bound: BoolArray


@dataclass(frozen=True)
class FitCriterion:
    """When a fit is believed.

    Parameters
    ----------
    least_r2 : share of the curve's variance that the fit must explain, up to 1
    least_significance : height over its standard error
    most_chi2 : largest reduced χ²

    A fit whose width or centre stands at a bound is never believed.

    Raises
    ------
    ValueError : a number that no fit can satisfy
    """

    least_r2: float = 0.5
    least_significance: float = 5.0
    most_chi2: float = float("inf")

    def __post_init__(self) -> None:
        if not self.least_r2 <= 1.0:
            raise ValueError(f"least_r2 is {self.least_r2}; no fit explains more than 1")
        if not self.most_chi2 > 0.0:
            raise ValueError(f"most_chi2 is {self.most_chi2}; give a number above 0")
        if not self.least_significance < float("inf"):
            raise ValueError(f"least_significance is {self.least_significance}; give a finite number")

    def believes(self, fits: LorentzianFits) -> BoolArray:
        """(n,) which fits are believed."""
        with np.errstate(invalid="ignore"):
            good = (fits.r2 >= self.least_r2) & (fits.significance >= self.least_significance)
            return np.asarray(good & (fits.chi2 <= self.most_chi2) & ~fits.at_bound)


def fit_lorentzians(slit_deg: Float64Array, curves: Float64Array) -> LorentzianFits:
    """Fit one Lorentzian on a constant to each momentum distribution curve.

    Parameters
    ----------
    slit_deg : (p,) angles in degrees, rising
    curves : (n, p) counts

    Returns
    -------
    LorentzianFits

    Notes
    -----
    Least squares with √counts, at least 1, as errors, by Levenberg's and Marquardt's method (Marquardt, J. Soc. Ind.
    Appl. Math. 11, 431, 1963), a parameter at a bound being held there. All curves step together.
    """
    x, y = np.asarray(slit_deg, np.float64), np.asarray(curves, np.float64)
    span, tall = float(np.ptp(x)), np.ptp(y, axis=1)
    flat = tall <= 0.0
    tall = np.where(flat, 1.0, tall)
    weight = 1.0 / np.sqrt(np.maximum(y, 1.0))
    least = y.min(1)
    found = np.stack([tall, x[y.argmax(1)], np.full(len(y), span / 5.0), least], axis=1)
    zero = np.zeros(len(y))
    lower = np.stack([zero, zero + x.min(), zero + _WIDTHS[0] * span, zero], axis=1)
    upper = np.stack([10.0 * tall, zero + x.max(), zero + _WIDTHS[1] * span, np.maximum(y.max(1), 0.0)], axis=1)
    found = np.clip(found, lower, upper)
    found = _least_squares(x, y, weight, found, lower, upper)
    return _judged(x, y, weight, found, flat)


def _least_squares(
    x: Float64Array,
    y: Float64Array,
    weight: Float64Array,
    found: Float64Array,
    lower: Float64Array,
    upper: Float64Array,
) -> Float64Array:
    damping, moving = np.full(len(y), 1e-3), np.arange(len(y))
    squares = _squares(x, y, weight, found)
    for _ in range(_STEPS):
        if not len(moving):
            break
        at, low, high = found[moving], lower[moving], upper[moving]
        rest = (y[moving] - _curve(x, at)) * weight[moving]
        slope = _slopes(x, at) * weight[moving, None]
        gradient = np.einsum("nkp,np->nk", slope, rest)
        held = ((at <= low) & (gradient < 0.0)) | ((at >= high) & (gradient > 0.0))
        slope, gradient = np.where(held[:, :, None], 0.0, slope), np.where(held, 0.0, gradient)
        normal = np.einsum("nkp,nlp->nkl", slope, slope)
        diagonal = np.einsum("nkk->nk", normal)
        diagonal += damping[moving, None] * diagonal + np.where(diagonal > 0.0, _BUMP, 1.0)
        step = np.linalg.solve(normal, gradient[:, :, None])[:, :, 0]
        tried = np.clip(at + step, low, high)
        after = _squares(x, y[moving], weight[moving], tried)
        fall = squares[moving] - after
        better = fall > 0.0
        found[moving[better]], squares[moving[better]] = tried[better], after[better]
        damping[moving] *= np.where(better, 0.2, 5.0)
        still = better & (fall <= _DONE * after)
        moving = moving[~still & (damping[moving] < _MOST_DAMPING)]
    return found


def _judged(
    x: Float64Array, y: Float64Array, weight: Float64Array, found: Float64Array, flat: BoolArray
) -> LorentzianFits:
    slope = _slopes(x, found) * weight[:, None]
    normal = np.einsum("nkp,nlp->nkl", slope, slope)
    variance = np.linalg.pinv(normal, hermitian=True)[:, _HEIGHT, _HEIGHT]
    height = found[:, _HEIGHT]
    error = np.sqrt(np.where(variance > 0.0, variance, np.inf))
    rest = y - _curve(x, found)
    spread = np.square(y - y.mean(1, keepdims=True)).sum(1)
    r2 = 1.0 - np.square(rest).sum(1) / np.where(spread > 0.0, spread, np.inf)
    chi2 = np.square(rest * weight).sum(1) / max(len(x) - 4, 1)
    span = float(np.ptp(x))
    fwhm, centre = found[:, _FWHM], found[:, _CENTRE]
    at_end = np.minimum(centre - x.min(), x.max() - centre) <= _AT_BOUND * span
    at_bound = (
        at_end | (fwhm <= (1.0 + _AT_BOUND) * _WIDTHS[0] * span) | (fwhm >= (1.0 - _AT_BOUND) * _WIDTHS[1] * span)
    )
    known = np.where(flat, np.nan, 1.0)
    return LorentzianFits(
        height * known,
        centre * known,
        fwhm * known,
        found[:, _CONSTANT] * known,
        height / error * known,
        r2 * known,
        chi2 * known,
        at_bound | flat,
    )


def _squares(x: Float64Array, y: Float64Array, weight: Float64Array, found: Float64Array) -> Float64Array:
    return np.asarray(np.square((y - _curve(x, found)) * weight).sum(1))


def _curve(x: Float64Array, found: Float64Array) -> Float64Array:
    height, centre, fwhm, constant = (found[:, i, None] for i in range(4))
    return np.asarray(height / (1.0 + (2.0 * (x - centre) / fwhm) ** 2) + constant)


def _slopes(x: Float64Array, found: Float64Array) -> Float64Array:
    """Return the derivatives (n, 4, p) of the curve by height, centre, width and constant."""
    height, centre, fwhm = (found[:, i, None] for i in range(3))
    away = 2.0 * (x - centre) / fwhm
    share = 1.0 / (1.0 + away**2)
    by_centre = 4.0 * height * away * share**2 / fwhm
    return np.stack([share, by_centre, 0.5 * by_centre * away, np.ones_like(share)], axis=1)
