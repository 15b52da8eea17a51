"""What is measured, and under which conditions: counts over E − E_F, temperature, resolution, Fermi level's error."""

from dataclasses import dataclass, field

import numpy as np

from beamgym.physics.arpes.detection import BOLTZMANN_EV, FWHM_PER_SIGMA
from beamgym.physics.arrays import Float64Array, Int64Array

LEAST_PIXELS = 24
"""Energies that a fit of a gap, its widths and a background needs."""
_REACH = 4.5  # standard deviations of the resolution
_COARSEST_EV = 2e-3
_UNEVEN = 0.25  # of a step: how far a pixel may lie from an even grid, as after rounding in a text file


@dataclass(frozen=True, eq=False)
class GapSpectrum:
    """One EDC, or the columns of a cut about a Fermi momentum.

    Parameters
    ----------
    energy_ev : (n,) E − E_F at the pixel centres, rising and even, eV
    counts : (n,) or (columns, n) electrons
    temperature_k : of the sample's electrons
    resolution_ev : full width at half maximum, analyser and beam line together
    fermi_error_ev : one standard deviation of the Fermi level
    temperature_error_k, resolution_error_ev : standard deviations of what is stated
    along : (columns,) where the columns lie, −1 to 1; None for one EDC

    Raises
    ------
    ValueError : no numbers, negative counts, uneven or falling energies, no Fermi level within, a temperature or a
        resolution that is none
    """

    energy_ev: Float64Array
    counts: Float64Array
    temperature_k: float
    resolution_ev: float
    fermi_error_ev: float = 0.0
    temperature_error_k: float = 0.0
    resolution_error_ev: float = 0.0
    along: Float64Array | None = None

    def __post_init__(self) -> None:
        energy = np.asarray(self.energy_ev, dtype=np.float64)
        counts = np.atleast_2d(np.asarray(self.counts, dtype=np.float64))
        along = np.zeros(len(counts)) if self.along is None else np.asarray(self.along, dtype=np.float64)
        _check_axis(energy, counts, along)
        _check_conditions(self)
        object.__setattr__(self, "energy_ev", energy)
        object.__setattr__(self, "counts", counts)
        object.__setattr__(self, "along", along)

    @property
    def step_ev(self) -> float:
        """Width of a pixel."""
        return float(self.energy_ev[-1] - self.energy_ev[0]) / (self.energy_ev.size - 1)

    @property
    def kt_ev(self) -> float:
        """Of the electrons."""
        return BOLTZMANN_EV * self.temperature_k

    @property
    def columns(self) -> Float64Array:
        """Where the columns lie, −1 to 1."""
        assert self.along is not None
        return self.along


@dataclass(frozen=True, eq=False)
class Fold:
    """Resolution and pixels as a band of weights.

    Parameters
    ----------
    fine : (m,) energies at which a model is evaluated, eV
    first : (n,) where a pixel's weights begin on ``fine``
    weights : (n, w), each row's sum is 1
    """

    fine: Float64Array
    first: Int64Array = field(repr=False)
    weights: Float64Array = field(repr=False)


def fold_of(spectrum: GapSpectrum, margin_ev: float = 0.02) -> Fold:
    """Return the weights with which a spectrum's pixels see a model.

    Parameters
    ----------
    spectrum : whose pixels, resolution and temperature
    margin_ev : of model above the highest pixel, whose losses a background counts

    Notes
    -----
    A pixel's weight at ω is the integral of the Gaussian over the pixel. Steps of the model are at most one standard
    deviation of the Gaussian and 2.5 kT wide: the sum over points is then the integral to 1e-4.
    """
    from scipy.special import ndtr

    sigma = spectrum.resolution_ev / FWHM_PER_SIGMA
    step = max(min(sigma, 2.5 * spectrum.kt_ev, _COARSEST_EV), 1e-4)
    reach = _REACH * sigma + spectrum.step_ev
    low, high = spectrum.energy_ev[0] - reach - step, spectrum.energy_ev[-1] + reach + margin_ev
    fine = low + step * np.arange(int(np.ceil((high - low) / step)) + 1)
    width = int(np.ceil(2.0 * (_REACH * sigma + 0.5 * spectrum.step_ev) / step)) + 1
    centre = spectrum.energy_ev
    first = np.clip(np.floor((centre - 0.5 * width * step - low) / step).astype(np.int64), 0, fine.size - width)
    away = centre[:, None] - fine[first[:, None] + np.arange(width)]
    half = 0.5 * spectrum.step_ev
    weights = ndtr((away + half) / sigma) - ndtr((away - half) / sigma)
    return Fold(fine, first, weights / weights.sum(axis=1, keepdims=True))


def _check_axis(energy: Float64Array, counts: Float64Array, along: Float64Array) -> None:
    if energy.ndim != 1 or counts.ndim != 2 or counts.shape != (along.size, energy.size):
        raise ValueError(
            f"{counts.shape} counts for {energy.size} energies and {along.size} columns; give (columns, energies)"
        )
    if energy.size < LEAST_PIXELS:
        raise ValueError(
            f"{energy.size} energies, {LEAST_PIXELS} or more are needed; widen the window, or take finer steps"
        )
    if not (np.isfinite(energy).all() and np.isfinite(counts).all()):
        raise ValueError("a spectrum holds NaN or infinite numbers; cut those pixels off")
    step = (energy[-1] - energy[0]) / (energy.size - 1)
    away = np.abs(energy - np.linspace(energy[0], energy[-1], energy.size)).max()
    if step <= 0 or away > _UNEVEN * step:
        raise ValueError("energies must rise in even steps; sort them and bring them onto an even grid")
    if np.any(counts < 0):
        raise ValueError(f"counts must not be negative (lowest {counts.min():g}); load the spectrum before subtraction")
    if not np.any(counts > 0):
        raise ValueError("a spectrum without counts has no gap; is the shutter open?")
    if not energy[0] < 0.0 < energy[-1]:
        raise ValueError(
            f"the Fermi level, 0, lies outside the energies {energy[0]:.4g} to {energy[-1]:.4g} eV; give it: --fermi EV"
        )


def _check_conditions(asked: GapSpectrum) -> None:
    if not 0.0 < asked.temperature_k < 2000.0:
        raise ValueError(f"temperature {asked.temperature_k:g} K: state that of the sample, in kelvin, above 0")
    if not 1e-4 <= asked.resolution_ev <= 0.2:
        raise ValueError(
            f"resolution {1e3 * asked.resolution_ev:g} meV: state the full width at half maximum, 0.1 to 200 meV"
        )
    if not 0.0 <= asked.fermi_error_ev < 0.05:
        raise ValueError(
            f"a Fermi level known to {1e3 * asked.fermi_error_ev:g} meV says nothing on gaps; measure a gold reference"
        )
    shares = asked.temperature_error_k / asked.temperature_k, asked.resolution_error_ev / asked.resolution_ev
    if not (0.0 <= shares[0] <= 0.5 and 0.0 <= shares[1] <= 0.5):
        raise ValueError("errors of temperature and resolution must not be negative, nor above half of the value")
