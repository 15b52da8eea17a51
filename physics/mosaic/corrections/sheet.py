"""The printable sheet: a picture of every crystal with how it lies and how it must be turned."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.files import replacing
from beamgym.physics.mosaic.corrections.picture import PictureReading
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate_frame import turn_about_normal
from beamgym.physics.mosaic.records import Correction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEGEND = "red: where the direction points now; green: where it is to point; turns counter-clockwise"
ACROSS, DOWN = 4, 5
"""Crystals of a page."""


def write_sheet(
    path: str | os.PathLike[str],
    outlines: Sequence[Outline],
    corrections: Sequence[Correction],
    readings: Sequence[PictureReading],
    along_deg: float = 0.0,
    spots_px: Mapping[str, Float64Array] | None = None,
    shape: tuple[int, int] | None = None,
    title: str = "",
) -> int:
    """Write the sheet, whole or not at all.

    Parameters
    ----------
    path : ending in .pdf (all pages in one file) or .png (NAME-2.png and so on for further pages)
    outlines : of the crystals; those without a reading are left out
    corrections, readings : of them
    along_deg : where the target's direction is to lie, from the plate's x, counter-clockwise
    spots_px : (s, 2) found spots of each crystal's first frame, to be drawn beside it
    shape : (slow, fast) of the panel, where spots are drawn
    title : of every page

    Returns
    -------
    how many pages there are

    Raises
    ------
    ValueError : another ending
    """
    from matplotlib.backends.backend_pdf import PdfPages

    target = Path(path)
    if target.suffix.lower() not in (".pdf", ".png"):
        raise ValueError(f"a sheet ends in .pdf or .png, {target.name} does not")
    seen, turns = {one.name: one for one in readings}, {one.name: one for one in corrections}
    shown = [outline for outline in outlines if outline.name in seen]
    pages = [shown[k : k + ACROSS * DOWN] for k in range(0, len(shown), ACROSS * DOWN)] or [[]]
    sheet = _Sheet(turns, seen, along_deg, spots_px or {}, shape)
    figures = (
        sheet.page(page, f"{title}\n{_LEGEND}, page {number} of {len(pages)}".strip())
        for number, page in enumerate(pages, start=1)
    )
    if target.suffix.lower() == ".pdf":
        with replacing(target) as draft, PdfPages(draft) as file:
            for figure in figures:
                file.savefig(figure)
        return len(pages)
    for number, figure in enumerate(figures, start=1):
        own = target if number == 1 else target.with_name(f"{target.stem}-{number}{target.suffix}")
        with replacing(own) as draft:
            figure.savefig(draft, dpi=120)
    return len(pages)


@dataclass(frozen=True, eq=False)
class _Sheet:
    """What all pages share; parameters as of ``write_sheet``, by name."""

    turns: Mapping[str, Correction]
    seen: Mapping[str, PictureReading]
    along_deg: float
    spots_px: Mapping[str, Float64Array]
    shape: tuple[int, int] | None

    def page(self, outlines: Sequence[Outline], title: str) -> "Figure":
        """Return one page."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8.27, 11.69))
        FigureCanvasAgg(figure)
        figure.suptitle(title, fontsize=8)
        for place, outline in enumerate(outlines):
            axes = figure.add_subplot(DOWN, ACROSS, place + 1)
            turn, spots = self.turns.get(outline.name), self.spots_px.get(outline.name)
            _draw(axes, outline, turn, self.seen[outline.name], self.along_deg, spots, self.shape)
        figure.tight_layout(rect=(0.0, 0.0, 1.0, 0.96), h_pad=1.8)
        return figure


def points_now_deg(turn: Correction, along_deg: float) -> float:
    """Return where the target's direction points on the scanned plate, counter-clockwise from x, tilts left aside.

    A crystal that is turned over about y before it is turned shows that direction mirrored now.
    """
    before = along_deg - turn.turn_deg
    return 180.0 - before if turn.turned_over else before


def _draw(  # type: ignore[no-untyped-def]
    axes, outline: Outline, turn: Correction | None, seen: PictureReading, along_deg: float, spots, shape
) -> None:
    """Draw one crystal: its outline, where the lattice's direction points now, and to where it must."""
    corners = outline.polygon_mm - outline.centre_mm
    reach = float(np.abs(corners).max()) * 1.15
    axes.fill(*corners.T, facecolor="0.92" if turn is not None else "0.98", edgecolor="0.3", linewidth=0.8)
    # room at the upper right for the spots
    axes.set_xlim(-reach, 1.7 * reach)
    axes.set_ylim(-reach, 1.7 * reach)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    if turn is not None:
        now = points_now_deg(turn, along_deg)
        for angle, style in ((along_deg, {"color": "tab:green", "ls": "--"}), (now, {"color": "tab:red", "ls": "-"})):
            end = turn_about_normal(angle)[:2, 0] * 0.75 * reach
            axes.annotate("", end, (0.0, 0.0), arrowprops={"arrowstyle": "->", **style})
    if spots is not None and len(spots) and shape is not None:
        inset = axes.inset_axes((0.68, 0.68, 0.32, 0.32))
        inset.scatter(spots[:, 0], spots[:, 1], s=1.0, color="k", linewidths=0)
        if np.isfinite(seen.cx_px):
            inset.plot([seen.cx_px], [seen.cy_px], "+", color="tab:red", markersize=6)
        inset.set_xlim(0, shape[1])
        inset.set_ylim(shape[0], 0)
        inset.set_xticks([])
        inset.set_yticks([])
        inset.set_aspect("equal")
    axes.set_title(_words(turn, seen), fontsize=6.5)


def _words(turn: Correction | None, seen: PictureReading) -> str:
    centre = f"centre {seen.cx_px:.0f}, {seen.cy_px:.0f} px" if np.isfinite(seen.cx_px) else ""
    if turn is None:
        return f"{seen.name}: {seen.verdict}\n{centre}"
    others = f" or {', '.join(f'{value:+.1f}' for value in turn.equivalents_deg[:3])}" if turn.equivalents_deg else ""
    over = ", turned over" if turn.turned_over else ""
    sigma = f" ± {turn.sigma_deg[2]:.2f}" if np.isfinite(turn.sigma_deg[2]) else ""
    tilt = np.hypot(turn.tilt_x_deg, turn.tilt_y_deg)
    return f"{seen.name}: {turn.turn_deg:+.2f}{sigma}°{others}{over}\ntilt {tilt:.2f}°, {centre}"
