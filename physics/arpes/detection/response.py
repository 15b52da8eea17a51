"""The detector's response: sensitivity, gain map, mesh, defects, dead time, ADC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arpes.checks import at_least_zero
from beamgym.physics.arrays import Float32Array, Float64Array
from beamgym.physics.counter_rng import normal, uniform


@dataclass(frozen=True, eq=False)
class Response:
    """A detector's response for n spectra; the default is flat and counts pulses.

    Parameters
    ----------
    rows, columns : (n, e) and (n, a) sensitivities along energy and slit, multiplied; see ``centre`` and ``mesh``
    maps : (k, e, a) two-dimensional sensitivities, shared; see ``gain_map``
    map_index : (n,) or one for all: which map a spectrum is seen through; −1 for none
    dead_time : (n,) or one for all, in exposures: of m electrons on a pixel m/(1 + m·dead_time) are counted on average,
        ⌈1/dead_time⌉ at most (non-paralysable)
    adc : (n,) or one for all: the camera reads charge clouds instead of pulses
    pulse_spread : relative spread of the pulse heights with ``adc``
    cloud_px : standard deviation of a charge cloud with ``adc``, pixels

    Raises
    ------
    ValueError : sensitivities that are negative or do not fit (when the response is used)
    """

    rows: ArrayLike | None = None
    columns: ArrayLike | None = None
    maps: ArrayLike | None = None
    map_index: ArrayLike | None = None
    dead_time: ArrayLike = 0.0
    adc: NDArray[np.bool_] | bool = False
    pulse_spread: float = 0.4
    cloud_px: float = 0.8

    def __post_init__(self) -> None:
        for name in ("dead_time", "pulse_spread", "cloud_px"):
            value = getattr(self, name)
            if not np.all(np.isfinite(value) & (np.asarray(value) >= 0)):
                raise ValueError(f"{name} must be a number ≥ 0, not {value!r}")

    def arrays(self, n: int, shape: tuple[int, int]) -> tuple[NDArray[np.generic], ...]:
        """Return the checked arrays that the kernels read, for n spectra of ``shape`` (energy, slit)."""
        rows, columns = np.zeros((0, 0), dtype=np.float32), np.zeros((0, 0), dtype=np.float32)
        if self.rows is not None or self.columns is not None:
            rows = _sensitivity("rows", 1.0 if self.rows is None else self.rows, (n, shape[0]))
            columns = _sensitivity("columns", 1.0 if self.columns is None else self.columns, (n, shape[1]))
        if self.maps is None:
            return rows, columns, np.zeros((0, 0, 0), dtype=np.float32), np.zeros(0, dtype=np.int64)
        maps = np.asarray(self.maps, dtype=np.float32)
        if maps.ndim != 3 or maps.shape[1:] != shape:
            raise ValueError(f"maps must have shape (k, {shape[0]}, {shape[1]}); found {maps.shape}")
        maps = _sensitivity("maps", maps, maps.shape)
        index = np.asarray(0 if self.map_index is None else self.map_index, dtype=np.int64)
        if index.shape in ((), (1,)):  # not a read-only view, which kernels would be compiled for anew
            index = np.full(n, index.item())
        if index.shape != (n,) or np.any(index < -1) or np.any(index >= maps.shape[0]):
            raise ValueError(f"map_index must hold {n} numbers from −1 to {maps.shape[0] - 1}")
        return rows, columns, maps, np.ascontiguousarray(index)


def _sensitivity(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Float32Array:
    array = np.asarray(value, dtype=np.float32)
    try:
        array = np.ascontiguousarray(np.broadcast_to(array, shape))
    except ValueError:
        raise ValueError(f"{name} must have shape {shape}; found {array.shape}") from None
    if not (np.all(np.isfinite(array)) and np.all(array >= 0)):
        raise ValueError(f"{name} must hold finite sensitivities ≥ 0")
    return array


def centre(sensitivity: ArrayLike, pixels: int) -> Float64Array:
    """Sensitivity along one axis that falls off from the middle to the edges as a parabola.

    Parameters
    ----------
    sensitivity : (n,) loss at the edges, 0 (flat) to 1
    pixels : length of the axis

    Returns
    -------
    (n, pixels) 1 in the middle, 1 − sensitivity at the edges
    """
    loss = np.atleast_1d(np.asarray(sensitivity, dtype=np.float64))
    if np.any(loss < 0) or np.any(loss > 1):
        raise ValueError("the centre response's sensitivity must lie between 0 and 1")
    place = np.linspace(-1.0, 1.0, pixels)
    return np.asarray(1.0 - loss[:, None] * place**2)


def mesh(depth: ArrayLike, period_px: ArrayLike, phase: ArrayLike, pixels: int) -> Float64Array:
    """Shadow of a grid of wires along one axis.

    Parameters
    ----------
    depth : (n,) share that a wire takes, 0 to 1
    period_px : (n,) distance between wires, pixels, at least 2
    phase : (n,) place of the first wire in periods
    pixels : length of the axis

    Returns
    -------
    (n, pixels) transmission between 1 − depth and 1
    """
    depth, period, phase = (np.atleast_1d(np.asarray(v, dtype=np.float64))[:, None] for v in (depth, period_px, phase))
    if np.any(depth < 0) or np.any(depth > 1) or np.any(period < 2):
        raise ValueError("a mesh needs a depth between 0 and 1 and a period of at least 2 pixels")
    wire = (0.5 + 0.5 * np.cos(2.0 * np.pi * (np.arange(pixels) / period - phase))) ** 8
    return np.asarray(1.0 - depth * wire)


def gain_map(
    key: int | np.uint64,
    shape: tuple[int, int],
    roughness: float = 0.05,
    hot: float = 0.0,
    dead: float = 0.0,
    hot_gain: float = 5.0,
) -> Float32Array:
    """Two-dimensional sensitivity of a channel plate: smooth patches, hot and dead pixels.

    Parameters
    ----------
    key : random key
    shape : (energy, slit)
    roughness : relative standard deviation of the smooth part
    hot, dead : shares of pixels that count ``hot_gain`` times too much, or nothing

    Raises
    ------
    ValueError : shares or roughness that are negative or add up to more than 1
    """
    from scipy.ndimage import zoom

    for name, value in (("roughness", roughness), ("hot", hot), ("dead", dead), ("hot_gain", hot_gain)):
        at_least_zero(name, value, 1)
    if hot + dead > 1.0:
        raise ValueError(f"hot and dead shares must not exceed 1 together; found {hot + dead:g}")
    key = np.uint64(key)
    coarse = np.array([[normal(key, 17 * j + k) for k in range(17)] for j in range(17)])
    smooth = zoom(coarse, (shape[0] / 17.0, shape[1] / 17.0), order=3, mode="nearest", grid_mode=True)
    gain = np.clip(1.0 + roughness * smooth / np.std(smooth), 0.05, None)
    flaw = np.array([uniform(key, 10_000 + i) for i in range(shape[0] * shape[1])]).reshape(shape)
    gain[flaw < dead] = 0.0
    gain[(flaw >= dead) & (flaw < dead + hot)] *= hot_gain
    return np.asarray(gain, dtype=np.float32)


@dataclass(frozen=True)
class SpaceCharge:
    """Shift and broadening by the electrons' own cloud: both grow linearly with the number in a pulse.

    Parameters
    ----------
    shift_ev, broadening_ev : per 1000 electrons in a pulse and mm of spot diameter, eV; to be measured at a beamline

    Notes
    -----
    Zhou et al., J. Electron Spectrosc. Relat. Phenom. 142 (2005) 27: linear in the electrons per pulse, inversely in
    the spot's size; of the order of 10 meV at 1000 electrons per pulse and a spot of half a millimetre. The defaults
    are that order of magnitude, not a measurement.
    """

    shift_ev: float = 0.005
    broadening_ev: float = 0.005

    def apply(
        self, electrons_per_pulse: ArrayLike, spot_mm: ArrayLike, energy_fwhm_ev: ArrayLike
    ) -> tuple[Float64Array, Float64Array]:
        """Return (shift of the spectrum in eV, energy resolution with the broadening added in quadrature)."""
        electrons, spot = np.asarray(electrons_per_pulse, dtype=np.float64), np.asarray(spot_mm, dtype=np.float64)
        if not (np.all(electrons >= 0) and np.all(spot > 0)):
            raise ValueError("space charge needs electrons_per_pulse ≥ 0 and spot_mm > 0")
        load = electrons / 1000.0 / spot
        return self.shift_ev * load, np.hypot(np.asarray(energy_fwhm_ev), self.broadening_ev * load)
