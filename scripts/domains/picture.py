"""Pictures of cuts with the copies that were found, and of samples with their domains."""

from pathlib import Path
from typing import Any

import numpy as np

from beamgym.physics.arpes.domains import CANVAS, Canvas, CutDomains
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
