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
from beamgym.physics.diffractometer.lattice import KnownCell, cell_of_crystal, known_cell, lattice_of
from beamgym.physics.diffractometer.next_look import Look, next_looks
from beamgym.physics.diffractometer.observations import Observed, observed_angles, observed_vectors, repeated
from beamgym.physics.diffractometer.presets import Diffractometer, diffractometer, diffractometer_names

__all__ = [
    "CERTAIN",
    "CONVENTIONS",
    "Candidate",
    "Candidates",
    "Convention",
    "Diffractometer",
    "KnownCell",
    "KnownDirection",
    "Look",
    "Observed",
    "Positions",
    "Prior",
    "cell_of_crystal",
    "diffractometer",
    "diffractometer_names",
    "frame_of",
    "known_cell",
    "lattice_of",
    "next_looks",
    "observed_angles",
    "observed_vectors",
    "plane_angle_deg",
    "positions_of",
    "repeated",
    "scattering_vectors",
    "two_theta_deg",
    "ub_candidates",
    "ub_for",
    "ub_from",
]
