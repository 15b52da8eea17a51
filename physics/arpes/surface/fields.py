"""Rasters of a cleaved surface: flakes, contamination and potential at every site.

A ``Geography`` is a raster: which flake lies at a site, how thick the contamination on it is and how far the site's
potential shifts the spectrum. Drawn ones are Voronoi flakes with jagged edges, cut by cleave steps; measured ones come
from ``measured_surface``.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.surface.levels import MOST_FLAKES, SurfaceNumbers
from beamgym.physics.arpes.surface.raster_kernels import draw_geography
from beamgym.physics.arrays import Float32Array
from beamgym.physics.counter_rng import make_keys

RASTER_CELLS = 128
"""Cells along each edge of the raster."""

FIELD_MM = 2.0
"""Edge of the field that a drawn raster covers, mm."""


@dataclass(frozen=True, eq=False)
class Geography:
    """A sample's map, centred on the stage's origin; rows run along y, columns along x.

    Parameters
    ----------
    flake : (g, g) int16, which flake; −1 beside the sample
    layer : (g, g) float32, thickness of the contamination in inelastic mean free paths
    potential_ev : (g, g) float32, local potential: by how much the spectrum is shifted, eV, upwards where above 0.
        Charging alone shifts down; with photovoltage and the patches' contact potentials, and about the mean on which
        the energy scale is set, both signs occur. Beyond ±``LARGEST_SHIFT_EV`` the shift stays there
    field_mm : edge of the raster, mm

    Raises
    ------
    ValueError : shapes that do not fit, no cell on the sample, too many flakes, layers below 0, numbers not finite
    """

    flake: NDArray[np.int16]
    layer: Float32Array
    potential_ev: Float32Array
    field_mm: float = FIELD_MM

    def __post_init__(self) -> None:
        shape = (RASTER_CELLS, RASTER_CELLS)
        for name, kind in (("flake", np.int16), ("layer", np.float32), ("potential_ev", np.float32)):
            array = np.ascontiguousarray(getattr(self, name), dtype=kind)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"{name} must hold finite numbers of shape {shape}; found shape {array.shape}")
            object.__setattr__(self, name, array)
        if not (self.flake >= 0).any():
            raise ValueError("the surface has no sample: every cell of flake is −1; mark at least one flake from 0 up")
        if self.flake.max() >= MOST_FLAKES or self.flake.min() < -1:
            raise ValueError(
                f"flakes are numbered −1 (none) to {MOST_FLAKES - 1}; found {self.flake.min()} to {self.flake.max()}"
            )
        if (self.layer < 0).any():
            raise ValueError(f"a contamination layer cannot be thinner than 0; found {self.layer.min():g}")
        if not (np.isfinite(self.field_mm) and self.field_mm > 0):
            raise ValueError(f"field_mm must be a positive length, not {self.field_mm!r}")

    @property
    def cell_mm(self) -> float:
        """Edge of a raster cell, mm."""
        return self.field_mm / RASTER_CELLS

    @property
    def centres_mm(self) -> NDArray[np.float64]:
        """(g,) where the cells' centres lie along x, and along y, mm."""
        return np.asarray((np.arange(RASTER_CELLS) + 0.5) * self.cell_mm - 0.5 * self.field_mm)

    @property
    def on_sample(self) -> NDArray[np.bool_]:
        """(g, g) where there is sample."""
        return np.asarray(self.flake >= 0)

    def shifted_one_way(self, sign: Literal[-1, 1]) -> "Geography":
        """Return the map with every shift of the potential turned to one sign: sign · |potential|.

        Parameters
        ----------
        sign : −1 for a sample that charges, since photoemission leaves it positive and slows its electrons; +1 upwards

        Raises
        ------
        ValueError : another sign
        """
        if sign not in (-1, 1):
            raise ValueError(f"sign is {sign!r}; choose -1 (shifted down) or 1 (shifted up)")
        return replace(self, potential_ev=sign * np.abs(self.potential_ev))


def draw_geographies(keys: NDArray[np.uint64], numbers: SurfaceNumbers) -> list[Geography]:
    """Draw one cleaved surface from each key (n,).

    Notes
    -----
    Flakes are Voronoi cells of uniformly scattered points, whose edges a smooth displacement makes jagged; the outline
    is a closed curve about the middle. Cleave steps are level lines of a smooth field: along them the layer is thicker.
    Layer and potential are sums of plane waves with random phases.
    """
    drawn = []
    for key in make_keys(keys, 0, 0, 1):
        flake = np.empty((RASTER_CELLS, RASTER_CELLS), dtype=np.int16)
        layer, potential = (
            np.empty((RASTER_CELLS, RASTER_CELLS), np.float32),
            np.empty((RASTER_CELLS, RASTER_CELLS), np.float32),
        )
        draw_geography(key, numbers.geography(), flake, layer, potential)
        drawn.append(Geography(flake, layer, potential))
    return drawn
