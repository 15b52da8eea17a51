"""The observation "estimate": a few numbers, by which a crystal's turn to its goal is known as well as frames tell."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from gymnasium import spaces

from beamgym.envs.actions import encode_rotation
from beamgym.physics.goniometer import Goals, Goniometer, Target
from beamgym.physics.instrument import Float32Array, Float64Array
from beamgym.physics.orientation_kernels import vectors_of_matrices

ESTIMATE_UNITS = (
    "turn to the nearest goal in reach as an action, or steps of the axes; how far that is, and one standard "
    "deviation of the orientation about each lab axis, as ln(1 + angle / tolerance) / ln(1 + 180° / tolerance); "
    "share of the budget that is left"
)
LOOK_AGAIN_DEG = 12.0
"""Turn that is told where frames tell nothing of a crystal, about the lab's x, y and z after one frame each."""
_MOST_DEG = 180.0


@dataclass(frozen=True)
class SightView:
    """Encodes what is known of n crystals.

    Parameters
    ----------
    goniometer, target : what is to be turned, and where to
    tolerance_deg, max_rotation_deg : of the task, and of a full action
    by_axes : the turn is told as a step of each axis in place of a rotation vector
    """

    goniometer: Goniometer
    target: Target
    tolerance_deg: float
    max_rotation_deg: float
    by_axes: bool = False

    @property
    def moves(self) -> int:
        """Numbers of the turn that is missing: a rotation vector, or a step per axis."""
        return len(self.goniometer.axes) if self.by_axes else 3

    @property
    def space(self) -> spaces.Box:
        """Space of one crystal's numbers."""
        low = np.r_[-np.ones(self.moves), np.zeros(5)].astype(np.float32)
        return spaces.Box(low, np.ones_like(low), dtype=np.float32)

    def encode(self, known: Any, positions: Float64Array, left: Float64Array) -> Float32Array:
        """Return the numbers (n, moves + 5).

        Of a crystal of which frames tell nothing the turn is one from where the next frame may tell something, and
        the angles are 180°.

        Parameters
        ----------
        known : what frames tell, a ``Known``
        positions : (n, k) readback
        left : (n,) share of the budget
        """
        goals = self.goals(known, positions)
        turn = self.turn_deg(known, goals)
        angle = np.sqrt((turn**2).sum(axis=1, keepdims=True))
        steps = goals.positions - positions
        if known.lost.any():
            angle = np.where(known.lost[:, None] > 0, _MOST_DEG, angle)
        numbers = [self._asked(turn, steps), self._scaled(angle), self.sigma(known), left[:, None]]
        return np.concatenate(numbers, axis=1).clip(-1.0, 1.0).astype(np.float32)

    def sigma(self, known: Any) -> Float64Array:
        """Return one standard deviation (n, 3) of the orientations about each lab axis, in the view's own scale."""
        return self._scaled(np.sqrt(np.maximum(np.einsum("nii->ni", known.spread), 0.0)))

    def goals(self, known: Any, positions: Float64Array) -> Goals:
        """Return the nearest goals that can be reached, by what is known; where nothing is, poses to look from."""
        low, high = np.array([axis.limits for axis in self.goniometer.axes]).T
        here = np.clip(positions, low, high)
        goals = self.target.reachable_goals(self.goniometer, known.mount, here)
        lost = np.flatnonzero(known.lost)
        if len(lost):
            about = np.eye(3)[(known.lost[lost] - 1) % 3]
            looks = self.goniometer.turn(here[lost], min(LOOK_AGAIN_DEG, self.max_rotation_deg) * about).positions
            positions, orientation = goals.positions.copy(), goals.orientation.copy()
            positions[lost], orientation[lost] = looks, self.goniometer.rotation(looks) @ known.mount[lost]
            return replace(goals, positions=positions, orientation=orientation)
        return goals

    def turn_deg(self, known: Any, goals: Goals) -> Float64Array:
        """Return the lab rotation vectors (n, 3) from how crystals stand, by what is known, to goals."""
        radians = np.empty((len(known.mount), 3))
        vectors_of_matrices(goals.orientation @ known.orientation.transpose(0, 2, 1), radians)
        return np.degrees(radians)

    def _asked(self, turn_deg: Float64Array, steps: Float64Array) -> Float64Array:
        most = self.max_rotation_deg
        if self.by_axes:
            share: Float64Array = np.cbrt(np.clip(steps / most, -1.0, 1.0))
            return share
        return encode_rotation(turn_deg, most)

    def _scaled(self, angle_deg: Float64Array) -> Float64Array:
        tolerance = self.tolerance_deg
        scaled: Float64Array = np.log1p(angle_deg / tolerance) / np.log1p(_MOST_DEG / tolerance)
        return scaled
