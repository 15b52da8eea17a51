"""Scores of an ARPES spectrum: the published definition as its code computes it, and a corrected one (`v2`).

Both give three components, sharpness S, signal to background B and counts N, each from 0 (bad) to 1 (good), a feature
measure F, and a total from 0 to 10. Why the two differ is argued in docs/arpes_scores.md.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import constants

from beamgym.physics.arpes.score.quality_kernels import total_points
from beamgym.physics.arrays import Float64Array

AURELIA_BOLTZMANN_EV: Final = 8.6196e-05
"""Boltzmann's constant in eV/K as aurelia 0.1.0 has it: 0.03 % too large, kept so that its score is its score."""

REFERENCE_COUNTS: Final = 1e5
"""Events at which the counts component is full (Na et al., arXiv 2508.15983, Eq. 10)."""

FEATURE_THRESHOLD: Final = 0.013
"""Feature measure below which the published code takes off four points; its paper says 0.01."""

FEATURE_COLUMNS: Final = 64
"""Columns of the fixed grid on which ``v2`` measures features."""

REFERENCE_ENERGY_EV: Final = 1.0
"""Total width, in eV, at which the sharpness is zero."""

REFERENCE_VELOCITY_EV_A: Final = 1.0
"""Band velocity in eV Å by which ``v2`` turns a width in momentum into one in energy; of a typical valence band."""

_FWHM: Final = 2.0 * np.sqrt(2.0 * np.log(2.0))
_THERMAL_FWHM: Final = 2.0 * np.log(3.0 + 2.0 * np.sqrt(2.0))  # of −df/dE, in units of kB T: 3.5255
_V2_FEATURE: Final = FEATURE_THRESHOLD * 500.0  # the paper's spectra have 500 columns
V2_NODES: Final = np.array([0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 1.0])
V2_PENALTIES: Final = np.array([9.0, 8.0, 5.0, 3.0, 2.0, 1.0, 0.0])


@dataclass(frozen=True)
class Brackets:
    """How components become penalties in the published score.

    Parameters
    ----------
    thresholds : falling; a component in [thresholds[i + 1], thresholds[i]) costs penalties[i]
    penalties : points
    weights : of sharpness, background and counts
    """

    thresholds: tuple[float, ...]
    penalties: tuple[float, ...]
    weights: tuple[float, float, float]


PAPER_BRACKETS: Final = Brackets((0.9, 0.7, 0.5, 0.3, 0.1, 0.0), (1.0, 2.0, 3.0, 5.0, 8.0), (0.6, 1.0, 0.8))
"""The paper's brackets and weights (Eq. 8 and 13), which its data-generating script passes in."""

AURELIA_DEFAULT: Final = Brackets((0.9, 0.7, 0.5, 0.3), (1.0, 2.0, 3.0, 4.0), (1.0, 1.0, 1.0))
"""What aurelia 0.1.0 takes where nothing is passed in; not the paper's."""


@dataclass(frozen=True)
class Scores:
    """Components and total of n spectra.

    Parameters
    ----------
    feature : (n,) feature measure F; of ``paper`` and ``v2`` in different units
    sharpness, background, counts : (n,) S, B, N in 0…1
    total : (n,) points, 0…10
    """

    feature: Float64Array
    sharpness: Float64Array
    background: Float64Array
    counts: Float64Array
    total: Float64Array

    def labels(self) -> NDArray[np.float32]:
        """Return S, B, N and the total side by side, (n, 4)."""
        return np.stack([self.sharpness, self.background, self.counts, self.total], axis=-1).astype(np.float32)

    def __len__(self) -> int:
        return len(self.total)

    def __getitem__(self, index: slice | NDArray[np.bool_] | NDArray[np.integer]) -> "Scores":
        return Scores(*(getattr(self, field.name)[index] for field in fields(self)))


def paper_total(
    feature: ArrayLike,
    sharpness: ArrayLike,
    background: ArrayLike,
    counts: ArrayLike,
    brackets: Brackets = PAPER_BRACKETS,
) -> Float64Array:
    """Return the published total of given components, as the code of aurelia 0.1.0 computes it.

    Parameters
    ----------
    feature, sharpness, background, counts : shapes that broadcast together; F, S, B, N
    brackets : thresholds, penalties and weights

    Returns
    -------
    points, 0…10

    Raises
    ------
    ValueError : when a component is not a number

    Notes
    -----
    Na et al., arXiv 2508.15983, Eq. 6 and 8–13. The code differs from the formula: F below 0.013 costs four points,
    B + N of exactly 0.5 is too little, the result is cut to 0…10, and a component that is negative costs nothing.
    """
    f, s, b, n = np.broadcast_arrays(*(_numbers(value) for value in (feature, sharpness, background, counts)))
    total = np.full(f.shape, 10.0)
    for component, weight in zip((s, b, n), brackets.weights, strict=True):
        total -= weight * _bracket_penalty(component, brackets)
    total += (b > 0.9).astype(float) + (n == 1.0)
    total -= 4.0 * (f < FEATURE_THRESHOLD) + 2.0 * (n + b <= 0.5)
    return np.asarray(np.clip(total, 0.0, 10.0))


