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
    within_deg : largest error of a start, where a reset says no other; errors are drawn evenly in the ball of turns
        between the tolerance and it

    Raises
    ------
    ValueError : for an angle that is no larger than the tolerance, or above 180
    """

    context: AlignContext
    within_deg: float

    def __post_init__(self) -> None:
        self._check(self.within_deg)

    def __call__(self, mounts: Float64Array, keys: UInt64Array, within: Float64Array | None = None) -> Float64Array:
        """Return mounts (m, 3, 3) near a goal in place of evenly drawn ones; those that are nearer stay as they are.

        Parameters
        ----------
        mounts : (m, 3, 3) drawn evenly
        keys : (m,) of their own
        within : (m,) largest error of each, degrees; infinity leaves a mount as it was drawn

        Raises
        ------
        ValueError : for an angle that is no larger than the tolerance, or above 180
        """
        within_deg: Float64Array | float = self.within_deg
        if within is not None:
            for angle in within[np.isfinite(within)]:
                self._check(float(angle))
            within_deg = np.where(np.isfinite(within), within, 180.0)
        home = self.context.goniometer.rotation(self.context.goniometer.home())
        stands = home @ mounts
        goal = self.context.target.goal(stands)
        away = rotation_vector_deg(stands @ goal.transpose(0, 2, 1))
        angle = np.sqrt((away**2).sum(axis=1))
        least = self.context.tolerance_deg**3
        wanted = np.cbrt(least + (within_deg**3 - least) * uniforms(keys, 1)[:, 0])
        shorter = np.minimum(wanted, angle) / np.maximum(angle, 1e-9)
        near: Float64Array = home.T @ rotation_matrix(away * shorter[:, None]) @ goal
        return near if within is None else np.where(np.isfinite(within)[:, None, None], near, mounts)

    def _check(self, within_deg: float) -> None:
        if not self.context.tolerance_deg < within_deg <= 180.0:
            raise ValueError(
                f"start_within_deg is {within_deg}; choose more than the tolerance, {self.context.tolerance_deg}, "
                "and at most 180 degrees"
            )
