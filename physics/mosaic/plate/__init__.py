"""Simulated plates of glued crystals: how they grow and lie, what goes wrong, and the stage and camera before them."""

from beamgym.physics.mosaic.plate.crystals import Grain, PlateCrystal, SimulatedPlate
from beamgym.physics.mosaic.plate.drawing import GAP_MM, PlateOptions, draw_plate
from beamgym.physics.mosaic.plate.shapes import LARGEST, drawn_outline
from beamgym.physics.mosaic.plate.world import (
    BEAM_MM,
    FALSE_ON_RINGS,
    MAX_PEAKS,
    STAGE_ZERO_MM,
    WHATS,
    PlateContext,
    PlateWorld,
    stage_axes,
)

__all__ = [
    "BEAM_MM",
    "FALSE_ON_RINGS",
    "GAP_MM",
    "LARGEST",
    "MAX_PEAKS",
    "STAGE_ZERO_MM",
    "WHATS",
    "Grain",
    "PlateContext",
    "PlateCrystal",
    "PlateOptions",
    "PlateWorld",
    "SimulatedPlate",
    "draw_plate",
    "drawn_outline",
    "stage_axes",
]
