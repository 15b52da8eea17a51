"""Outlines from a file, by its ending."""

from pathlib import Path

from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.outlines.drawings.corner_table import read_corner_table
from beamgym.physics.mosaic.outlines.drawings.dxf_file import read_dxf
from beamgym.physics.mosaic.outlines.drawings.svg_file import read_svg

PHOTOGRAPHS = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
DRAWINGS = (".dxf", ".svg", ".csv")


def read_drawing(path: Path, mm_per_unit: float | None = None) -> list[Outline]:
    """Read outlines from a DXF or SVG drawing, or a CSV table of corners.

    Raises
    ------
    ValueError : a file of another ending, or what the readers of each kind refuse; in one line
    """
    ending = path.suffix.lower()
    if mm_per_unit is not None and not 0.0 < mm_per_unit < float("inf"):
        raise ValueError(f"{mm_per_unit:g} mm per unit; give a number above 0")
    if ending == ".dxf":
        return read_dxf(path, mm_per_unit)
    if ending == ".svg":
        return read_svg(path, mm_per_unit)
    if ending == ".csv":
        return read_corner_table(path)
    if ending in PHOTOGRAPHS:
        raise ValueError(f"{path} is a photograph; make outlines of it first: beamgym mosaic outlines {path}")
    raise ValueError(f"{path}: outlines are read from {', '.join(DRAWINGS)}, and photographs become outlines first")
