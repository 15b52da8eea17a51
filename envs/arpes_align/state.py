"""What the ArpesAlign task remembers of n episodes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.instrument import BoolArray, Float32Array, Float64Array, Int64Array

MAP_ROWS, MAP_COLUMNS = 41, 48
"""Cells of the constant-energy map: polar from -15 to 15 degrees, and the slit."""


@dataclass(frozen=True)
class PoseAlignState:
    """The TaskState of ArpesAlign; every array starts with the batch dimension n.

    Parameters
    ----------
    positions : (n, 7) readback of the axes, and the dwell in s
    counts : (n, e, a) of the last cut
    map : (n, 41, 48) electrons a second near one energy by polar angle, of the cuts since tilt or azimuth turned
    map_at : (n, 2) tilt and azimuth at which it was taken
    last_move : (n, 7) made, in units of the travel, and 1 where it was shortened
    used : (n,) exposures; spent_s (n,) beam time
    declared, over : (n,) the agent said it is done; it asked for more beam time than is left
    near : (n,) what the dense reward has paid for so far
    motor_s, exposure_s : (n,) of the last step
    """

    positions: Float64Array
    counts: Float32Array
    map: Float32Array
    map_at: Float64Array
    last_move: Float64Array
    used: Int64Array
    spent_s: Float64Array
    declared: BoolArray
    over: BoolArray
    near: Float64Array
    motor_s: Float64Array
    exposure_s: Float64Array


def unbegun(positions: Float64Array, shape: tuple[int, int]) -> PoseAlignState:
    """Return the state of n episodes before their first exposure, whose cuts have a shape (e, a)."""
    n = len(positions)
    no, zero = np.zeros(n, dtype=np.bool_), np.zeros(n)
    chart: NDArray[np.float32] = np.zeros((n, MAP_ROWS, MAP_COLUMNS), dtype=np.float32)
    return PoseAlignState(
        positions.copy(),
        np.zeros((n, *shape), dtype=np.float32),
        chart,
        positions[:, 4:6].copy(),
        np.zeros((n, 7)),
        np.zeros(n, dtype=np.int64),
        zero,
        no,
        no,
        zero,
        zero,
        zero,
    )
