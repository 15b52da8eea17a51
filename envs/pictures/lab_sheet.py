"""One page for the lab book: picture with indices and scale, stereographic projection, orientation, turns, camera."""

import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

from beamgym.envs.pictures.overlay import draw_pattern
from beamgym.envs.pictures.stereogram import draw_stereogram
from beamgym.physics.files import replacing
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import SolvedPattern
from beamgym.physics.laue.report import (
    EULER_ANGLES,
    axis_and_angle,
    euler_angles_deg,
    orientation_uncertainty_deg,
    turn_words,
)
from beamgym.physics.laue.stated_camera import beam_point_px

A4_INCHES = (8.27, 11.69)
COLUMN = 60
"""Letters of the table's type that the right half of the page holds."""
LOWEST = 0.03
"""Share of the page's height below which nothing is written."""
_TEXT: dict[str, Any] = {"fontsize": 8.5, "va": "top", "family": "DejaVu Sans"}
_TABLE: dict[str, Any] = {**_TEXT, "family": "DejaVu Sans Mono", "fontsize": 7.6}


@dataclass(frozen=True)
class LabNotes:
    """What the sheet says besides the solved pattern.

    Parameters
    ----------
    file : name of the picture
    date : when it was taken or written, in words
    camera : lines about the camera
    turns : lines of the table of turns; empty where no target was given
    warnings : lines that a reader must not miss
    """

    file: str
    date: str
    camera: Sequence[str] = ()
    turns: Sequence[str] = ()
    warnings: Sequence[str] = ()


def write_lab_sheet(
    path: str | os.PathLike[str], solved: SolvedPattern, notes: LabNotes, others: Sequence[SolvedPattern] = ()
) -> None:
    """Write one A4 page as PDF, which appears whole or not at all; further grains stand in its picture."""
    figure = Figure(figsize=A4_INCHES)
    FigureCanvasPdf(figure)
    _draw_head(figure, solved, notes)
    _draw_picture(figure, solved, others)
    sphere = figure.add_axes((0.05, 0.045, 0.42, 0.30))
    draw_stereogram(sphere, solved.crystal, solved.indexed)
    sphere.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=4, frameon=False, fontsize=6.5,
                  handletextpad=0.2, columnspacing=0.8)  # fmt: skip
    _draw_numbers(figure, solved, notes)
    with replacing(path) as draft:
        figure.savefig(draft, format="pdf", dpi=200, metadata={"Title": f"{solved.crystal.name}: {notes.file}"})


def _draw_head(figure: Figure, solved: SolvedPattern, notes: LabNotes) -> None:
    figure.text(0.06, 0.975, f"{solved.crystal.name}: {notes.file}", fontsize=15, fontweight="bold", va="top")
    indexed = solved.indexed
    figure.text(
        0.06,
        0.948,
        f"picture of {notes.date}    {indexed.matched} of {solved.pattern.count} peaks indexed, figure of merit "
        f"{indexed.figure_of_merit:.0f}, mean residual {indexed.residual_px:.2f} px",
        **_TEXT,
    )
    for row, line in enumerate(notes.warnings):
        figure.text(0.06, 0.931 - 0.014 * row, line, **{**_TEXT, "color": "#b3261e"})


def _draw_picture(figure: Figure, solved: SolvedPattern, others: Sequence[SolvedPattern]) -> None:
    axes = figure.add_axes((0.06, 0.395, 0.88, 0.50))
    draw_pattern(
        axes, solved.pattern.image, solved.detector, solved.crystal, solved.pattern.peaks, solved.indexed,
        solved.band_kev, size=0.62, others=[grain.indexed for grain in others],
    )  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
    draw_scale(axes, solved.detector)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.005), ncols=4, frameon=False, fontsize=7)


def draw_scale(axes: Axes, detector: Detector) -> None:
    """Draw a bar of a round length in the lower left corner, with its mm and its angle where the beam is."""
    rows, columns = detector.shape
    wanted = 0.2 * columns * detector.pixel_mm
    decade = 10.0 ** np.floor(np.log10(wanted))
    length = float(max(step * decade for step in (1.0, 2.0, 5.0) if step * decade <= wanted))
    start = np.array([0.03 * columns, 0.965 * rows])
    end = start + np.array([length / detector.pixel_mm, 0.0])
    axes.plot([start[0], end[0]], [start[1], start[1]], color="#181c22", lw=2.5, solid_capstyle="butt", zorder=8)
    angle = float(np.degrees(np.arctan2(length, detector.distance_mm)))
    axes.text(
        float(start[0]),
        float(start[1] - 0.012 * rows),
        f"{length:g} mm = {angle:.1f}° of 2θ" + _where(detector),
        fontsize=7.5,
        ha="left",
        va="bottom",
        zorder=8,
        bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.0},
    )


def _where(detector: Detector) -> str:
    rows, columns = detector.shape
    column, row = beam_point_px(detector)
    return " at the beam" if 0 <= column < columns and 0 <= row < rows else " at the nearest point"


def _draw_numbers(figure: Figure, solved: SolvedPattern, notes: LabNotes) -> None:
    axis, angle = axis_and_angle(solved.indexed.orientation)
    euler = euler_angles_deg(solved.indexed.orientation)
    sure = turn_words(orientation_uncertainty_deg(solved.uncertainty))
    cell = solved.crystal.cell
    blocks: list[tuple[str, Sequence[str]]] = [
        (
            "cell (Å, °)",
            [" ".join(f"{n:.4f}" for n in cell[:3]) + "  " + " ".join(f"{n:.3f}" for n in cell[3:])],
        ),
        (
            f"UB (1/Å, no 2π; x beam, z up), {sure}",
            ["".join(f"{value:11.6f}" for value in row) for row in solved.ub_inv_a],
        ),
        (
            "U as axis (lab) and angle",
            [f"({axis[0]:+.4f}, {axis[1]:+.4f}, {axis[2]:+.4f})  {angle:.2f}°"],
        ),
        (
            "U as Euler angles phi1, Phi, phi2",
            [f"{euler[0]:.2f}°, {euler[1]:.2f}°, {euler[2]:.2f}°", EULER_ANGLES],
        ),
        ("camera", list(notes.camera)),
        *([("turns", list(notes.turns))] if notes.turns else []),
    ]
    y = 0.352
    for title, lines in blocks:
        figure.text(0.52, y, title, **{**_TEXT, "fontweight": "bold"})
        y -= 0.0145
        for line in (part for whole in lines for part in _wrapped(whole)):
            if y < LOWEST:
                figure.text(0.53, y, "… (more in the report)", **_TABLE)
                return
            figure.text(0.53, y, line, **_TABLE)
            y -= 0.0125
        y -= 0.006


def _wrapped(line: str) -> list[str]:
    """Return a line of the table in pieces that the column holds; a line of numbers keeps its blanks."""
    return [line] if len(line) <= COLUMN else textwrap.wrap(line, COLUMN, subsequent_indent="    ")
