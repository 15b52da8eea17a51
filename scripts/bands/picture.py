"""Pictures of reconstructed bands, as a paper shows them."""

from pathlib import Path
from typing import Any

import numpy as np

from beamgym.physics.bands.cube import BandCube
from beamgym.physics.bands.structure import BandStructure
from beamgym.physics.files import replacing

_START, _FOUND = "#d95f02", "#1b4f9c"


def draw(path: Path, cube: BandCube, start: BandStructure, found: BandStructure) -> Path:
    """Draw data, start and bands: the line itself, or two cuts through the middle and a map of the highest band.

    Parameters
    ----------
    path : PNG
    cube : the data as measured
    start : where the reconstruction began
    found : the bands, with errors
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0 if cube.is_line else 11.0, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 1 if cube.is_line else 3, squeeze=False)[0]
    middle = cube.shape[0] // 2, cube.shape[1] // 2
    _cut(axes[0], cube, start, found, np.s_[:, middle[1] if not cube.is_line else 0], cube.kx)
    axes[0].set_xlabel("way along the line (1/Å)" if cube.is_line else "$k_x$ (1/Å)")
    axes[0].set_ylabel("energy (eV)")
    if not cube.is_line:
        _cut(axes[1], cube, start, found, np.s_[middle[0], :], cube.ky)
        axes[1].set_xlabel("$k_y$ (1/Å)")
        _map(figure, axes[2], found)
    axes[0].plot([], [], color=_START, lw=0.8, ls="--", label="theory, moved")
    axes[0].plot([], [], color=_FOUND, lw=1.0, label="reconstructed")
    axes[0].legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, fontsize=8, frameon=False)
    with replacing(path) as draft:
        figure.savefig(draft, dpi=160, format="png")
    return path


def _cut(axes: Any, cube: BandCube, start: BandStructure, found: BandStructure, where: Any, k: Any) -> None:
    image = np.sqrt(cube.intensity[where].T)
    half = 0.5 * (k[1] - k[0]), 0.5 * cube.step_ev
    extent = (k[0] - half[0], k[-1] + half[0], cube.energy_ev[0] - half[1], cube.energy_ev[-1] + half[1])
    axes.imshow(image, origin="lower", aspect="auto", extent=extent, cmap="Greys", vmax=np.quantile(image, 0.998))
    for b in range(len(found)):
        energy, error = found.energy_ev[b][where], found.error_ev[b][where]
        axes.plot(k, start.energy_ev[b][where], color=_START, lw=0.7, ls="--")
        axes.plot(k, energy, color=_FOUND, lw=0.9)
        if np.isfinite(error).any():
            axes.fill_between(k, energy - error, energy + error, color=_FOUND, alpha=0.25, lw=0)
    axes.set_ylim(extent[2], extent[3])


def _map(figure: Any, axes: Any, found: BandStructure) -> None:
    shown = np.where(found.mask, found.energy_ev[0], np.nan).T
    extent = (found.kx[0], found.kx[-1], found.ky[0], found.ky[-1])
    drawn = axes.imshow(shown, origin="lower", extent=extent, cmap="viridis", aspect="equal")
    levels = np.linspace(np.nanmin(shown), np.nanmax(shown), 9)
    axes.contour(found.kx, found.ky, shown, levels=levels, colors="white", linewidths=0.5)
    figure.colorbar(drawn, ax=axes, label="highest band (eV)", shrink=0.8)
    axes.set_xlabel("$k_x$ (1/Å)")
    axes.set_ylabel("$k_y$ (1/Å)")
