"""A picture of packed plates."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon as Patch

from beamgym.physics.files import replacing
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.packing.pack import Packing
from beamgym.physics.mosaic.packing.pieces import placed_outline
from beamgym.physics.mosaic.records import plate_title

_INCHES_PER_MM = 0.12
_LONGEST_INCHES = 24.0


def draw_packing(packing: Packing, outlines: Iterable[Outline], path: Path) -> None:
    """Write a picture of every plate: crystals with their names, free places, the edge that stays free.

    Parameters
    ----------
    packing : what lies where
    outlines : as scanned
    path : of a PNG, SVG or PDF file
    """
    known = {outline.name: outline for outline in outlines}
    widths = [plate.width_mm for plate in packing.plates]
    height = max(plate.height_mm for plate in packing.plates)
    inches = min(_INCHES_PER_MM, _LONGEST_INCHES / max(sum(widths), height))
    figure = Figure(figsize=(max(sum(widths) * inches, 4.0), height * inches + 0.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(widths), squeeze=False, width_ratios=widths)[0]
    for number, axis in enumerate(axes):
        draw_plate(axis, packing, number, known)
    with replacing(path) as draft:
        figure.savefig(draft, dpi=150, format=path.suffix.lstrip(".") or "png")


def draw_plate(axes: Axes, packing: Packing, number: int, known: dict[str, Outline]) -> None:
    """Draw one plate into matplotlib's axes, in mm."""
    plate = packing.plates[number]
    for shape, style in ((plate.outline, "-"), (plate.region, ":")):
        axes.add_patch(Patch(np.asarray(shape.exterior.coords), fill=False, edgecolor="0.3", linestyle=style))
    for place, shape in zip(plate.free_places, plate.obstacles, strict=True):
        axes.add_patch(Patch(np.asarray(shape.exterior.coords), facecolor="0.85", edgecolor="0.5", hatch="//"))
        axes.annotate(place.name, (place.x_mm, place.y_mm), ha="center", va="center", fontsize=5)
    for placement in packing.placements:
        if placement.plate != number:
            continue
        shape = placed_outline(known[placement.name], placement)
        colour = "tab:orange" if placement.turned_over else "tab:blue"
        axes.add_patch(Patch(np.asarray(shape.exterior.coords), facecolor=colour, alpha=0.55, edgecolor="k", lw=0.6))
        axes.annotate(placement.name, (placement.x_mm, placement.y_mm), ha="center", va="center", fontsize=6)
    axes.set(xlim=(-0.52 * plate.width_mm, 0.52 * plate.width_mm), xlabel="x (mm)")
    axes.set(ylim=(-0.52 * plate.height_mm, 0.52 * plate.height_mm), ylabel="y (mm)", aspect="equal")
    title = plate_title(number, any(each.back for each in packing.plates))
    axes.set_title(f"{title}: {packing.density[number]:.0%} covered", fontsize=9)
