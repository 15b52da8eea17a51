"""The picture of a sweep: every pixel at its brightest, the spots that UB explains, and those that it does not."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.diffractometer.sweeps import SweepGeometry, SweepSpots
from beamgym.physics.files import replacing

_YES, _NO = "#0072b2", "#d55e00"  # blue, vermilion: Okabe & Ito (2008)
_LABELLED = 12


def draw_sweep(
    path: Path, brightest: NDArray[Any], spots: SweepSpots, report: dict[str, Any], geometry: SweepGeometry
) -> None:
    """Write the picture, PNG.

    Parameters
    ----------
    path : of the file
    brightest : (slow, fast) each pixel's highest counts of all frames
    spots : found
    report : with a row for each of them
    geometry : of the sweep
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 6.0), dpi=110, facecolor="white")
    canvas: Any = FigureCanvasAgg(figure)
    panel, turns = figure.subplots(1, 2, width_ratios=(1.4, 1.0))
    shown = np.log10(1.0 + np.maximum(brightest, 0.0))
    panel.imshow(shown, cmap="gray_r", vmin=float(np.median(shown)), interpolation="nearest")
    on = np.array([row["belongs"] for row in report["rows"]])
    angles = geometry.angles_deg(spots.frame)
    for mask, colour, words in ((on, _YES, "explained"), (~on, _NO, "not explained")):
        x, y = spots.position_px[mask].T
        panel.plot(x, y, "o", mfc="none", mec=colour, ms=9, mew=1.1, label=f"{int(mask.sum())} {words}")
        turns.semilogy(angles[mask], spots.counts[mask], ".", color=colour, ms=6)
    for i in np.flatnonzero(on)[:_LABELLED]:
        h, k, el = report["rows"][i]["hkl"]
        panel.annotate(f"{h} {k} {el}", spots.position_px[i] + 6.0, fontsize=7, color=_YES)
    panel.set_xlabel("column")
    panel.set_ylabel("row")
    panel.set_title(f"brightest of {spots.read} frames", fontsize=10)
    panel.legend(loc="upper right", fontsize=8)
    turns.set_xlabel(f"{geometry.axis}, degrees")
    turns.set_ylabel("counts of a spot")
    for side in ("top", "right"):
        turns.spines[side].set_visible(False)
    figure.tight_layout()
    with replacing(path) as draft:
        canvas.print_png(str(draft))
