"""What a person reads of an indexed pattern: where the crystal points, which cell fits, what to try when none does."""

from beamgym.physics.laue.report.cells import CellAnswer, solve_cells
from beamgym.physics.laue.report.orientation_words import (
    EULER_ANGLES,
    axis_and_angle,
    euler_angles_deg,
    orientation_uncertainty_deg,
    turn_words,
)
from beamgym.physics.laue.report.pointing import LAB_DIRECTIONS, Near, angles_of_c_deg, nearest_directions
from beamgym.physics.laue.report.remedies import Attempt, remedies
from beamgym.physics.laue.report.results_file import write_results

__all__ = [
    "EULER_ANGLES",
    "LAB_DIRECTIONS",
    "Attempt",
    "CellAnswer",
    "Near",
    "angles_of_c_deg",
    "axis_and_angle",
    "euler_angles_deg",
    "nearest_directions",
    "orientation_uncertainty_deg",
    "remedies",
    "solve_cells",
    "turn_words",
    "write_results",
]
