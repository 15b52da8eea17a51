"""The picture of an indexed pattern: image in grey, found peaks as circles, predicted spots as crosses with hkl."""

import os
from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from beamgym.physics.arrays import Float64Array
from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.crystal import Crystal
from beamgym.physics.files import replacing
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import Indexed
from beamgym.physics.laue.pattern import LaueModel

OVERLAY_LABELS = 14
"""hkl labels in the picture: the strongest predicted spots, as far as they do not overlap."""
GRAIN_COLOURS = ("#9467bd", "#17a2b8", "#c28e00", "#8c564b", "#e377c2")
"""Circles and crosses of the second and further grains."""
SHOWN_PER_PEAK = 1.6
"""Predicted spots drawn for each found peak, brightest first: all of them would bury the picture."""


def predicted_spots(
    crystal: Crystal, detector: Detector, orientation: Float64Array, band_kev: tuple[float, float]
) -> tuple[Float64Array, Float64Array, NDArray[np.int64]]:
    """Predict the pattern under a flat spectrum.

    Returns
    -------
    position_px (s, 2), intensity (s,) and primitive hkl (s, 3), brightest first
    """
    beam = Beam.flat(band_kev)
    if crystal.radiation == "neutron":
        beam = Beam.neutron(wavelength_a=(HC_KEV_A / band_kev[1], HC_KEV_A / band_kev[0]))
    model = LaueModel(crystal, beam, detector)
    spots = model.spots(orientation[None])
    count = int(spots.count[0])
    ray = spots.ray[0, :count].astype(np.int64)
    sign = np.where(ray < 0, -1, 1)
    hkl = model.table.hkl[np.where(ray < 0, -ray - 1, ray)] * sign[:, None]
    order = np.argsort(-spots.intensity[0, :count], kind="stable")
    position = spots.position_px[0, :count].astype(np.float64)
    return position[order], spots.intensity[0, :count][order].astype(np.float64), hkl[order].astype(np.int64)


