"""From a layout to what is printed or cut: placement templates and holders, as solids, drawings and lists."""

from beamgym.physics.mosaic.holder.design import Design, Hole
from beamgym.physics.mosaic.holder.grooves import (
    Groove,
    fold_about,
    groove_of,
    groove_rim,
    left_by_groove,
    lying_rod,
)
from beamgym.physics.mosaic.holder.pockets import Pocket, hole_of, pockets_of
from beamgym.physics.mosaic.holder.solid_check import SolidCheck, check_solid
from beamgym.physics.mosaic.holder.writing import FORMATS, WrittenPlate, write_holder

__all__ = [
    "FORMATS",
    "Design",
    "Groove",
    "Hole",
    "Pocket",
    "SolidCheck",
    "WrittenPlate",
    "check_solid",
    "fold_about",
    "groove_of",
    "groove_rim",
    "hole_of",
    "left_by_groove",
    "lying_rod",
    "pockets_of",
    "write_holder",
]
