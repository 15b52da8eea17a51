"""Pictures of cuts with the copies that were found, and of samples with their domains."""

from pathlib import Path
from typing import Any

import numpy as np

from beamgym.physics.arpes.domains import CANVAS, Canvas, CutDomains, SampleDomains
from beamgym.physics.files import replacing

_COLOURS = ("#1b4f9c", "#d95f02", "#1b9e77", "#7570b3", "#e7298a", "#66a61e")


def draw_cut(path: Path, canvas: Canvas, found: CutDomains) -> Path:
    """Draw a cut, and beside it what it agrees with when shifted; offsets are marked.

    Parameters
    ----------
    path : PNG
    canvas : with the cut
    found : what was said of it
    """
    figure, axes = _figure(1, 2, (9.0, 4.2))
    counts = canvas.measured(0)
    slit, energy = canvas.slit_deg[canvas.columns > 0], CANVAS.energy_ev[canvas.rows > 0]
    extent = (slit[0], slit[-1], energy[0], energy[-1])
    axes[0].imshow(np.sqrt(counts), origin="lower", aspect="auto", extent=extent, cmap="Greys")
    axes[0].set_xlabel("angle along the slit (°)")
    axes[0].set_ylabel("$E - E_F$ (eV)")
    shift, likeness = _likeness(counts, canvas.step_deg)
    axes[1].plot(shift, likeness, color="black", lw=0.9)
    for d in range(1, found.number):
        low, high = (found.offset_deg[d] + sign * np.nan_to_num(found.offset_error_deg[d]) for sign in (-1, 1))
        axes[1].axvspan(low, high, color=_COLOURS[d], alpha=0.3, lw=0)
        axes[1].axvline(found.offset_deg[d], color=_COLOURS[d], lw=1.2, label=f"domain {d + 1}")
    axes[1].set_xlabel("shift along the slit (°)")
    axes[1].set_ylabel("agreement with itself")
    axes[1].set_title(f"{found.number} domain" + ("s" if found.number > 1 else ""))
    return _saved(figure, path)


def draw_sample(path: Path, canvas: Canvas, found: SampleDomains, columns: Any, shape: tuple[int, ...]) -> Path:
    """Draw which domain lies where, the weight of each, and its spectrum.

    Parameters
    ----------
    path : PNG
    canvas : with the cuts of all sites
    found : their domains
    columns : "domain", 0 and less where there is none, and "weight_1", … of every site of the file (m,)
    shape : of the m sites in the file
    """
    from matplotlib.colors import ListedColormap

    figure, axes = _figure(2, found.number + 1, (3.0 * (found.number + 1), 6.0))
    grid = shape if len(shape) == 2 else (1, -1)
    labels = np.where(columns["domain"] > 0, columns["domain"], np.nan).reshape(grid)
    colours = ListedColormap(_COLOURS[: found.number])
    axes[0, 0].imshow(labels, origin="lower", cmap=colours, vmin=0.5, vmax=found.number + 0.5)
    axes[0, 0].set_title("domain")
    axes[1, 0].set_axis_off()
    slit, energy = canvas.slit_deg[canvas.columns > 0], CANVAS.energy_ev[canvas.rows > 0]
    extent = (slit[0], slit[-1], energy[0], energy[-1])
    for d in range(found.number):
        axes[0, d + 1].imshow(columns[f"weight_{d + 1}"].reshape(grid), origin="lower", cmap="viridis", vmin=0, vmax=1)
        axes[0, d + 1].set_title(f"weight of {d + 1}", color=_COLOURS[d])
        shown = found.pattern[d][canvas.rows > 0][:, canvas.columns > 0]
        axes[1, d + 1].imshow(np.sqrt(shown), origin="lower", aspect="auto", extent=extent, cmap="Greys")
        axes[1, d + 1].set_xlabel("angle along the slit (°)")
    axes[1, 1].set_ylabel("$E - E_F$ (eV)")
    return _saved(figure, path)


def _likeness(counts: Any, step_deg: float) -> tuple[Any, Any]:
    wavy = counts - counts.mean(1, keepdims=True)
    power = np.abs(np.fft.rfft(wavy, 2 * counts.shape[1], axis=1)) ** 2
    summed = np.fft.irfft(power, axis=1).sum(0)
    most = min(int(12.0 / step_deg), counts.shape[1] // 2)
    return np.arange(1, most) * step_deg, summed[1:most] / summed[0]


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns)


def _saved(figure: Any, path: Path) -> Path:
    with replacing(path) as draft:
        figure.savefig(draft, dpi=130, format="png")
    return path