def write_overlay(
    path: str | os.PathLike[str],
    image: NDArray[np.generic] | None,
    detector: Detector,
    crystal: Crystal,
    peaks: Peaks,
    indexed: Indexed,
    band_kev: tuple[float, float],
    others: Sequence[Indexed] = (),
) -> None:
    """Draw one pattern to a PNG that appears whole or not at all.

    Parameters
    ----------
    path : the PNG
    image : (slow, fast) counts; None draws on plain ground
    detector, crystal, band_kev : what the prediction is made of
    peaks : found peaks of one frame; indexed : the answer for them; others : of further grains
    """
    tall = 2.0 + 8.5 * detector.shape[0] / detector.shape[1] if isinstance(detector, CylinderDetector) else 10.0
    figure = Figure(figsize=(9.5, min(tall, 10.0)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    draw_pattern(axes, image, detector, crystal, peaks, indexed, band_kev, others=others)
    axes.set_title(
        f"{crystal.name}: {indexed.matched} of {int(peaks.count[0])} peaks, figure of merit "
        f"{indexed.figure_of_merit:.0f}, "
        f"mean residual {indexed.residual_px:.2f} px" + (f"; {len(others) + 1} grains" if others else "")
    )
    _write(figure, axes, path)


def write_attempt(
    path: str | os.PathLike[str],
    image: NDArray[np.generic] | None,
    detector: Detector,
    peaks: Peaks,
    guess: tuple[Crystal, Float64Array, tuple[float, float]] | None = None,
) -> None:
    """Draw a pattern that was not indexed: its peaks, and what the best guess predicts, for the eye to judge.

    Parameters
    ----------
    path : the PNG
    image : (slow, fast) counts; None draws on plain ground
    detector : the geometry that was tried
    peaks : found peaks of one frame
    guess : crystal, (3, 3) orientation and band in keV of the guess; None where there is none
    """
    figure = Figure(figsize=(9.5, 10.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _draw_image(axes, image, detector)
    count = int(peaks.count[0])
    if guess is not None:
        crystal, orientation, band_kev = guess
        position, _, _ = predicted_spots(crystal, detector, orientation, band_kev)
        shown = position[: max(60, int(SHOWN_PER_PEAK * count))]
        axes.plot(*shown.T, "+", color="#d62728", markersize=9, markeredgewidth=1.1, label="best guess, not believed")
    found = peaks.position_px[0, :count]
    axes.plot(*found.T, "o", mfc="none", mec="#ff7f0e", markersize=13, markeredgewidth=1.3, label=f"found ({count})")
    _draw_beam(axes, detector)
    axes.set_title("not indexed" + ("" if guess is None else f" as {guess[0].name}"))
    _write(figure, axes, path)


def draw_pattern(
    axes: Axes,
    image: NDArray[np.generic] | None,
    detector: Detector,
    crystal: Crystal,
    peaks: Peaks,
    indexed: Indexed,
    band_kev: tuple[float, float],
    size: float = 1.0,
    others: Sequence[Indexed] = (),
) -> None:
    """Draw image, found peaks, predicted spots with their indices, and the beam; ``size`` scales marks and letters.

    Each of the other grains has a colour of its own.
    """
    _draw_image(axes, image, detector)
    position, _, hkl = predicted_spots(crystal, detector, indexed.orientation, band_kev)
    expected = indexed.matched if others else int(peaks.count[0])
    shown = slice(0, max(60, int(SHOWN_PER_PEAK * expected)))
    axes.plot(*position[shown].T, "+", color="#d62728", ms=9 * size, mew=1.1 * size, label="predicted")
    found = peaks.position_px[0, : int(peaks.count[0])]
    left = ~np.any([indexed.assigned, *(other.assigned for other in others)], axis=0)
    for number, (other, colour) in enumerate(zip(others, cycle(GRAIN_COLOURS)), 2):
        _draw_grain(axes, predicted_spots(crystal, detector, other.orientation, band_kev)[0], found, other, colour,
                    f"grain {number} ({other.matched})", size)  # fmt: skip
    for mask, colour, label in (
        (indexed.assigned, "#1f77b4", f"{'grain 1' if others else 'found, indexed'} ({int(indexed.assigned.sum())})"),
        (left, "#ff7f0e", f"found, not indexed ({int(left.sum())})"),
    ):
        axes.plot(*found[mask].T, "o", mfc="none", mec=colour, ms=13 * size, mew=1.3 * size, label=label)
    _draw_labels(axes, position[shown], hkl[shown], detector, size)
    _draw_beam(axes, detector)


def _draw_grain(
    axes: Axes,
    predicted: Float64Array,
    found: NDArray[np.floating],
    grain: Indexed,
    colour: str,
    label: str,
    size: float,
) -> None:
    """Draw the crosses and circles of a further grain, the circles a little smaller: a shared peak shows both."""
    shown = predicted[: max(30, int(SHOWN_PER_PEAK * grain.matched))]
    axes.plot(*shown.T, "+", color=colour, ms=7 * size, mew=0.9 * size)
    axes.plot(*found[grain.assigned].T, "o", mfc="none", mec=colour, ms=10.5 * size, mew=1.3 * size, label=label)


def _write(figure: Figure, axes: Axes, path: str | os.PathLike[str]) -> None:
    axes.set_xlabel("column, px")
    axes.set_ylabel("row, px")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    with replacing(path) as draft:
        figure.savefig(draft, format="png", dpi=110)


def _draw_image(axes: Axes, image: NDArray[np.generic] | None, detector: Detector) -> None:
    rows, columns = detector.shape
    if image is not None:
        counts = np.asarray(image, dtype=np.float64)
        low, high = np.percentile(counts, [1.0, 99.7])
        scaled = np.arcsinh(np.clip((counts - low) / max(high - low, 1e-9), 0.0, None) * 4.0)
        axes.imshow(scaled, cmap="gray_r", vmin=0.0, vmax=max(float(np.arcsinh(8.0)), 1e-9), interpolation="nearest")
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_aspect("equal")


def _draw_labels(
    axes: Axes, position: Float64Array, hkl: NDArray[np.int64], detector: Detector, size: float = 1.0
) -> None:
    """Label the strongest spots, leaving out those whose text would lie on another's."""
    apart = np.array([0.15, 0.035]) * detector.shape[1]
    placed: list[Float64Array] = []
    for spot, indices in zip(position, hkl, strict=True):
        if len(placed) == OVERLAY_LABELS:
            break
        if any((np.abs(spot - other) < apart).all() for other in placed):
            continue
        placed.append(spot)
        right = spot[0] > 0.85 * detector.shape[1]
        axes.annotate(
            format_hkl(indices),
            spot,
            xytext=(-8 * size if right else 8 * size, 6 * size),
            textcoords="offset points",
            ha="right" if right else "left",
            color="#7a0c0c",
            fontsize=9.5 * size,
            bbox={"facecolor": "white", "alpha": 0.65, "edgecolor": "none", "pad": 0.5},
        )


def _draw_beam(axes: Axes, detector: Detector) -> None:
    """Mark where the beam's line crosses the panel: its way in, or its way out."""
    for direction in ((1.0, 0.0, 0.0), (-1.0, 0.0, 0.0)):
        position, hit = detector.to_pixel(np.array(direction))
        if bool(hit):
            axes.plot(*position, "x", color="#2ca02c", markersize=10, markeredgewidth=2.0, label="beam")


def format_hkl(indices: NDArray[np.int64]) -> str:
    """Write indices as crystallographers do, a bar over the negative ones, for matplotlib's mathtext.

    A full space stands between them: with a thin one, 1 0 26 reads as 1026.
    """
    parts = [rf"\overline{{{-index}}}" if index < 0 else f"{index}" for index in indices.tolist()]
    return "$" + r"\ \ ".join(parts) + "$"
