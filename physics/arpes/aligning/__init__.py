"""Crystals that are brought before an analyser: surface, manipulator, cuts, and how a crystal stands by its cuts."""

from beamgym.physics.arpes.aligning.levels import ALIGNING_LEVELS, AligningNumbers
from beamgym.physics.arpes.aligning.manipulator import (
    POSE,
    Carried,
    followed,
    manipulator_axes,
    pose_rotation,
    refocused,
)
from beamgym.physics.arpes.aligning.materials import CRYSTALS, NOMINAL_WORK_EV, LayeredCrystal, layered_crystal
from beamgym.physics.arpes.aligning.pose_fit import (
    PoseFit,
    PoseMode,
    PosePosterior,
    PosePrior,
    seen_angles,
    standing_angles,
)
from beamgym.physics.arpes.aligning.surface import BEST_SHARE
from beamgym.physics.arpes.aligning.surface_kernels import HALF_MM
from beamgym.physics.arpes.aligning.symmetry_fit import SymmetryFit
from beamgym.physics.arpes.aligning.world import (
    ALIGNING_READOUT_S,
    FIRST_CUT_S,
    FOCUS_SIGMA_MM,
    SimulatedAligning,
    aligning_grid,
)

__all__ = [
    "ALIGNING_LEVELS",
    "ALIGNING_READOUT_S",
    "BEST_SHARE",
    "CRYSTALS",
    "FIRST_CUT_S",
    "FOCUS_SIGMA_MM",
    "HALF_MM",
    "NOMINAL_WORK_EV",
    "POSE",
    "AligningNumbers",
    "Carried",
    "LayeredCrystal",
    "PoseFit",
    "PoseMode",
    "PosePosterior",
    "PosePrior",
    "SimulatedAligning",
    "SymmetryFit",
    "aligning_grid",
    "followed",
    "layered_crystal",
    "manipulator_axes",
    "pose_rotation",
    "refocused",
    "seen_angles",
    "standing_angles",
]
