"""Noise-free cubes and constant-energy maps of an ``Experiment``: many cuts side by side, blurred across them too."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arpes.detection import FWHM_PER_SIGMA, REACH, Grid, band_intensity, blur, shirley
from beamgym.physics.arpes.experiment.conditions import Conditions
from beamgym.physics.arpes.experiment.tables import tabulated
from beamgym.physics.arrays import Float32Array, Float64Array

_BLOCK = 4_000_000  # pixels worked on together, which bounds the memory
_PER_WIDTH = 3  # slices of a map for each width of a line


def deflections(deflection_deg: ArrayLike) -> tuple[Float64Array, float]:
    """Return the (d,) deflections and their step.

    Raises
    ------
    ValueError : deflections that do not rise in equal steps
    """
    try:
        grid = Grid(np.array([0.0, 1.0]), np.asarray(deflection_deg, dtype=np.float64))
    except ValueError as error:
        raise ValueError(str(error).replace("slit_deg", "deflection_deg")) from None
    return grid.slit_deg, grid.slit_step_deg


def cube_signal(conditions: Conditions, grid: Grid, deflection_deg: Float64Array, step_deg: float) -> Float32Array:
    """Return the bands' intensity (d, e, a), its largest value 1."""
    padded, margin = _padded(conditions, deflection_deg, step_deg)
    block = max(1, _BLOCK // (grid.shape[0] * grid.shape[1]))
    parts = [padded[i : i + block] for i in range(0, padded.size, block)]
    signal = np.concatenate([band_intensity(tabulated(conditions, grid, part)) for part in parts])
    return _finished(np.moveaxis(signal, 1, 0), conditions, deflection_deg.size, margin, step_deg)


def map_signal(conditions: Conditions, grid: Grid, deflection_deg: Float64Array, step_deg: float) -> Float32Array:
    """Return the bands' intensity (a, d), integrated over the grid's energies, its largest value 1."""
    padded, margin = _padded(conditions, deflection_deg, step_deg)
    weight = np.ones(grid.shape[0], dtype=np.float32)
    weight[[0, -1]] = 0.5  # the trapezium rule
    block = max(1, _BLOCK // (grid.shape[0] * grid.shape[1]))
    parts = [padded[i : i + block] for i in range(0, padded.size, block)]
    rows = [np.einsum("e,dea->da", weight, band_intensity(tabulated(conditions, grid, part))) for part in parts]
    return _finished(np.concatenate(rows)[None], conditions, deflection_deg.size, margin, step_deg)[:, 0].T


def slices_ev(conditions: Conditions, energy_ev: float, window_ev: float) -> Float64Array:
    """Return energies across the window of a map, so close that no line falls between two of them.

    Three to the width of a line: of the resolution or of 2 Γ where Γ is smallest, whichever is narrower.
    """
    low, high = energy_ev - 0.5 * window_ev, energy_ev + 0.5 * window_ev
    omega = np.linspace(low, high, 201) - conditions.shift_ev
    narrowest = -2.0 * float(np.max(np.imag(conditions.self_energy(omega))))
    widths = [width for width in (narrowest, conditions.resolution_ev) if width > 0]
    steps = math.ceil(_PER_WIDTH * window_ev / min(widths)) if widths else 0
    return np.linspace(low, high, max(steps, 4) + 1)


def shirley_losses(signal: Float32Array, amplitude: float, local: bool) -> Float32Array:
    """Return the Shirley background of a cube (d, e, a).

    An electron that lost energy has forgotten both angles, so the sum is over the slit and the deflection; ``local``
    sums each pair of angles on its own.
    """
    if not local:
        return np.asarray(amplitude * shirley(np.mean(signal, axis=(0, 2))[:, None]))
    above = np.cumsum(signal[:, ::-1], axis=1, dtype=np.float64)[:, ::-1] - 0.5 * signal
    largest = float(np.max(np.sum(signal, axis=1, dtype=np.float64)))
    return np.asarray(amplitude / max(largest, 1e-30) * above, dtype=np.float32)


def _padded(conditions: Conditions, deflection_deg: Float64Array, step_deg: float) -> tuple[Float64Array, int]:
    margin = math.ceil(REACH * conditions.angle_fwhm_deg / FWHM_PER_SIGMA / step_deg)
    return deflection_deg[0] + step_deg * np.arange(-margin, deflection_deg.size + margin), margin


def _finished(signal: Float32Array, conditions: Conditions, number: int, margin: int, step_deg: float) -> Float32Array:
    """Blur (e, d, a) along the deflection, cut the margins off, and scale: (d, e, a)."""
    if margin > 0:
        signal = blur(signal, conditions.angle_fwhm_deg / step_deg, 0.0)
    image = np.ascontiguousarray(np.moveaxis(signal, 1, 0)[margin : margin + number])
    image /= max(float(np.max(image)), 1e-30)
    return image
