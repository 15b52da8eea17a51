"""Outlines of crystals from a photograph of their plate or from a drawing, and a photograph of known ones."""

from beamgym.physics.mosaic.outlines.drawings import (
    DRAWINGS,
    PHOTOGRAPHS,
    check_apart,
    corner_table,
    overlaps,
    read_corner_table,
    read_drawing,
    read_dxf,
    read_svg,
)
from beamgym.physics.mosaic.outlines.markers import Marker, corner_markers, marker_sheet, marker_table, read_markers
from beamgym.physics.mosaic.outlines.photograph import FoundOutlines, outlines_of_photograph, read_photograph
from beamgym.physics.mosaic.outlines.picture import draw_found
from beamgym.physics.mosaic.outlines.rendered import PhotographStyle, photograph

__all__ = [
    "DRAWINGS",
    "PHOTOGRAPHS",
    "FoundOutlines",
    "Marker",
    "PhotographStyle",
    "check_apart",
    "corner_markers",
    "corner_table",
    "draw_found",
    "marker_sheet",
    "marker_table",
    "outlines_of_photograph",
    "overlaps",
    "photograph",
    "read_corner_table",
    "read_drawing",
    "read_dxf",
    "read_markers",
    "read_photograph",
    "read_svg",
]
