"""An instrument by its parameters: which there are, what is known of them beforehand, and what they predict."""

from beamgym.physics.laue.estimation.model.instrument import Panel, Rays, Setup
from beamgym.physics.laue.estimation.model.kernels import mutual_nearest, normal_equations, play_course
from beamgym.physics.laue.estimation.model.layout import Layout
from beamgym.physics.laue.estimation.model.prior import PRIORS, Prior

__all__ = [
    "PRIORS",
    "Layout",
    "Panel",
    "Prior",
    "Rays",
    "Setup",
    "mutual_nearest",
    "normal_equations",
    "play_course",
]
