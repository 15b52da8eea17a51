"""Cleaved surfaces: flakes, fields and levels of difficulty, and surfaces from measured maps."""

from beamgym.physics.arpes.surface.fields import FIELD_MM, RASTER_CELLS, Geography, draw_geographies
from beamgym.physics.arpes.surface.flakes import Analyser, check_material
from beamgym.physics.arpes.surface.levels import SURFACE_LEVELS, SurfaceNumbers, surface_numbers
from beamgym.physics.arpes.surface.measured import measured_surface
from beamgym.physics.arpes.surface.surface import REFERENCE_DWELL_S, BeamFootprint, ScoreMap, SurfaceBank

__all__ = [
    "FIELD_MM",
    "RASTER_CELLS",
    "REFERENCE_DWELL_S",
    "SURFACE_LEVELS",
    "Analyser",
    "BeamFootprint",
    "Geography",
    "ScoreMap",
    "SurfaceBank",
    "SurfaceNumbers",
    "check_material",
    "draw_geographies",
    "measured_surface",
    "surface_numbers",
]
