"""How crystals stand by frames that give an orientation, as drawn from a model of the estimator's errors."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from beamgym.physics.goniometer import Goniometer
from beamgym.physics.instrument import BoolArray, Float64Array, Frame
from beamgym.physics.laue.sight import Followed, SightErrors, begin, follow, foreseen_deg, merged

EVEN = 1.0 / 12.0
"""Variance of a number drawn evenly from a range of 1."""


@dataclass(frozen=True)
class ModelSight:
    """Joins the orientations that frames give, as ``physics.laue.sighted`` draws them.

    Parameters
    ----------
    goniometer : turns the crystals
    errors : of what one frame gives
    play_deg : lost motion of the rotation axes
    """

    goniometer: Goniometer
    errors: SightErrors
    play_deg: float = 0.0

    def begin(self, before: Followed | None, frame: Frame, positions: Float64Array, rows: BoolArray) -> Followed:
        """Return what the first frames of some rows tell; see ``Sight.begin``."""
        known = begin(self.errors, _given(frame), *self._stands(positions))
        return known if before is None else merged(before, known, rows)

    def follow(self, before: Followed, frame: Frame, positions: Float64Array, rows: BoolArray) -> Followed:
        """Return what is known after one more frame of some rows; see ``Sight.follow``."""
        return follow(self.errors, before, _given(frame), *self._stands(positions), rows)

    def foreseen_deg(self, known: Followed, positions: Float64Array) -> Float64Array:
        """Return how well mounts will be known after a frame at other positions; see ``Sight.foreseen_deg``."""
        return foreseen_deg(self.errors, known, *self._stands(positions))

    def carried_spread(self, known: Followed, positions: Float64Array) -> Float64Array:
        """Return the covariance (n, 3, 3), degrees², of how crystals stand where no frame tells it."""
        turned, play = self._stands(positions)
        spread: Float64Array = turned @ known.covariance[:, :3, :3] @ turned.transpose(0, 2, 1) + play
        return spread

    def _stands(self, positions: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return the goniometer's rotation (n, 3, 3), and the covariance (n, 3, 3) of what play leaves of it."""
        by_axes = self.goniometer.jacobian(positions)
        play = self.play_deg**2 * EVEN * (by_axes @ by_axes.transpose(0, 2, 1))
        return self.goniometer.rotation(positions), play


def _given(frame: Any) -> Float64Array:
    """Return the orientations that frames give; raises TypeError for frames that give none."""
    orientation = getattr(frame, "orientation", None)
    if not isinstance(orientation, np.ndarray):
        raise TypeError(f"{type(frame).__name__} gives no orientation; frames with spots are told by FrameSight")
    return orientation
