"""Packs outlines, each in one of the turns that bring its lattice about, on plates of given shape."""

from beamgym.physics.mosaic.packing.check import check_packing
from beamgym.physics.mosaic.packing.density import strip_density
from beamgym.physics.mosaic.packing.fixed import StaysWrong
from beamgym.physics.mosaic.packing.flakes import draw_flakes
from beamgym.physics.mosaic.packing.pack import Packing, pack
from beamgym.physics.mosaic.packing.picture import draw_packing, draw_plate
from beamgym.physics.mosaic.packing.pieces import Piece, on_both_faces, pieces_of, placed_outline
from beamgym.physics.mosaic.packing.plates import FreePlace, HolderPlate, Spacing
from beamgym.physics.mosaic.packing.width import width_deg, within_width

__all__ = [
    "FreePlace",
    "HolderPlate",
    "Packing",
    "Piece",
    "Spacing",
    "StaysWrong",
    "check_packing",
    "draw_flakes",
    "draw_packing",
    "draw_plate",
    "on_both_faces",
    "pack",
    "pieces_of",
    "placed_outline",
    "strip_density",
    "width_deg",
    "within_width",
]
