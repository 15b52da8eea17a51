"""Monochromatic diffractometers: angles and scattering vectors, and from observed reflections to UB."""

from beamgym.physics.diffractometer.candidates import (
    CERTAIN,
    Candidate,
    Candidates,
    KnownDirection,
    Prior,
    ub_candidates,
)
from beamgym.physics.diffractometer.conventions import CONVENTIONS, Convention, frame_of, ub_for, ub_from
from beamgym.physics.diffractometer.geometry import (
    Positions,
    plane_angle_deg,
    positions_of,
    scattering_vectors,
    two_theta_deg,
)
from beamgym.physics.diffractometer.hand_over import PRIOR_DEG, FirstReflections, first_reflections
from beamgym.physics.diffractometer.lattice import (
    KnownCell,
    Lattice,
    cell_of_crystal,
    known_cell,
    lattice_of,
    nearly_symmetric,
)
from beamgym.physics.diffractometer.next_look import NextPlace, next_looks
from beamgym.physics.diffractometer.observations import Observed, observed_angles, observed_vectors, repeated
from beamgym.physics.diffractometer.presets import Diffractometer, diffractometer, diffractometer_names
from beamgym.physics.diffractometer.readings import fits, other_readings, strangers
from beamgym.physics.diffractometer.refinement import Refined, refine_ub
from beamgym.physics.diffractometer.table import ReflectionTable, read_reflections
from beamgym.physics.diffractometer.without_cell import FreeLattice, cell_of_ub, free_lattice, ub_from_indexed

__all__ = [
    "CERTAIN",
    "CONVENTIONS",
    "PRIOR_DEG",
    "Candidate",
    "Candidates",
    "Convention",
    "Diffractometer",
    "FirstReflections",
    "FreeLattice",
    "KnownCell",
    "KnownDirection",
    "Lattice",
    "NextPlace",
    "Observed",
    "Positions",
    "Prior",
    "Refined",
    "ReflectionTable",
    "cell_of_crystal",
    "cell_of_ub",
    "diffractometer",
    "diffractometer_names",
    "first_reflections",
    "fits",
    "frame_of",
    "free_lattice",
    "known_cell",
    "lattice_of",
    "nearly_symmetric",
    "next_looks",
    "observed_angles",
    "observed_vectors",
    "other_readings",
    "plane_angle_deg",
    "positions_of",
    "read_reflections",
    "refine_ub",
    "repeated",
    "scattering_vectors",
    "strangers",
    "two_theta_deg",
    "ub_candidates",
    "ub_for",
    "ub_from",
    "ub_from_indexed",
]