def paper_scores(
    arpes: ArrayLike,
    background: ArrayLike,
    response: ArrayLike | None,
    *,
    resolution_ev: ArrayLike,
    temperature_k: ArrayLike,
    width_ev: ArrayLike,
    events: ArrayLike,
    domains: ArrayLike | None = None,
    brackets: Brackets = PAPER_BRACKETS,
) -> Scores:
    """Score spectra as aurelia 0.1.0 does.

    Parameters
    ----------
    arpes, background : (n, e, a) noise-free intensity of the bands, and background, before the detector's response
    response : (n, e, a) detector's response, or none for one throughout
    resolution_ev, temperature_k : (n,) energy resolution FWHM in eV; temperature in K
    width_ev : (n,) smallest −Im Σ of all bands at the lowest energy of the window, in eV (where the code looks it up)
    events : (n,) number of electrons asked for
    domains : (n, e, a) intensity with all domains, where it is not that of the first alone
    brackets : thresholds, penalties and weights

    Returns
    -------
    Scores

    Raises
    ------
    ValueError : for shapes that do not agree, values that are not numbers, negative widths, counts or temperatures

    Notes
    -----
    Na et al., arXiv 2508.15983, Eq. 6–13, in the reading of the code.
    """
    signal, ground, gain = _spectra(arpes, background, response)
    resolution, temperature, width, number = (
        _positive(value, name)
        for value, name in (
            (resolution_ev, "resolution_ev"),
            (temperature_k, "temperature_k"),
            (width_ev, "width_ev"),
            (events, "events"),
        )
    )
    feature = np.abs(np.diff(signal, axis=2)).sum((1, 2)) / _nonzero(signal.sum((1, 2)))
    blur = np.sqrt(resolution**2 + (AURELIA_BOLTZMANN_EV * temperature) ** 2 + width**2)
    sharpness = np.maximum(0.0, 1.0 - blur)
    bands = signal if domains is None else _spectra(domains, background, response)[0]
    brightest = ((bands + ground) * gain).max((1, 2))
    contrast = 1.0 - (ground * gain).max((1, 2)) / _nonzero(brightest)
    counts = np.minimum(1.0, number / REFERENCE_COUNTS)
    n = len(signal)
    f, s, b, c = (np.broadcast_to(part, (n,)).copy() for part in (feature, sharpness, contrast, counts))
    return Scores(f, s, b, c, paper_total(f, s, b, c, brackets))


def v2_total(feature: ArrayLike, sharpness: ArrayLike, background: ArrayLike, counts: ArrayLike) -> Float64Array:
    """Return the ``v2`` total of given components: the published one without its steps, ties and plateaus.

    Parameters
    ----------
    feature, sharpness, background, counts : shapes that broadcast together; F in the units of ``v2``, S, B, N

    Returns
    -------
    points, 0…10, continuous in every component and rising with each
    """
    parts = [_numbers(value) for value in (feature, sharpness, background, counts)]
    shape = parts[0].shape
    if any(part.shape != shape for part in parts):
        parts = [part.copy() for part in np.broadcast_arrays(*parts)]  # a view of one number warns in compiled code
        shape = parts[0].shape
    f, s, b, n = (np.ascontiguousarray(part).reshape(-1) for part in parts)
    points = np.empty(f.size)
    total_points(f, s, b, n, _V2_FEATURE, V2_NODES, V2_PENALTIES, PAPER_BRACKETS.weights, points)
    total: Float64Array = points.reshape(shape)[()]
    return total


def v2_sharpness(
    resolution_ev: ArrayLike,
    temperature_k: ArrayLike,
    width_ev: ArrayLike,
    momentum_fwhm_inv_a: ArrayLike = 0.0,
    spread_inv_a: ArrayLike = 0.0,
) -> Float64Array:
    """Return the sharpness S of ``v2``: one minus the total width in units of 1 eV, every width as a FWHM.

    Parameters
    ----------
    resolution_ev : energy resolution, FWHM, in eV
    temperature_k : in K; the Fermi edge is 3.53 kB T wide
    width_ev : smallest −Im Σ inside the window, in eV; a Lorentzian is twice as wide
    momentum_fwhm_inv_a : angular blur as a FWHM in 1/Å
    spread_inv_a : standard deviation of the domains' directions in 1/Å, weighted by their share of the light

    Returns
    -------
    0…1, of the shape to which the parameters broadcast
    """
    thermal = _THERMAL_FWHM * constants.k / constants.e * _positive(temperature_k, "temperature_k")
    resolution = _positive(resolution_ev, "resolution_ev")
    lifetime = 2.0 * _positive(width_ev, "width_ev")
    blur = REFERENCE_VELOCITY_EV_A * _positive(momentum_fwhm_inv_a, "momentum_fwhm_inv_a")
    spread = REFERENCE_VELOCITY_EV_A * _FWHM * _positive(spread_inv_a, "spread_inv_a")
    total = np.sqrt(thermal**2 + resolution**2 + lifetime**2 + blur**2 + spread**2)
    return np.asarray(np.maximum(0.0, 1.0 - total / REFERENCE_ENERGY_EV))


