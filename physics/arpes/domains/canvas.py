"""A cut on the even grid on which domains are looked for, with what of that grid was measured."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.detection import Grid
from beamgym.physics.arpes.load import MeasuredSpectra, choose_window, into_window
from beamgym.physics.arpes.recipes import recipe_grid
from beamgym.physics.arrays import Float32Array, Float64Array

CANVAS: Final[Grid] = recipe_grid((48, 120))
"""The grid: −0.55 to 0.15 eV in 48 rows, 30° in 120 columns of a quarter of a degree."""

NARROWEST_DEG: Final = 8.0
"""Angles that a cut must hold at least: fewer have no room for two copies of one pattern."""

LEAST_ROWS: Final = 16
"""Rows of the canvas, 0.24 eV, that a cut must hold at least."""


@dataclass(frozen=True, eq=False)
class Canvas:
    """n cuts of one instrument on the canvas.

    Parameters
    ----------
    counts : (n, 48, 120) electrons, 0 where nothing was measured
    rows, columns : (48,) and (120,) 1 where the cuts were measured, else 0
    slit_deg : (120,) angles of the columns; beyond the measured ones they go on
    scale : the columns' step over the canvas' own, about 1
    notes : what was done, a line each
    """

    counts: Float32Array
    rows: Float32Array
    columns: Float32Array
    slit_deg: Float64Array
    scale: float = 1.0
    notes: tuple[str, ...] = ()

    @property
    def step_deg(self) -> float:
        """Angle between neighbouring columns, degrees."""
        return self.scale * CANVAS.slit_step_deg

    def measured(self, row: int) -> Float32Array:
        """Return cut number ``row`` without what was not measured, (energies, angles)."""
        return np.ascontiguousarray(self.counts[row][np.ix_(self.rows > 0, self.columns > 0)])


def whole_canvas(counts: NDArray[Any]) -> Canvas:
    """Return cuts (n, 48, 120) that cover the canvas."""
    rows, columns = CANVAS.shape
    every = np.ones(rows, dtype=np.float32), np.ones(columns, dtype=np.float32)
    return Canvas(np.asarray(counts, dtype=np.float32), *every, CANVAS.slit_deg)


def onto_canvas(measured: MeasuredSpectra, which: NDArray[Any] | None = None) -> Canvas:
    """Return measured spectra, or some of them, on the canvas; electrons are handed on whole.

    Parameters
    ----------
    measured : with angles
    which : numbers of the spectra; all by default

    Raises
    ------
    ValueError : no angles or no Fermi level, fewer than 10° or 0.24 eV, pixels too coarse
    """
    if measured.slit_deg is None:
        raise ValueError("the file has no angles along a slit: domains differ by angles, nothing can be said")
    if measured.fermi.source == "none":
        raise ValueError("the Fermi level is not known; give it: --fermi-level E, in eV on the file's energy axis")
    window = choose_window(measured.energy_ev, measured.slit_deg)
    energies, angles = _edges(measured.energy_ev)[_ends(window.rows)], _edges(measured.slit_deg)[_ends(window.columns)]
    shape = tuple(
        min(round(float(edges[-1] - edges[0]) / step), most)
        for edges, step, most in (
            (energies, CANVAS.energy_step_ev, CANVAS.shape[0]),
            (angles, CANVAS.slit_step_deg, CANVAS.shape[1]),
        )
    )
    _check(angles, energies, shape)
    taken = np.asarray(measured.counts if which is None else measured.counts[which], dtype=np.float64) / measured.gain
    window = replace(window, energy_edges=energies, slit_edges=angles, shape=(shape[0], shape[1]))
    if np.all(np.abs(taken - np.rint(taken)) < 1e-6 * np.maximum(taken, 1.0)):
        taken = np.rint(taken)
    small = into_window(taken, window)
    counts = np.zeros((len(small), *CANVAS.shape), dtype=np.float32)
    first = int(np.clip(round((energies[0] - CANVAS.energy_ev[0]) / CANVAS.energy_step_ev), 0, 48 - shape[0]))
    left = (CANVAS.shape[1] - shape[1]) // 2
    counts[:, first : first + shape[0], left : left + shape[1]] = small
    rows, columns = np.zeros(CANVAS.shape[0], np.float32), np.zeros(CANVAS.shape[1], np.float32)
    rows[first : first + shape[0]], columns[left : left + shape[1]] = 1.0, 1.0
    step = float(angles[-1] - angles[0]) / shape[1]
    slit = angles[0] + step * (np.arange(CANVAS.shape[1]) - left + 0.5)
    return Canvas(counts, rows, columns, slit, step / CANVAS.slit_step_deg, window.lacks)


def _check(angles: Float64Array, energies: Float64Array, shape: tuple[int, ...]) -> None:
    if angles[-1] - angles[0] < NARROWEST_DEG:
        raise ValueError(
            f"the cut holds {angles[-1] - angles[0]:.3g}° along the slit; domains need {NARROWEST_DEG:g}° or more"
        )
    if shape[0] < LEAST_ROWS:
        raise ValueError(
            f"the cut holds energies from {energies[0]:.3f} to {energies[-1]:.3f} eV of the window from −0.55 to "
            f"0.15 eV; domains need {LEAST_ROWS * CANVAS.energy_step_ev:.2f} eV or more; is the Fermi level right?"
        )


def _ends(part: slice) -> slice:
    return slice(part.start, part.stop + 1)


def _edges(axis: Float64Array) -> Float64Array:
    """Return the pixels' edges (n + 1,): half-way between their centres."""
    middle = 0.5 * (axis[1:] + axis[:-1])
    return np.concatenate([[axis[0] - (middle[0] - axis[0])], middle, [axis[-1] + (axis[-1] - middle[-1])]])
