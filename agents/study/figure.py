"""The pictures of `beamgym study`: score maps over sample spectra, and the degradation ladders."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from beamgym.agents.study.ladders import LadderResult
from beamgym.agents.study.published import Marked, Scan
from beamgym.envs.arpes_spot import COMPONENTS
from beamgym.physics.files import replacing

_MARK, _SECOND = "#d55e00", "#0072b2"  # vermilion and blue: Okabe & Ito (2008)


def write_study(path: Path, scan: Scan, marked: tuple[Marked, ...], ranks: dict[str, float]) -> None:
    """Draw the maps side by side, and the spectra of the marked places below, to a PNG."""
    figure = Figure(figsize=(13.0, 7.0), dpi=100, layout="constrained")
    halves: Any = figure.subfigures(2, 1, height_ratios=(1.12, 1.0))
    upper, lower = halves
    points = (0.0, float(np.ceil(np.nanmax(scan.truth))))
    maps = (
        (scan.truth, "true, noise-free v2", "points", points, "simulation only"),
        (scan.cnn, "CNN on the counts, v2", "points", points, f"ρ with the truth {ranks['cnn_truth']:.2f}"),
        (scan.bms, "benchmark score (BMS)", "0…1, of this map", None, f"ρ with the truth {ranks['bms_truth']:.2f}"),
        (
            scan.electrons / 1e3,
            "electrons counted",
            "thousands",
            None,
            f"ρ with the truth {ranks['electrons_truth']:.2f}",
        ),
    )
    for number, (axes, part) in enumerate(zip(upper.subplots(1, len(maps), sharey=True), maps, strict=True)):
        _map(axes, scan, marked, *part)
        axes.set(xlabel="x / mm", ylabel="" if number else "y / mm")
    for number, (axes, place) in enumerate(zip(lower.subplots(1, len(marked), sharey=True), marked, strict=True)):
        _spectrum(axes, scan, place)
        axes.set(xlabel="slit angle / °", ylabel="" if number else "E − E$_F$ / eV")
    _save(figure, path)


def write_ladders(path: Path, results: dict[str, LadderResult]) -> None:
    """Draw score and component over the rungs of each ladder to a PNG."""
    figure = Figure(figsize=(12.0, 3.6), dpi=100, layout="constrained")
    for axes, result in zip(figure.subplots(1, len(results)), results.values(), strict=True):
        total, reacts = result.scores[:, :, -1], result.ladder.reacts
        axes.errorbar(result.rungs, total.mean(1), total.std(1), fmt="o-", color=_SECOND, capsize=2, markersize=4)
        axes.set_ylabel("v2 total / points", color=_SECOND)
        other = axes.twinx()
        other.plot(result.rungs, result.mean[:, COMPONENTS.index(reacts)], "s--", color=_MARK, markersize=4)
        other.set_ylabel(reacts, color=_MARK)
        if not result.ladder.falls:
            axes.set_xscale("log")
        axes.set_title(
            f"{result.ladder.name}: ρ total {result.spearman('total'):.2f}, {reacts} {result.spearman(reacts):.2f}",
            fontsize=10,
        )
        axes.set_xlabel(f"{result.ladder.unit}")
    _save(figure, path)


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
    axes.set_facecolor("#e4e6ea")
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
    axes.set(xlim=(-half, half), ylim=(-half - 0.25, half))
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
        f"{place.letter}: {place.why}, {scan.electrons[at] / 1e3:.0f}k e⁻\n"
        f"true {scan.truth[at]:.1f}   CNN {scan.cnn[at]:.1f}   BMS {scan.bms[at]:.2f}",
        fontsize=9,
    )


def _save(figure: Figure, path: Path) -> None:
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    # a palette: noise in full colour makes a file three times as large
    palette = pixels.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    with replacing(path) as draft:
        palette.save(draft, format="PNG", optimize=True)
