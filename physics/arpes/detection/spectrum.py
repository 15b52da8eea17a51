"""A batch of spectra: the tables that describe n samples and the one call that turns them into counts.

A ``Scene`` holds what the samples emit, on a ``Window``: the grid with margins, since what lies just outside is blurred
into it. ``render`` takes it through resolution, background, detector and counting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arpes.checks import as_batch, at_least_zero
from beamgym.physics.arpes.detection.background import Background
from beamgym.physics.arpes.detection.blur_kernels import REACH
from beamgym.physics.arpes.detection.clouds_kernels import charge_clouds
from beamgym.physics.arpes.detection.dead_time_kernels import count_slowly
from beamgym.physics.arpes.detection.grid import Grid, Window
from beamgym.physics.arpes.detection.kernels import (
    Extras,
    Tables,
    band_signal,
    detect,
    fill_background,
    scale_to_one,
)
from beamgym.physics.arpes.detection.noise_kernels import INVERSE, WIDE_MEAN, count_events, count_poisson
from beamgym.physics.arpes.detection.resolution import FWHM_PER_SIGMA
from beamgym.physics.arpes.detection.response import Response
from beamgym.physics.arrays import Float32Array

__all__ = ["Grid", "Rendered", "Scene", "Window", "band_intensity", "detected", "render"]


def _none() -> Float32Array:
    return np.zeros((0, 0, 0), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Scene:
    """The emission of n samples as tables, and the resolution of the measurement.

    Parameters
    ----------
    window : grid with margins: h energies, w angles, m nodes
    dispersion_ev : (n, b, m, w) bare band energies, eV
    weight : (n, b, w) |matrix element|² times the domain's share
    sigma_real, sigma_imag : (n, b, h) self-energy at the padded energies, eV, or (n, 1, h) for all bands alike;
        the imaginary part is negative (retarded)
    count : (n,) number of bands in use; default all
    temperature_k : (n,) of the electrons
    energy_fwhm_ev, angle_fwhm_deg : (n,) resolutions, full width at half maximum
    fermi_ev : (n,) shift of the whole spectrum on the energy axis, by charging
    broadening_ev : (n, b, w) a further half width, as kz broadening gives; optional
    gap_kind : (n,) kernels.NO_GAP, PAIRING or DENSITY_WAVE; optional
    gap_ev : (n, b, w) Δ; pair_breaking_ev : (n,) Γ0
    partner_ev : (n, b, m, w) for density waves: the band at k + Q

    Raises
    ------
    ValueError : shapes that do not fit, negative widths or temperatures, a self-energy that is not retarded
    """

    window: Window
    dispersion_ev: Float32Array
    weight: Float32Array
    sigma_real: Float32Array
    sigma_imag: Float32Array
    count: NDArray[np.int64] | None = None
    temperature_k: ArrayLike = 20.0
    energy_fwhm_ev: ArrayLike = 0.0
    angle_fwhm_deg: ArrayLike = 0.0
    fermi_ev: ArrayLike = 0.0
    broadening_ev: Float32Array = field(default_factory=_none)
    gap_kind: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    gap_ev: Float32Array = field(default_factory=_none)
    partner_ev: Float32Array = field(default_factory=lambda: np.zeros((0, 0, 0, 0), dtype=np.float32))
    pair_breaking_ev: ArrayLike = 0.0

    def __post_init__(self) -> None:
        n, b, m, w = self.dispersion_ev.shape
        h = self.window.energy_ev.size
        if (m, w) != (self.window.nodes, self.window.slit_deg.size):
            raise ValueError(
                f"dispersion_ev must have shape (n, b, {self.window.nodes}, {self.window.slit_deg.size}) to fit the "
                f"window; found {self.dispersion_ev.shape}"
            )
        if self.weight.shape != (n, b, w):
            raise ValueError(f"weight must have shape {(n, b, w)}; found {self.weight.shape}")
        for name in ("sigma_real", "sigma_imag"):
            if getattr(self, name).shape not in ((n, b, h), (n, 1, h)):
                raise ValueError(
                    f"{name} must have shape {(n, b, h)} or {(n, 1, h)}; found {getattr(self, name).shape}"
                )
        if not np.max(self.sigma_imag) < 0.0:
            raise ValueError("sigma_imag must be negative everywhere (a retarded self-energy); add an impurity term")
        for name in ("temperature_k", "energy_fwhm_ev", "angle_fwhm_deg", "pair_breaking_ev"):
            object.__setattr__(self, name, at_least_zero(name, getattr(self, name), n))
        object.__setattr__(self, "fermi_ev", as_batch("fermi_ev", self.fermi_ev, n))
        count = np.full(n, b) if self.count is None else np.asarray(self.count, dtype=np.int64)
        if count.shape != (n,) or np.any(count < 0) or np.any(count > b):
            raise ValueError(f"count must hold {n} numbers of bands between 0 and {b}")
        object.__setattr__(self, "count", count)

    def __len__(self) -> int:
        return len(self.dispersion_ev)

    def tables(self) -> Tables:
        """Return what the kernels read."""
        step_ev, step_deg = self.window.grid.energy_step_ev, self.window.grid.slit_step_deg
        energy_sigma = np.asarray(self.energy_fwhm_ev) / FWHM_PER_SIGMA / step_ev
        angle_sigma = np.asarray(self.angle_fwhm_deg) / FWHM_PER_SIGMA / step_deg
        margins = (self.window.margin_rows, self.window.margin_columns)
        for sigma, margin, name in zip((energy_sigma, angle_sigma), margins, ("energy", "angle"), strict=True):
            if math.ceil(REACH * float(np.max(sigma, initial=0.0))) > margin:
                raise ValueError(
                    f"the window's margin is too narrow for an {name} resolution of {float(np.max(sigma)):.3g} pixels; "
                    "build it with Grid.window(energy_fwhm_ev, angle_fwhm_deg)"
                )
        return Tables(
            np.ascontiguousarray(self.dispersion_ev, dtype=np.float32),
            self.count,
            np.ascontiguousarray(self.weight, dtype=np.float32),
            np.ascontiguousarray(self.sigma_real, dtype=np.float32),
            np.ascontiguousarray(self.sigma_imag, dtype=np.float32),
            np.ascontiguousarray(self.broadening_ev, dtype=np.float32),
            np.ascontiguousarray(self.gap_kind, dtype=np.int64),
            np.ascontiguousarray(self.gap_ev, dtype=np.float32),
            np.ascontiguousarray(self.partner_ev, dtype=np.float32),
            np.asarray(self.pair_breaking_ev, dtype=np.float32),
            np.asarray(self.temperature_k),
            np.asarray(self.fermi_ev),
            energy_sigma,
            angle_sigma,
        )


@dataclass(frozen=True, eq=False)
class Rendered:
    """n spectra.

    ``counts`` (n, e, a) what was counted; ``arpes`` and ``background`` (n, e, a) the noise-free parts in front of the
    detector, scaled so that the largest of ``arpes`` is 1 (empty arrays unless asked for); ``peak`` (n,) what that
    largest was, in 1/eV. ``summary`` (n, 5), behind the detector's response: largest background, largest total,
    sums of signal, background and total.
    """

    counts: Float32Array
    arpes: Float32Array
    background: Float32Array
    peak: Float32Array
    summary: Float32Array


def render(
    scene: Scene,
    background: Background,
    response: Response,
    events: ArrayLike,
    keys: NDArray[np.uint64],
    clean: bool = True,
    exact: bool = True,
    quick: bool = False,
    room: tuple[Float32Array, Float32Array, Float32Array] | None = None,
) -> Rendered:
    """Simulate n spectra.

    Parameters
    ----------
    scene, background, response : of n samples
    events : (n,) electrons counted; with dead time, electrons that arrive on average, of which fewer are counted
    keys : (n,) random keys; a sample's numbers depend on its own key only
    clean : also return the noise-free signal and background
    exact : without dead time exactly ``events`` electrons are counted; else a Poisson number with that mean
    quick : blur wide energy resolutions on thinned rows, to 1e-4 of the brightest that the resolution reaches
    room : where to write electrons, bands and background, (n, e, a) each of contiguous single precision, for callers
        that render over and over; new arrays by default

    Raises
    ------
    ValueError : shapes that do not fit, negative numbers of events
    """
    n = len(scene)
    rows, columns = scene.window.grid.shape
    number = at_least_zero("events", events, n)
    keys = np.asarray(keys)
    if keys.shape != (n,) or keys.dtype != np.uint64:
        raise ValueError(f"keys must be {n} uint64 keys from make_keys; found {keys.dtype} of shape {keys.shape}")
    extras = _extras(background, response, n, scene.window.grid.shape)
    kept = n if clean else 0
    counts, arpes, rest = room or (np.empty((m, rows, columns), dtype=np.float32) for m in (n, kept, kept))
    peak, summary = np.zeros(n, dtype=np.float32), np.zeros((n, 5), dtype=np.float32)
    clouds = (float(response.pulse_spread), float(response.cloud_px))
    adc = np.ascontiguousarray(np.broadcast_to(np.asarray(response.adc, dtype=bool), (n,)))
    dead_time = at_least_zero("dead_time", response.dead_time, n)
    _render(
        scene.tables(), scene.window.axes(), extras, np.floor(number) if exact else number, keys, exact, quick, clouds,
        adc, dead_time, INVERSE, counts, arpes, rest, peak, summary,
    )  # fmt: skip
    return Rendered(counts, arpes, rest, peak, summary)


def band_intensity(scene: Scene) -> Float32Array:
    """Return A·f of the bands at the scene's resolution, (n, e, a) in 1/eV."""
    rows, columns = scene.window.grid.shape
    out = np.empty((len(scene), rows, columns), dtype=np.float32)
    _band_intensity(scene.tables(), scene.window.axes(), out)
    return out


