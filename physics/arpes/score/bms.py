"""The benchmark score (BMS) of the published study: width of a fitted momentum distribution curve, by a threshold.

Na et al., arXiv 2508.15983, Eq. 14–16: what an experimenter's script would compute from a map of measured spectra.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arpes.score.lorentzian import FitCriterion, LorentzianFits, fit_lorentzians
from beamgym.physics.arrays import BoolArray, Float64Array


@dataclass(frozen=True)
class BmsSettings:
    """What the benchmark score is computed with; the defaults are the paper's.

    Parameters
    ----------
    window_ev : lowest and highest energy, eV, summed to a momentum distribution curve; the paper's are kinetic
        energies, the Fermi level of its maps
    slit_window_deg : angles along the slit, degrees, between which one Lorentzian on a constant is fitted
    threshold : counts of a pixel below which it holds background
    threshold_in_means : whether the threshold is in units of the map's mean counts per pixel instead
    criterion : which fits are believed; every one where none is given, as in the paper
    drop_rejected : whether a spectrum whose fit is not believed scores 0 altogether, or loses its sharpness only
    """

    window_ev: tuple[float, float] = (1.88, 1.90)
    slit_window_deg: tuple[float, float] = (-17.0, -6.0)
    threshold: float = 1.0
    threshold_in_means: bool = False
    criterion: FitCriterion | None = None
    drop_rejected: bool = False


PAPER_BMS: Final = BmsSettings()
"""The benchmark score as published."""


@dataclass(frozen=True)
class BenchmarkScores:
    """Benchmark score of a map of n spectra; relative to the map, not absolute.

    Parameters
    ----------
    sharpness : (n,) 1 − FWHM / largest FWHM of the map (Eq. 14); 0 where no fit is believed
    background : (n,) share of the counts in pixels at or above the threshold (Eq. 15)
    counts : (n,) counts over those of the brightest spectrum (Eq. 16)
    total : (n,) mean of the three, 0…1
    fwhm_deg : (n,) width of the fitted Lorentzian in degrees; NaN where no fit is believed
    """

    sharpness: Float64Array
    background: Float64Array
    counts: Float64Array
    total: Float64Array
    fwhm_deg: Float64Array

    @property
    def believed(self) -> BoolArray:
        """(n,) whether the fit was believed."""
        return np.isfinite(self.fwhm_deg)


def bms_scores(
    counts: ArrayLike, energy_ev: ArrayLike, slit_deg: ArrayLike, settings: BmsSettings = PAPER_BMS
) -> BenchmarkScores:
    """Score a map of measured spectra by its own best and worst.

    Parameters
    ----------
    counts : (n, e, a) measured spectra
    energy_ev, slit_deg : (e,), (a,) axes: energy in eV (of the window's kind), angle along the slit in degrees
    settings : windows, threshold and which fits are believed

    Returns
    -------
    BenchmarkScores

    Raises
    ------
    ValueError : for shapes that do not agree, numbers that are not finite, or a window that holds too few points

    Notes
    -----
    Na et al., arXiv 2508.15983, Eq. 14–16. The three have no stated sum; the total here is their mean. The paper says
    of no fit that it failed; a flat curve, which has no peak, has no sharpness here.
    """
    spectra, energy, slit = (np.asarray(value, dtype=np.float64) for value in (counts, energy_ev, slit_deg))
    _check(spectra, energy, slit)
    fits = fit_curves(spectra, energy, slit, settings)
    threshold = settings.threshold * (float(spectra.mean()) if settings.threshold_in_means else 1.0)
    return bms_of_fits(fits, bright_share(spectra, threshold), spectra.sum((1, 2)), settings)


def bms_of_fits(
    fits: LorentzianFits, background: Float64Array, electrons: Float64Array, settings: BmsSettings
) -> BenchmarkScores:
    """Return the benchmark score of a map of n spectra from their fits.

    Parameters
    ----------
    fits : of the momentum distribution curves
    background : (n,) share of the counts in pixels at or above the threshold
    electrons : (n,)
    settings : which fits are believed, and what becomes of the others
    """
    good = np.isfinite(fits.fwhm_deg)
    if settings.criterion is not None:
        good &= settings.criterion.believes(fits)
    fwhm = np.where(good, fits.fwhm_deg, np.nan)
    widest = np.nanmax(fwhm) if good.any() else 1.0
    sharpness = np.where(good, 1.0 - fwhm / widest, 0.0)
    share = electrons / max(float(electrons.max()), 1e-300)
    total = (sharpness + background + share) / 3.0
    return BenchmarkScores(
        sharpness, background, share, np.where(good, total, 0.0) if settings.drop_rejected else total, fwhm
    )


def bright_share(spectra: Float64Array, threshold: float) -> Float64Array:
    """Return the share (n,) of the counts of spectra (n, e, a) in pixels at or above a threshold; 0 without counts."""
    sums = spectra.sum((1, 2))
    faint = np.where(spectra < threshold, spectra, 0.0).sum((1, 2))
    return np.asarray(np.where(sums > 0.0, 1.0 - faint / np.where(sums > 0.0, sums, 1.0), 0.0))


def fit_curves(
    spectra: Float64Array, energy: Float64Array, slit: Float64Array, settings: BmsSettings
) -> LorentzianFits:
    """Return the fits of the momentum distribution curves of spectra (n, e, a) with axes in eV and degrees."""
    rows = _inside(energy, settings.window_ev, 1, "window_ev", "energy_ev")
    columns = _inside(slit, settings.slit_window_deg, 5, "slit_window_deg", "slit_deg")
    return fit_lorentzians(slit[columns], spectra[:, rows].sum(1)[:, columns])


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
