"""The picture of a map: every figure over the sites, the best ones marked, and their spectra."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from beamgym.agents.measured.verdict import SpectrumVerdict
from beamgym.physics.arpes.load import MeasuredSpectra, into_window
from beamgym.physics.arrays import Float64Array
from beamgym.physics.files import replacing

_MARK = "#d55e00"  # vermilion: Okabe & Ito (2008)
_MOST_SPECTRA = 5
_LABELS = {
    "total": "total / points",
    "electrons": "electrons",
    "line_over_median": "strongest line / median",
    "background_share": "above over below E$_F$",
    "edge_eV": "edge − E$_F$ / eV",
}


def write_map(
    path: Path,
    measured: MeasuredSpectra,
    columns: dict[str, Float64Array],
    best: Sequence[int] = (),
    verdict: SpectrumVerdict | None = None,
) -> None:
    """Draw figures over the sites, with the best sites marked, and the best sites' spectra below, to a PNG.

    Parameters
    ----------
    path : of the picture
    measured : the spectra with their sites
    columns : figures (m,) to draw, each under its name
    best : rows of the sites to mark
    verdict : of the spectra; without it no spectra are drawn
    """
    shown = list(best)[:_MOST_SPECTRA] if verdict is not None else []
    figure = Figure(figsize=(3.6 * max(len(columns), 2), 4.0 + 3.0 * bool(shown)), dpi=100, layout="constrained")
    parts: Any = figure.subfigures(1 + bool(shown), 1, height_ratios=(1.25, 1.0) if shown else (1.0,), squeeze=False)
    for axes, (name, values) in zip(
        parts[0, 0].subplots(1, len(columns), squeeze=False)[0], columns.items(), strict=True
    ):
        _sites(axes, measured, values, _LABELS.get(name, name), best)
    if shown and verdict is not None:
        for number, (axes, row) in enumerate(
            zip(parts[1, 0].subplots(1, len(shown), squeeze=False)[0], shown, strict=True)
        ):
            draw_spectrum(axes, verdict, row, f"{number + 1}: {verdict.total[row]:.1f} points")
    _save(figure, path)


def write_spectrum(path: Path, verdict: SpectrumVerdict) -> None:
    """Draw the one spectrum of a file as the scorer sees it to a PNG."""
    figure = Figure(figsize=(5.0, 4.4), dpi=100, layout="constrained")
    title = f"{verdict.measured.name}: {verdict.total[0]:.1f} ± {verdict.uncertainty[0, -1]:.1f} points"
    draw_spectrum(figure.subplots(), verdict, 0, title)
    _save(figure, path)


def draw_spectrum(axes: Any, verdict: SpectrumVerdict, row: int, title: str) -> None:
    """Draw √counts of a spectrum within its window."""
    window = verdict.window
    counts = into_window(verdict.measured.counts[row : row + 1], window)[0]
    top = float(np.sqrt(np.percentile(counts, 99.8))) or 1.0
    axes.imshow(
        np.sqrt(counts),
        origin="lower",
        extent=(*window.slit_deg, *window.energy_ev),
        aspect="auto",
        cmap="magma",
        vmax=top,
    )
    axes.axhline(0.0, color="white", linewidth=0.6, linestyle=":")
    axes.set_title(title, fontsize=9)
    axes.set(xlabel="slit angle / °", ylabel="E − E$_F$ / eV")


def _sites(axes: Any, measured: MeasuredSpectra, values: Float64Array, label: str, best: Sequence[int]) -> None:
    names = sorted(measured.sites, key=lambda name: name.lower().startswith("x"))  # x lies across
    if len(names) == 2:
        vertical, horizontal = (measured.sites[name] for name in names)
        if len(measured.shape) == 2:
            grid = (item.reshape(measured.shape) for item in (horizontal, vertical, values))
            image = axes.pcolormesh(*grid, cmap="viridis", shading="nearest")
        else:
            image = axes.scatter(horizontal, vertical, c=values, cmap="viridis", s=25)
        axes.set(xlabel=names[1], ylabel=names[0])
        axes.set_aspect("equal" if _alike(horizontal, vertical) else "auto")
    else:
        horizontal = measured.sites[names[0]] if names else np.arange(len(values), dtype=np.float64)
        vertical = values
        image = axes.scatter(horizontal, values, c=values, cmap="viridis", s=25)
        axes.set(xlabel=names[0] if names else "spectrum", ylabel=label)
    axes.figure.colorbar(image, ax=axes, orientation="horizontal", location="top", label=label, shrink=0.9)
    for number, row in enumerate(best, start=1):
        place = horizontal[row], vertical[row]
        axes.plot(*place, "o", color="none", markeredgecolor=_MARK, markersize=9, markeredgewidth=1.5)
        axes.annotate(str(number), place, xytext=(6, 5), textcoords="offset points", fontsize=9, color=_MARK)


def _alike(horizontal: Float64Array, vertical: Float64Array) -> bool:
    """Return whether a map is not so long that equal scales would make a line of it."""
    spans = float(np.ptp(horizontal)), float(np.ptp(vertical))
    return min(spans) > 0 and 0.2 < spans[0] / spans[1] < 5.0


def _save(figure: Figure, path: Path) -> None:
    canvas: Any = FigureCanvasAgg(figure)
    with replacing(path) as draft:
        canvas.print_figure(str(draft), format="png")
