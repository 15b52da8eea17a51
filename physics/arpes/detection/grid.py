"""The pixels of a spectrum, and the margins around them from which intensity is blurred in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arpes.checks import at_least_zero
from beamgym.physics.arpes.detection.blur_kernels import REACH
from beamgym.physics.arpes.detection.kernels import Axes
from beamgym.physics.arpes.detection.resolution import FWHM_PER_SIGMA
from beamgym.physics.arrays import Float64Array


@dataclass(frozen=True, eq=False)
class Grid:
    """The pixels of a spectrum.

    Parameters
    ----------
    energy_ev : (e,) E − E_F at the pixel centres, uniform, rising, eV
    slit_deg : (a,) angle along the slit at the pixel centres, uniform, rising, degrees

    Raises
    ------
    ValueError : an axis that is not uniform and rising
    """

    energy_ev: Float64Array
    slit_deg: Float64Array

    def __post_init__(self) -> None:
        for name in ("energy_ev", "slit_deg"):
            axis = np.asarray(getattr(self, name), dtype=np.float64)
            if axis.ndim != 1 or axis.size < 2 or not np.all(np.isfinite(axis)):
                raise ValueError(f"{name} must be a list of at least two numbers; found shape {axis.shape}")
            steps = np.diff(axis)
            if steps[0] <= 0 or np.ptp(steps) > 1e-6 * steps[0] * axis.size:
                raise ValueError(f"{name} must rise in equal steps; resample the axis")
            object.__setattr__(self, name, axis)

    @classmethod
    def uniform(
        cls,
        energy_ev: tuple[float, float] = (-0.55, 0.15),
        slit_deg: tuple[float, float] = (-15.0, 15.0),
        shape: tuple[int, int] = (224, 224),
    ) -> Grid:
        """Return the grid whose first and last pixel centres are the given ends; shape is (energy, slit)."""
        return cls(np.linspace(*energy_ev, shape[0]), np.linspace(*slit_deg, shape[1]))

    @property
    def shape(self) -> tuple[int, int]:
        """(energy, slit) pixels."""
        return self.energy_ev.size, self.slit_deg.size

    @property
    def energy_step_ev(self) -> float:
        """Energy between neighbouring pixels, eV."""
        return float((self.energy_ev[-1] - self.energy_ev[0]) / (self.energy_ev.size - 1))

    @property
    def slit_step_deg(self) -> float:
        """Angle between neighbouring pixels, degrees."""
        return float((self.slit_deg[-1] - self.slit_deg[0]) / (self.slit_deg.size - 1))

    def window(self, energy_fwhm_ev: ArrayLike = 0.0, angle_fwhm_deg: ArrayLike = 0.0, nodes: int = 3) -> Window:
        """Return the grid with margins wide enough for the largest of the given resolutions.

        Raises
        ------
        ValueError : negative resolutions, or such that are not finite
        """
        given = {"energy_fwhm_ev": energy_fwhm_ev, "angle_fwhm_deg": angle_fwhm_deg}
        widths = [at_least_zero(name, value, np.size(value)) for name, value in given.items()]
        widest = [float(np.max(width)) / FWHM_PER_SIGMA for width in widths]
        margin = [math.ceil(REACH * s / step) for s, step in zip(widest, self._steps(), strict=True)]
        return Window(self, margin[0], margin[1], nodes)

    def _steps(self) -> tuple[float, float]:
        return self.energy_step_ev, self.slit_step_deg


@dataclass(frozen=True, eq=False)
class Window:
    """A grid and its margins: h = e + 2·margin_rows energies and w = a + 2·margin_columns angles.

    Bands are tabulated at ``nodes`` energies, evenly over the grid, and interpolated between by the polynomial through
    them: at one slit angle a band changes with energy only as fast as the wave number √E_kin does.
    """

    grid: Grid
    margin_rows: int = 0
    margin_columns: int = 0
    nodes: int = 3

    @property
    def energy_ev(self) -> Float64Array:
        """(h,) padded energies, eV."""
        place = np.arange(-self.margin_rows, self.grid.shape[0] + self.margin_rows)
        return np.asarray(self.grid.energy_ev[0] + self.grid.energy_step_ev * place)

    @property
    def slit_deg(self) -> Float64Array:
        """(w,) padded angles, degrees."""
        place = np.arange(-self.margin_columns, self.grid.shape[1] + self.margin_columns)
        return np.asarray(self.grid.slit_deg[0] + self.grid.slit_step_deg * place)

    @property
    def nodes_ev(self) -> Float64Array:
        """(m,) energies at which bands are tabulated, eV."""
        return np.linspace(self.grid.energy_ev[0], self.grid.energy_ev[-1], self.nodes)

    @property
    def lagrange(self) -> Float64Array:
        """(h, m) weights of the nodes at every padded energy."""
        nodes, energy = self.nodes_ev, self.energy_ev
        weight = np.ones((energy.size, nodes.size))
        for j in range(nodes.size):
            for k in range(nodes.size):
                if j != k:
                    weight[:, j] *= (energy - nodes[k]) / (nodes[j] - nodes[k])
        return weight

    def axes(self) -> Axes:
        """Return what the kernels read."""
        rows, columns = self.grid.shape
        energy, lagrange = self.energy_ev.astype(np.float32), self.lagrange.astype(np.float32)
        return Axes(energy, lagrange, rows, columns, self.margin_rows, self.margin_columns)