def detected(
    signal: Float32Array, background: Background, response: Response
) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Add backgrounds to intensities and apply the detector's response.

    Parameters
    ----------
    signal : (n, e, a), the largest about 1: what background amplitudes are relative to
    background, response : of n samples

    Returns
    -------
    background (n, e, a) in front of the detector, the whole (n, e, a) behind it, and ``Rendered.summary`` (n, 5)
    """
    n, rows, columns = signal.shape
    rest, seen = np.empty_like(signal), np.empty_like(signal)
    summary = np.zeros((n, 5), dtype=np.float32)
    _detected(np.ascontiguousarray(signal), _extras(background, response, n, (rows, columns)), rest, seen, summary)
    return rest, seen, summary


@njit(cache=True, nogil=True, error_model="numpy")
def _band_intensity(tables, axes, out) -> None:  # type: ignore[no-untyped-def]
    sharp = np.empty((axes.energy.shape[0], tables.weight.shape[2]), dtype=np.float32)
    weights = np.empty(max(sharp.shape), dtype=np.float32)
    for i in range(out.shape[0]):
        band_signal(i, tables, axes, False, sharp, weights, out[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _detected(signal, extras, rest, seen, summary) -> None:  # type: ignore[no-untyped-def]
    for i in range(signal.shape[0]):
        fill_background(i, extras, signal[i], rest[i])
        detect(i, extras, signal[i], rest[i], summary[i], seen[i])


def _extras(background: Background, response: Response, n: int, shape: tuple[int, int]) -> Extras:
    return Extras(*background.arrays(n, shape), *response.arrays(n, shape))


@njit(cache=True, nogil=True, error_model="numpy")
def _render(  # type: ignore[no-untyped-def]
    tables,
    axes,
    extras,
    events,
    keys,
    exact,
    quick,
    clouds,
    adc,
    dead_time,
    inverse,
    counts,
    arpes,
    rest,
    peak,
    summary,
) -> None:
    height, width = axes.energy.shape[0], tables.weight.shape[2]
    sharp = np.empty((height, width), dtype=np.float32)
    weights = np.empty(max(height, width), dtype=np.float32)
    signal_room = np.empty((axes.rows, axes.columns), dtype=np.float32)
    rest_room, seen = np.empty_like(signal_room), np.empty_like(signal_room)
    for i in range(counts.shape[0]):
        signal = arpes[i] if arpes.shape[0] else signal_room
        other = rest[i] if arpes.shape[0] else rest_room
        band_signal(i, tables, axes, quick, sharp, weights, signal)
        peak[i] = scale_to_one(signal)
        fill_background(i, extras, signal, other)
        detect(i, extras, signal, other, summary[i], seen)
        total = float(summary[i, 4])
        if total <= 0.0 or events[i] <= 0.0:
            counts[i] = np.float32(0.0)
            continue
        if dead_time[i] > 0.0:
            count_slowly(seen.reshape(-1), events[i] / total, dead_time[i], keys[i], counts[i].reshape(-1))
        elif exact:
            count_events(seen, total, int(events[i]), keys[i], inverse, counts[i], WIDE_MEAN)
        else:
            count_poisson(seen.reshape(-1), events[i] / total, keys[i], inverse, counts[i].reshape(-1), WIDE_MEAN)
        if adc[i]:
            charge_clouds(counts[i], clouds[0], clouds[1], keys[i] ^ np.uint64(0x5DEECE66D), seen)
