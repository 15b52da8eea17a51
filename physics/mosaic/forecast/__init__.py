"""How wide the surface mosaic of a holder will be, how wide a second scan finds it, and what neutrons see of it."""

from beamgym.physics.mosaic.forecast.check import CheckedCrystal, PlateCheck, check_plate, second_corrections
from beamgym.physics.mosaic.forecast.closed_loop import LOOP_TARGET, Loop, closed_loop, corrected_pieces
from beamgym.physics.mosaic.forecast.errors import PlacingErrors, edge_turn_deg, free_turn_deg
from beamgym.physics.mosaic.forecast.misalignment import misalignment_deg
from beamgym.physics.mosaic.forecast.monte_carlo import (
    Forecast,
    Interval,
    PlannedCrystal,
    forecast,
    planned_crystals,
    planned_rods,
)
from beamgym.physics.mosaic.forecast.mosaic import Mosaic, mosaic_of, rocking_curve
from beamgym.physics.mosaic.forecast.neutrons import NeutronCamera, plate_pattern
from beamgym.physics.mosaic.forecast.placing import HiddenErrors, placed_crystals, placed_misalignment

__all__ = [
    "LOOP_TARGET",
    "CheckedCrystal",
    "Forecast",
    "HiddenErrors",
    "Interval",
    "Loop",
    "Mosaic",
    "NeutronCamera",
    "PlacingErrors",
    "PlannedCrystal",
    "PlateCheck",
    "check_plate",
    "closed_loop",
    "corrected_pieces",
    "edge_turn_deg",
    "forecast",
    "free_turn_deg",
    "misalignment_deg",
    "mosaic_of",
    "placed_crystals",
    "placed_misalignment",
    "planned_crystals",
    "planned_rods",
    "plate_pattern",
    "rocking_curve",
    "second_corrections",
]
