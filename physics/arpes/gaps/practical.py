"""The fits that people make of gapped EDCs: leading edge, symmetrised, the density of states of Dynes."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from beamgym.physics.arpes.bands_models import green_function
from beamgym.physics.arpes.gaps.least_squares import fitted
from beamgym.physics.arpes.gaps.spectrum import Fold, GapSpectrum, fold_of
from beamgym.physics.arrays import Float64Array

STARTS_EV: Final = {"one": (0.012,), "three": (0.004, 0.012, 0.025)}
"""Gaps at which fits begin."""
_FEW_EV = 1e-4


@dataclass(frozen=True)
class PracticalFit:
    """A fit and its settings; which of them matter depends on the method.

    Parameters
    ----------
    method : "leading edge", "symmetrised", "peaks" (of the symmetrised EDC) or "Dynes"
    window_ev : energies on either side of the Fermi level that are used
    smooth_ev : standard deviation of the Gaussian with which counts are smoothed first; 0 for none
    free : whether the second width (symmetrised) or the slope (Dynes) is fitted; of the leading edge, whether that of
        a metal at this temperature and resolution is subtracted
    curved : whether the background of a symmetrised EDC is a parabola
    starts : "one" or "three" gaps at which the fit begins; the best is taken
    level : of the leading edge, share of its height
    scale, offset_ev : the leading edge times the one and plus the other is the gap
    """

    method: Literal["leading edge", "symmetrised", "peaks", "Dynes"]
    window_ev: float = 0.08
    smooth_ev: float = 0.0
    free: bool = False
    curved: bool = False
    starts: Literal["one", "three"] = "three"
    level: float = 0.5
    scale: float = 1.0
    offset_ev: float = 0.0

    def gap(self, spectrum: GapSpectrum) -> float:
        """Return the gap of one EDC, eV; 0 where the fit finds none, NaN where it fails."""
        energy, counts = spectrum.energy_ev, _smoothed(spectrum, self.smooth_ev)
        if self.method == "leading edge":
            return _leading_edge(self, spectrum, counts)
        if self.method == "Dynes":
            return _dynes(self, spectrum, counts)
        axis, both = symmetrised(energy, counts, self.window_ev)
        if self.method == "peaks":
            return float(axis[int(np.argmax(both))])
        return _symmetrised(self, spectrum, axis, both)


def symmetrised(energy_ev: Float64Array, counts: Float64Array, window_ev: float) -> tuple[Float64Array, Float64Array]:
    """Return I(ω) + I(−ω) at ω from 0 to the window's end, between pixels by interpolation (Norman et al. 1998).

    Raises
    ------
    ValueError : nothing above the Fermi level
    """
    top = min(window_ev, float(energy_ev[-1]), float(-energy_ev[0]))
    step = float(energy_ev[1] - energy_ev[0])
    axis = np.arange(0.0, top + 1e-9, step)
    if axis.size < 8:
        raise ValueError(f"only {1e3 * top:.3g} meV on either side of the Fermi level; a symmetrised EDC needs more")
    return axis, np.interp(axis, energy_ev, counts) + np.interp(-axis, energy_ev, counts)


def _smoothed(spectrum: GapSpectrum, smooth_ev: float) -> Float64Array:
    from scipy.ndimage import gaussian_filter1d

    counts = spectrum.counts.sum(axis=0)
    return np.asarray(gaussian_filter1d(counts, smooth_ev / spectrum.step_ev)) if smooth_ev > 0.0 else counts


def leading_edge_ev(energy_ev: Float64Array, counts: Float64Array, window_ev: float, level: float) -> float:
    """Return the energy of the leading edge: where the EDC, coming from above, first reaches a share of its maximum.

    Parameters
    ----------
    energy_ev, counts : (n,) smoothed already
    window_ev : below the Fermi level in which the maximum is sought
    level : share of the maximum above the floor
    """
    floor = float(np.median(counts[energy_ev > 0.7 * energy_ev[-1]]))
    near = (energy_ev > -window_ev) & (energy_ev < 0.5 * energy_ev[-1])
    half = floor + level * (float(counts[near].max()) - floor)
    i = int(np.flatnonzero(near & (counts >= half))[-1])
    if i + 1 == energy_ev.size:
        return float("nan")
    rise = float(counts[i] - counts[i + 1])
    return float(energy_ev[i] + (energy_ev[i + 1] - energy_ev[i]) * (counts[i] - half) / max(rise, 1e-12))


def _leading_edge(fit: PracticalFit, spectrum: GapSpectrum, counts: Float64Array) -> float:
    edge = leading_edge_ev(spectrum.energy_ev, counts, fit.window_ev, fit.level)
    metal = 0.0
    if fit.free:
        fold = fold_of(spectrum)
        flat = fold.weights * (1.0 / (1.0 + np.exp(fold.fine / spectrum.kt_ev).clip(max=1e300)))[_rows(fold)]
        metal = leading_edge_ev(spectrum.energy_ev, flat.sum(axis=1), fit.window_ev, fit.level)
    return max(fit.scale * (metal - edge) + fit.offset_ev, 0.0)


def _rows(fold: Fold) -> Float64Array:
    return np.asarray(fold.first[:, None] + np.arange(fold.weights.shape[1]))


def _symmetrised(fit: PracticalFit, spectrum: GapSpectrum, axis: Float64Array, both: Float64Array) -> float:
    """Fit the model of Norman et al. (1998) without occupation, folded with the resolution, over a background."""
    fold = fold_of(
        GapSpectrum(np.concatenate([-axis[:0:-1], axis]), np.ones(2 * axis.size - 1), *_conditions(spectrum))
    )
    fold = Fold(fold.fine, fold.first[axis.size - 1 :], fold.weights[axis.size - 1 :])
    height = float(both.max())

    def model(p: Float64Array) -> Float64Array:
        gap, width, breaking = abs(p[0]), np.exp(p[1]), np.exp(p[2]) if fit.free else _FEW_EV
        green = green_function(fold.fine, 0.0, -1j * width, gap, 0.0, breaking)
        line = (fold.weights * (-green.imag * width)[_rows(fold)]).sum(axis=1)
        back = p[-1] + (p[-2] * (axis / axis[-1]) ** 2 if fit.curved else 0.0)
        return np.asarray(height * (np.exp(p[3]) * line + back))

    tail = [0.1] * (2 if fit.curved else 1)
    starts = [np.array([gap, np.log(0.012), np.log(0.001), 0.0, *tail]) for gap in STARTS_EV[fit.starts]]
    return fitted(model, both, starts)


def _conditions(spectrum: GapSpectrum) -> tuple[float, float]:
    return spectrum.temperature_k, spectrum.resolution_ev


def _dynes(fit: PracticalFit, spectrum: GapSpectrum, counts: Float64Array) -> float:
    """Fit the density of states of Dynes, Narayanamurti & Garno, Phys. Rev. Lett. 41 (1978) 1509, times occupation."""
    near = np.abs(spectrum.energy_ev) <= fit.window_ev
    fold = fold_of(spectrum)
    first, weights = fold.first[near], fold.weights[near]
    rows = first[:, None] + np.arange(weights.shape[1])
    energy, height = spectrum.energy_ev[near], float(counts[near].max())
    occupied = 1.0 / (1.0 + np.exp(np.minimum(fold.fine / spectrum.kt_ev, 700.0)))

    def model(p: Float64Array) -> Float64Array:
        z = np.abs(fold.fine) + 1j * np.exp(p[1])
        states = (z / np.sqrt(z * z - p[0] ** 2)).real
        line = (weights * (states * occupied)[rows]).sum(axis=1)
        slope = 1.0 + (p[4] * energy / fit.window_ev if fit.free else 0.0)
        return np.asarray(height * (np.exp(p[2]) * line * slope + p[3]))

    starts = [np.array([gap, np.log(0.004), np.log(0.5), 0.01, 0.0]) for gap in STARTS_EV[fit.starts]]
    return fitted(model, counts[near], starts)
