"""The LaueRL world: an unknown crystal of known crystal system on two axes before a flat panel."""

from beamgym.physics.laue.zone.chart import Charts
from beamgym.physics.laue.zone.crystals import AxisChoice, CrystalSystem
from beamgym.physics.laue.zone.image_kernels import grey_of_counts
from beamgym.physics.laue.zone.images import PANEL_HOLE_MM
from beamgym.physics.laue.zone.kernels import axis_angles_deg
from beamgym.physics.laue.zone.world import PUBLISHED, SimulatedZone

__all__ = [
    "PANEL_HOLE_MM",
    "PUBLISHED",
    "AxisChoice",
    "Charts",
    "CrystalSystem",
    "SimulatedZone",
    "axis_angles_deg",
    "grey_of_counts",
]
