"""Simulated plates of glued crystals: how they grow and lie, what goes wrong, and the stage and camera before them."""

from beamgym.physics.mosaic.plate.crystals import Grain, PlateCrystal, SimulatedPlate
from beamgym.physics.mosaic.plate.drawing import PlateOptions, draw_plate
from beamgym.physics.mosaic.plate.world import BEAM_MM, WHATS, PlateContext, PlateWorld, stage_axes

__all__ = [
    "BEAM_MM",
    "WHATS",
    "Grain",
    "PlateContext",
    "PlateCrystal",
    "PlateOptions",
    "PlateWorld",
    "SimulatedPlate",
    "draw_plate",
    "stage_axes",
]
