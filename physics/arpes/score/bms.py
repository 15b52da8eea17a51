"""The benchmark score (BMS) of the published study: width of a fitted momentum distribution curve, by a threshold.

Na et al., arXiv 2508.15983, Eq. 14–16: what an experimenter's script would compute from a map of measured spectra.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arrays import Float64Array

PAPER_WINDOW_EV = (1.88, 1.90)
"""Kinetic energies in eV that the paper sums for its momentum distribution curve: the Fermi level of its maps."""

PAPER_SLIT_DEG = (-17.0, -6.0)
"""Angles along the slit, in degrees, between which the paper fits one branch of the surface state."""


@dataclass(frozen=True)
class BenchmarkScores:
    """Benchmark score of a map of n spectra; relative to the map, not absolute.

    Parameters
    ----------
    sharpness : (n,) 1 − FWHM / largest FWHM of the map (Eq. 14); 0 where no peak could be fitted
    background : (n,) share of the counts in pixels at or above the threshold (Eq. 15)
    counts : (n,) counts over those of the brightest spectrum (Eq. 16)
    total : (n,) mean of the three, 0…1
    fwhm_deg : (n,) width of the fitted Lorentzian in degrees; NaN where no peak could be fitted
    """

    sharpness: Float64Array
    background: Float64Array
    counts: Float64Array
    total: Float64Array
    fwhm_deg: Float64Array


def bms_scores(
    counts: ArrayLike,
    energy_ev: ArrayLike,
    slit_deg: ArrayLike,
    *,
    window_ev: tuple[float, float] = PAPER_WINDOW_EV,
    slit_window_deg: tuple[float, float] = PAPER_SLIT_DEG,
    threshold: float = 1.0,
) -> BenchmarkScores:
    """Score a map of measured spectra by its own best and worst.

    Parameters
    ----------
    counts : (n, e, a) measured spectra
    energy_ev, slit_deg : (e,), (a,) axes: energy in eV (of the window's kind), angle along the slit in degrees
    window_ev : energies summed to a momentum distribution curve
    slit_window_deg : angles between which one Lorentzian on a constant is fitted
    threshold : counts below which a pixel holds background

    Returns
    -------
    BenchmarkScores

    Raises
    ------
    ValueError : for shapes that do not agree, numbers that are not finite, or a window that holds too few points

    Notes
    -----
    Na et al., arXiv 2508.15983, Eq. 14–16. The three have no stated sum; the total here is their mean.
    """
    spectra, energy, slit = (np.asarray(value, dtype=np.float64) for value in (counts, energy_ev, slit_deg))
    _check(spectra, energy, slit)
    rows = _inside(energy, window_ev, 1, "window_ev", "energy_ev")
    columns = _inside(slit, slit_window_deg, 5, "slit_window_deg", "slit_deg")
    curves = spectra[:, rows].sum(1)[:, columns]
    fwhm = np.array([lorentzian_fwhm_deg(slit[columns], curve) for curve in curves])
    widest = np.nanmax(fwhm) if np.isfinite(fwhm).any() else 1.0
    sharpness = np.where(np.isfinite(fwhm), 1.0 - fwhm / widest, 0.0)
    sums = spectra.sum((1, 2))
    faint = np.where(spectra < threshold, spectra, 0.0).sum((1, 2))
    background = np.where(sums > 0.0, 1.0 - faint / np.where(sums > 0.0, sums, 1.0), 0.0)
    share = sums / max(float(sums.max()), 1e-300)
    return BenchmarkScores(sharpness, background, share, (sharpness + background + share) / 3.0, fwhm)


def lorentzian_fwhm_deg(slit_deg: Float64Array, curve: Float64Array) -> float:
    """Fit one Lorentzian on a constant to a momentum distribution curve.

    Parameters
    ----------
    slit_deg, curve : (p,) angles in degrees, and counts

    Returns
    -------
    full width at half maximum in degrees; NaN where no peak stands inside the window
    """
    span = float(np.ptp(slit_deg))
    height = float(np.ptp(curve))
    if height <= 0.0:
        return float("nan")
    start = (height, float(slit_deg[np.argmax(curve)]), span / 5.0, float(curve.min()))
    lower = (0.0, float(slit_deg.min()), 1e-3 * span, 0.0)
    upper = (10.0 * height, float(slit_deg.max()), 2.0 * span, float(curve.max()))
    try:
        from scipy.optimize import curve_fit

        found, _ = curve_fit(
            _lorentzian, slit_deg, curve, p0=start, bounds=(lower, upper), sigma=np.sqrt(np.maximum(curve, 1.0))
        )
    except RuntimeError:  # the fit did not converge: no peak
        return float("nan")
    return float(found[2])


def _lorentzian(x: Float64Array, height: float, centre: float, fwhm: float, constant: float) -> Float64Array:
    return height / (1.0 + (2.0 * (x - centre) / fwhm) ** 2) + constant


def _check(spectra: Float64Array, energy: Float64Array, slit: Float64Array) -> None:
    if spectra.ndim != 3 or not len(spectra) or energy.shape != spectra.shape[1:2] or slit.shape != spectra.shape[2:]:
        raise ValueError(
            f"counts of shape {spectra.shape} with axes of {energy.shape} and {slit.shape}: give "
            "(spectra, energy, slit) and one axis for each of the last two"
        )
    if not (np.isfinite(spectra).all() and np.isfinite(energy).all() and np.isfinite(slit).all()):
        raise ValueError("counts and axes must be finite; at least one is NaN or infinite")


def _inside(
    axis: Float64Array, window: tuple[float, float], fewest: int, name: str, axis_name: str
) -> NDArray[np.bool_]:
    chosen = (axis >= window[0]) & (axis <= window[1])
    if np.count_nonzero(chosen) < fewest:
        raise ValueError(
            f"{name} {window} holds {np.count_nonzero(chosen)} points of {axis_name}, which runs from "
            f"{axis.min():g} to {axis.max():g}; it must hold at least {fewest}"
        )
    return np.asarray(chosen)
