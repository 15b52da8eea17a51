"""What the LaueAlign task remembers of n episodes, how it sees frames, and where its moves lead."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.laue_align.curriculum import Growth
from beamgym.envs.laue_align.estimate import SeenFrame
from beamgym.physics.goniometer import Goniometer
from beamgym.physics.instrument import BoolArray, Float32Array, Float64Array, Frame


@dataclass(frozen=True)
class AlignState:
    """The TaskState of LaueAlign; every array starts with the batch dimension n.

    Parameters
    ----------
    positions : (n, k) readback
    frame : the last frame
    view : (n, ...) the encoded frame
    last_move : (n, 4) lab rotation vector made, in units of 180 degrees, and 1 where it was shortened
    used : (n,) exposures taken
    declared : (n,)
    spent : (n,) the agent asked for one more exposure than the budget holds
    goals : (n, g) which equivalent goals the goniometer can reach from this mount, or None without truth
    potential : (n,)
    motor_s, exposed : (n,) of the last step
    seen : the frames so far, where there is no truth to judge by
    growth : how far the curriculum has come, where there is one
    exposure_s : (n,) of the last frame, seconds, where exposures are chosen
    """

    positions: Float64Array
    frame: Frame
    view: NDArray[Any]
    last_move: Float32Array
    used: NDArray[np.int64]
    declared: BoolArray
    spent: BoolArray
    goals: BoolArray | None
    potential: Float64Array
    motor_s: Float64Array
    exposed: BoolArray
    seen: tuple[SeenFrame, ...] = ()
    growth: Growth | None = None
    exposure_s: Float64Array | None = None


class View(Protocol):
    """Encodes a frame for the observation, under one key."""

    @property
    def key(self) -> str:
        """Its name in the observation."""
        ...

    @property
    def space(self) -> spaces.Box:
        """The space of one encoded frame."""
        ...

    def encode(self, frame: Frame, mask: BoolArray) -> NDArray[Any]:
        """Return the encoded rows of the frame where ``mask`` is True."""
        ...


def seen_anew(
    seen: tuple[SeenFrame, ...], frame: Frame, positions: Float64Array, mask: BoolArray
) -> tuple[SeenFrame, ...]:
    """Return the frames seen, with a first one of the rows that begin anew; theirs before it are forgotten."""
    kept = (replace(each, rows=each.rows & ~mask) for each in seen)
    return (*(each for each in kept if each.rows.any()), SeenFrame(frame, positions, mask.copy()))


def reach(goniometer: Goniometer, positions: Float64Array, turn_deg: Float64Array) -> tuple[Float64Array, BoolArray]:
    """Find axis positions that turn the sample by a lab rotation vector, or by as much of it as the axes allow.

    Parameters
    ----------
    goniometer : gives the inverse kinematics
    positions : (n, k) present positions as read, which noise may put a little outside the limits
    turn_deg : (n, 3) lab rotation vectors, degrees

    Returns
    -------
    (n, k) positions, and (n,) True where the move was shortened
    """
    low, high = np.array([axis.limits for axis in goniometer.axes]).T
    turn = goniometer.turn(np.clip(positions, low, high), turn_deg)
    return turn.positions, turn.fraction < 1.0
