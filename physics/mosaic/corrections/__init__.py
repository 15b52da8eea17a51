"""Corrections: how each scanned crystal must be turned for a common target, as a table and as a sheet to print."""

from beamgym.physics.mosaic.corrections.picture import (
    WORK_TABLE,
    PictureReading,
    picture_reading,
    work_rows,
    work_table,
)
from beamgym.physics.mosaic.corrections.sheet import write_sheet
from beamgym.physics.mosaic.corrections.target import MosaicTarget
from beamgym.physics.mosaic.corrections.turning import correction, corrections_of, laid_flat, split

__all__ = [
    "WORK_TABLE",
    "MosaicTarget",
    "PictureReading",
    "correction",
    "corrections_of",
    "laid_flat",
    "picture_reading",
    "split",
    "work_rows",
    "work_table",
    "write_sheet",
]
