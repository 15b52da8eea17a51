"""Corrections: how each scanned crystal must be turned for a common target, as a table and as a sheet to print."""

from beamgym.physics.mosaic.corrections.faces import corrections_on_back, turn_for_back
from beamgym.physics.mosaic.corrections.lying import as_it_lies, laid_flat, rotations_of_habit
from beamgym.physics.mosaic.corrections.picture import (
    WORK_TABLE,
    PictureReading,
    picture_reading,
    work_rows,
    work_table,
)
from beamgym.physics.mosaic.corrections.sheet import write_sheet
from beamgym.physics.mosaic.corrections.target import MosaicTarget
from beamgym.physics.mosaic.corrections.turning import correction, corrections_of, split

__all__ = [
    "WORK_TABLE",
    "MosaicTarget",
    "PictureReading",
    "as_it_lies",
    "correction",
    "corrections_of",
    "corrections_on_back",
    "laid_flat",
    "picture_reading",
    "rotations_of_habit",
    "split",
    "turn_for_back",
    "work_rows",
    "work_table",
    "write_sheet",
]