def v2_feature(arpes: ArrayLike) -> Float64Array:
    """Return the feature measure of ``v2``: about twice the window's width over the width of a feature.

    Parameters
    ----------
    arpes : (n, e, a) noise-free intensity of the bands

    Returns
    -------
    (n,) variation along the slit over the mean, Σ abs(ΔI)·columns / Σ I, after averaging to 64 columns
    """
    signal = _three(arpes, "arpes")
    columns = _average_columns(signal)
    return np.asarray(np.abs(np.diff(columns, axis=2)).sum((1, 2)) * FEATURE_COLUMNS / _nonzero(columns.sum((1, 2))))


def v2_scores(
    arpes: ArrayLike,
    background: ArrayLike,
    response: ArrayLike | None = None,
    *,
    resolution_ev: ArrayLike,
    temperature_k: ArrayLike,
    width_ev: ArrayLike,
    events: ArrayLike,
    momentum_fwhm_inv_a: ArrayLike = 0.0,
    spread_inv_a: ArrayLike = 0.0,
) -> Scores:
    """Score spectra by ``v2``.

    Parameters
    ----------
    arpes, background : (n, e, a) noise-free intensity of the bands (all domains), and background, before the response
    response : (n, e, a) detector's response, or none for one throughout
    resolution_ev, temperature_k : (n,) energy resolution FWHM in eV; temperature in K
    width_ev : (n,) smallest −Im Σ inside the window, in eV
    events : (n,) electrons really counted, or expected to be
    momentum_fwhm_inv_a, spread_inv_a : (n,) as in ``v2_sharpness``

    Returns
    -------
    Scores

    Raises
    ------
    ValueError : for shapes that do not agree, values that are not numbers, negative widths, counts or temperatures
    """
    signal, ground, gain = _spectra(arpes, background, response)
    n = (len(signal),)
    share = np.divide(signal, signal + ground, out=np.zeros_like(signal), where=signal + ground > 0.0)
    contrast = (signal * share * gain).sum((1, 2)) / _nonzero((signal * gain).sum((1, 2)))
    sharpness = v2_sharpness(resolution_ev, temperature_k, width_ev, momentum_fwhm_inv_a, spread_inv_a)
    counts = np.minimum(1.0, _positive(events, "events") / REFERENCE_COUNTS)
    f, s, b, c = (np.broadcast_to(part, n).copy() for part in (v2_feature(signal), sharpness, contrast, counts))
    return Scores(f, s, b, c, v2_total(f, s, b, c))


def _bracket_penalty(component: Float64Array, brackets: Brackets) -> Float64Array:
    penalty = np.zeros(component.shape)
    for upper, lower, points in zip(brackets.thresholds, brackets.thresholds[1:], brackets.penalties, strict=False):
        penalty += points * ((component < upper) & (component >= lower))
    return penalty


def _average_columns(signal: Float64Array) -> Float64Array:
    """Average along the slit to the fixed grid, each column by the share that falls into it."""
    columns = signal.shape[2]
    sums = np.concatenate([np.zeros((*signal.shape[:2], 1)), np.cumsum(signal, axis=2)], axis=2)
    edges = np.linspace(0.0, columns, FEATURE_COLUMNS + 1)
    left = np.minimum(edges.astype(np.int64), columns - 1)
    at_edges = sums[:, :, left] + (edges - left) * (sums[:, :, left + 1] - sums[:, :, left])
    return np.asarray(np.diff(at_edges, axis=2))


def _three(value: ArrayLike, name: str) -> Float64Array:
    array = _numbers(value)
    if array.ndim != 3 or array.shape[2] < 2:
        raise ValueError(
            f"{name} must have the shape (spectra, energy, slit), with two columns or more; got {array.shape}"
        )
    return array


def _spectra(
    arpes: ArrayLike, background: ArrayLike, response: ArrayLike | None
) -> tuple[Float64Array, Float64Array, Float64Array]:
    signal = _three(arpes, "arpes")
    others = (("background", background), ("response", np.ones(1) if response is None else response))
    arrays = []
    for name, value in others:
        array = _numbers(value)
        if array.size > 1 and array.shape != signal.shape:
            raise ValueError(f"{name} has the shape {array.shape}; it must have that of arpes, {signal.shape}")
        arrays.append(np.broadcast_to(array.reshape(1) if array.size == 1 else array, signal.shape))
    return signal, arrays[0], arrays[1]


def _numbers(value: ArrayLike) -> Float64Array:
    array = np.asarray(value, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"scores need finite numbers; {np.count_nonzero(~np.isfinite(array))} are NaN or infinite")
    return array


def _positive(value: ArrayLike, name: str) -> Float64Array:
    array = _numbers(value)
    if (array < 0.0).any():
        raise ValueError(f"{name} must not be negative; got {array.min():g}")
    return array


def _nonzero(sums: Float64Array) -> Float64Array:
    """Return sums by which to divide: a spectrum without a single photon has no features, not infinitely many."""
    return np.where(sums > 0.0, sums, 1.0)
