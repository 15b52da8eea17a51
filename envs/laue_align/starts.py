"""Starts near a goal, for those who begin with easy ones."""

from dataclasses import dataclass

import numpy as np

from beamgym.envs.laue_align.context import AlignContext
from beamgym.physics.arrays import UInt64Array
from beamgym.physics.counter_rng import uniforms
from beamgym.physics.instrument import Float64Array
from beamgym.physics.orientation import rotation_matrix, rotation_vector_deg


@dataclass
class NearStarts:
    """Draws how crystals sit on the goniometer so that they stand near a goal, with the axes at home.

    Parameters
    ----------
    context : the public side of the task
    within_deg : largest error of a start; errors are drawn evenly in the ball of turns between the tolerance and it

    Raises
    ------
    ValueError : for an angle that is no larger than the tolerance, or above 180
    """

    context: AlignContext
    within_deg: float

    def __post_init__(self) -> None:
        if not self.context.tolerance_deg < self.within_deg <= 180.0:
            raise ValueError(
                f"start_within_deg is {self.within_deg}; choose more than the tolerance, {self.context.tolerance_deg}, "
                "and at most 180 degrees"
            )

    def __call__(self, mounts: Float64Array, keys: UInt64Array) -> Float64Array:
        """Return mounts (m, 3, 3) near a goal in place of evenly drawn ones; those that are nearer stay as they are."""
        home = self.context.goniometer.rotation(self.context.goniometer.home())
        stands = home @ mounts
        goal = self.context.target.goal(stands)
        away = rotation_vector_deg(stands @ goal.transpose(0, 2, 1))
        angle = np.sqrt((away**2).sum(axis=1))
        least = self.context.tolerance_deg**3
        wanted = np.cbrt(least + (self.within_deg**3 - least) * uniforms(keys, 1)[:, 0])
        shorter = np.minimum(wanted, angle) / np.maximum(angle, 1e-9)
        near: Float64Array = home.T @ rotation_matrix(away * shorter[:, None]) @ goal
        return near
