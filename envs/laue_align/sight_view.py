"""The observation "estimate": a few numbers, by which a crystal's turn to its goal is known as well as frames tell."""

from dataclasses import dataclass

import numpy as np
from gymnasium import spaces

from beamgym.envs.actions import encode_rotation
from beamgym.envs.laue_align.context import LARGEST_ERROR_DEG, AlignContext
from beamgym.physics.goniometer import Goals
from beamgym.physics.instrument import Float32Array, Float64Array
from beamgym.physics.laue.sight import Followed
from beamgym.physics.orientation_kernels import vectors_of_matrices

ESTIMATE_UNITS = (
    "turn to the nearest goal in reach as an action, or steps of the axes; how far that is, and one standard "
    "deviation of the orientation about each lab axis, as ln(1 + angle / tolerance) / ln(1 + 180° / tolerance); "
    "share of the budget that is left"
)


@dataclass(frozen=True)
class SightView:
    """Encodes what is known of n crystals.

    Parameters
    ----------
    context : the public side of the task
    """

    context: AlignContext

    @property
    def moves(self) -> int:
        """Numbers of the turn that is missing: a rotation vector, or a step per axis."""
        return len(self.context.goniometer.axes) if self.context.action == "axes" else 3

    @property
    def space(self) -> spaces.Box:
        """Space of one crystal's numbers."""
        low = np.r_[-np.ones(self.moves), np.zeros(5)].astype(np.float32)
        return spaces.Box(low, np.ones_like(low), dtype=np.float32)

    def encode(self, known: Followed, positions: Float64Array, left: Float64Array) -> Float32Array:
        """Return the numbers (n, moves + 5).

        Parameters
        ----------
        known : what frames tell
        positions : (n, k) readback
        left : (n,) share of the budget
        """
        tolerance = self.context.tolerance_deg
        goals = self.goals(known, positions)
        turn = self.turn_deg(known, goals)
        angle = np.sqrt((turn**2).sum(axis=1, keepdims=True))
        asked = self._asked(turn, goals.positions - positions)
        numbers = [asked, _scaled(angle, tolerance), self.sigma(known), left[:, None]]
        return np.concatenate(numbers, axis=1).clip(-1.0, 1.0).astype(np.float32)

    def sigma(self, known: Followed) -> Float64Array:
        """Return one standard deviation (n, 3) of the orientations about each lab axis, in the view's own scale."""
        sigma = np.sqrt(np.maximum(np.einsum("nii->ni", known.spread), 0.0))
        return _scaled(sigma, self.context.tolerance_deg)

    def goals(self, known: Followed, positions: Float64Array) -> Goals:
        """Return the nearest goals that can be reached, by what is known."""
        stage = self.context.goniometer
        low, high = np.array([axis.limits for axis in stage.axes]).T
        return self.context.target.reachable_goals(stage, known.mount, np.clip(positions, low, high))

    def turn_deg(self, known: Followed, goals: Goals) -> Float64Array:
        """Return the lab rotation vectors (n, 3) from how crystals stand, by what is known, to goals."""
        radians = np.empty((len(known.mount), 3))
        vectors_of_matrices(goals.orientation @ known.orientation.transpose(0, 2, 1), radians)
        return np.degrees(radians)

    def _asked(self, turn_deg: Float64Array, steps: Float64Array) -> Float64Array:
        most = self.context.max_rotation_deg
        if self.context.action == "axes":
            share: Float64Array = np.cbrt(np.clip(steps / most, -1.0, 1.0))
            return share
        return encode_rotation(turn_deg, most)


def _scaled(angle_deg: Float64Array, tolerance_deg: float) -> Float64Array:
    scaled: Float64Array = np.log1p(angle_deg / tolerance_deg) / np.log1p(LARGEST_ERROR_DEG / tolerance_deg)
    return scaled
