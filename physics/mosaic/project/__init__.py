"""The project folder of a mosaic: JSON and CSV that each step reads and writes, and a person may change."""

from beamgym.physics.mosaic.project.folder import Project
from beamgym.physics.mosaic.project.holder_parts import design_of, holder_plates, resized, spacing_of
from beamgym.physics.mosaic.project.plate_file import (
    CameraSection,
    HolderSection,
    PlateFile,
    PlateSection,
    SimulationSection,
    TargetSection,
    plate_identity,
)
from beamgym.physics.mosaic.project.staying import Staying, staying
from beamgym.physics.mosaic.project.tables import Column, read_table, table_text

__all__ = [
    "CameraSection",
    "Column",
    "HolderSection",
    "PlateFile",
    "PlateSection",
    "Project",
    "SimulationSection",
    "Staying",
    "TargetSection",
    "design_of",
    "holder_plates",
    "plate_identity",
    "read_table",
    "resized",
    "spacing_of",
    "staying",
    "table_text",
]
