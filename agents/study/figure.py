"""The picture of `beamgym study`: score maps over sample spectra."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from beamgym.agents.study.published import Marked, Scan
from beamgym.physics.files import replacing

_MARK = "#d55e00"  # vermilion: Okabe & Ito (2008)
_BESIDE = "#e4e6ea"


def write_study(path: Path, scan: Scan, marked: tuple[Marked, ...], ranks: dict[str, float]) -> None:
    """Draw the maps side by side, and the spectra of the marked places below, to a PNG."""
    figure = Figure(figsize=(14.5, 7.2), dpi=100, layout="constrained")
    halves: Any = figure.subfigures(2, 1, height_ratios=(1.12, 1.0))
    upper, lower = halves
    maps = scan.maps
    points = (0.0, float(np.ceil(np.nanmax([scan.truth, maps["composed"]]))))
    panels = (
        (scan.truth, "true, noise-free v2", "points", points, "simulation only"),
        (maps["composed"], "composed scorer, v2", "points", points, _below(ranks["composed"])),
        (maps["bms"], "BMS as published", "0…1, of this map", None, _below(ranks["bms"])),
        (maps["bms tuned"], "BMS, filtered and tuned", "0…1, of this map", None, _below(ranks["bms tuned"])),
        (maps["electrons"] / 1e3, "electrons counted", "thousands", None, _below(ranks["electrons"])),
    )
    for number, (axes, part) in enumerate(zip(upper.subplots(1, len(panels), sharey=True), panels, strict=True)):
        _map(axes, scan, marked, *part)
        axes.set(xlabel="x / mm", ylabel="" if number else "y / mm")
    for number, (axes, place) in enumerate(zip(lower.subplots(1, len(marked), sharey=True), marked, strict=True)):
        _spectrum(axes, scan, place)
        axes.set(xlabel="slit angle / °", ylabel="" if number else "E − E$_F$ / eV")
    _save(figure, path)


def _below(rank: float) -> str:
    return f"ρ with the truth {rank:.2f}"


def _map(
    axes: Any,
    scan: Scan,
    marked: tuple[Marked, ...],
    values: Any,
    title: str,
    unit: str,
    ends: tuple[float, float] | None,
    below: str,
) -> None:
    half = scan.centres_mm[-1] + 0.5 * (scan.centres_mm[1] - scan.centres_mm[0])
    shown = np.where(scan.on_sample, values, np.nan)
    if ends is None:
        ends = float(np.nanpercentile(shown, 1.0)), float(np.nanpercentile(shown, 99.0))
    image = axes.imshow(
        shown, origin="lower", extent=(-half, half, -half, half), cmap="viridis", vmin=ends[0], vmax=ends[1]
    )
    axes.figure.colorbar(image, ax=axes, orientation="horizontal", location="top", shrink=0.9, aspect=25, label=unit)
    axes.set_facecolor(_BESIDE)
    for place in marked:
        x, y = scan.centres_mm[place.column], scan.centres_mm[place.row]
        axes.plot(x, y, "o", color="none", markeredgecolor="white", markersize=9, markeredgewidth=2.6)
        axes.plot(x, y, "o", color="none", markeredgecolor=_MARK, markersize=9, markeredgewidth=1.4)
        axes.annotate(
            place.letter,
            (x, y),
            xytext=(6, 5),
            textcoords="offset points",
            fontsize=10,
            fontweight="bold",
            color="black",
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
        )
    axes.text(0.5, 0.02, f"{title}\n{below}", transform=axes.transAxes, ha="center", va="bottom", fontsize=9)
    axes.set(xlim=(-half, half), ylim=(-half - 0.25, half), yticks=np.linspace(-half, half, 5))
    axes.set_aspect("equal")


def _spectrum(axes: Any, scan: Scan, place: Marked) -> None:
    energy, slit = scan.grid.energy_ev, scan.grid.slit_deg
    counts = scan.counts[place.row, place.column]
    axes.imshow(
        np.sqrt(counts),
        origin="lower",
        extent=(slit[0], slit[-1], energy[0], energy[-1]),
        aspect="auto",
        cmap="magma",
        vmax=float(np.sqrt(np.percentile(counts, 99.8))) or 1.0,
    )
    axes.axhline(0.0, color="white", linewidth=0.6, linestyle=":")
    at = place.row, place.column
    axes.set_title(
        f"{place.letter}: {place.why}, {scan.maps['electrons'][at] / 1e3:.0f}k e⁻\n"
        f"true {scan.truth[at]:.1f}   scorer {scan.maps['composed'][at]:.1f}   BMS {scan.maps['bms tuned'][at]:.2f}",
        fontsize=9,
    )


def _save(figure: Figure, path: Path) -> None:
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    # a palette: noise in full colour makes a file three times as large
    palette = pixels.quantize(palette=_palette(), dither=Image.Dither.NONE)
    with replacing(path) as draft:
        palette.save(draft, format="PNG", optimize=True)


def _palette() -> Image.Image:
    """Return the colours of the picture: both colour maps in fine steps, greys, and the marks'."""
    steps = [colormaps[name](np.linspace(0.0, 1.0, 112))[:, :3] for name in ("viridis", "magma")]
    greys = np.linspace(0.0, 1.0, 24)[:, None] * np.ones(3)
    marks = [to_rgb(colour) for colour in (_MARK, _BESIDE, "#eb8e55", "#f5c7aa")]  # and the mark's rims
    colours = np.concatenate([*steps, greys, marks])
    image = Image.new("P", (1, 1))
    image.putpalette(np.round(255.0 * colours).astype(np.uint8).tobytes())
    return image
