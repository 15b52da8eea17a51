"""Outlines of crystals from drawings: DXF, SVG, and tables of corners."""

from beamgym.physics.mosaic.outlines.drawings.by_ending import DRAWINGS, PHOTOGRAPHS, read_drawing
from beamgym.physics.mosaic.outlines.drawings.corner_table import corner_table, read_corner_table
from beamgym.physics.mosaic.outlines.drawings.dxf_file import read_dxf
from beamgym.physics.mosaic.outlines.drawings.overlaps import check_apart, overlaps
from beamgym.physics.mosaic.outlines.drawings.svg_file import read_svg

__all__ = [
    "DRAWINGS",
    "PHOTOGRAPHS",
    "check_apart",
    "corner_table",
    "overlaps",
    "read_corner_table",
    "read_drawing",
    "read_dxf",
    "read_svg",
]
