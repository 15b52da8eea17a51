"""What the ArpesSpot task remembers of n episodes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.arpes_spot.views import MAP_CELLS, MAP_LAYERS
from beamgym.physics.instrument import BoolArray, Float32Array, Float64Array, Int64Array

TRACE = 256
"""Places that the state remembers, for pictures."""


@dataclass(frozen=True)
class SpotState:
    """The TaskState of ArpesSpot; every array starts with the batch dimension n.

    Parameters
    ----------
    positions : (n, 3) readback of x and y in mm, and the dwell in s
    spectrum : (n, e, a, 1) uint8, the encoded last spectrum
    scores : (n, 4) S, B, N and the total in points, read off the last spectrum
    estimate : (n, 2) total that the site would have at the reference dwell, by the last spectrum, and its expected
        error, points; 0 in version 0
    electrons : (n,) in it
    best : (n, 3) the largest total so far and where, mm; in version 1 the largest estimate
    map : (n, 32, 32, 6) of every cell of the stage: total (in version 1 the estimate), visits, S, B, N and dwell of
        the spectrum that was counted longest there; N as it would be at the reference dwell, the dwell on the action's
        scale
    trace : (n, 256, 3) the last sites and their totals
    last_move : (n, 3) made along x and y in units of the travel, and 1 where it was shortened
    used : (n,) exposures; spent_s (n,) beam time
    declared : (n,)
    over : (n,) the agent asked for more beam time than is left
    reached : (n,) what the dense reward has paid for so far, points
    motor_s, exposure_s : (n,) of the last step
    """

    positions: Float64Array
    spectrum: NDArray[np.uint8]
    scores: Float32Array
    estimate: Float32Array
    electrons: Float64Array
    best: Float32Array
    map: Float32Array
    trace: Float32Array
    last_move: Float32Array
    used: Int64Array
    spent_s: Float64Array
    declared: BoolArray
    over: BoolArray
    reached: Float64Array
    motor_s: Float64Array
    exposure_s: Float64Array


def blank(positions: Float64Array, shape: tuple[int, int]) -> SpotState:
    """Return the state of n episodes before their first exposure, whose spectra have a shape (e, a)."""
    n = len(positions)
    no, zero = np.zeros(n, dtype=np.bool_), np.zeros(n)
    return SpotState(
        positions=positions.copy(),
        spectrum=np.zeros((n, *shape, 1), dtype=np.uint8),
        scores=np.zeros((n, 4), dtype=np.float32),
        estimate=np.zeros((n, 2), dtype=np.float32),
        electrons=zero,
        best=np.zeros((n, 3), dtype=np.float32),
        map=np.zeros((n, MAP_CELLS, MAP_CELLS, MAP_LAYERS), dtype=np.float32),
        trace=np.zeros((n, TRACE, 3), dtype=np.float32),
        last_move=np.zeros((n, 3), dtype=np.float32),
        used=np.zeros(n, dtype=np.int64),
        spent_s=zero,
        declared=no,
        over=no,
        reached=zero,
        motor_s=zero,
        exposure_s=zero,
    )


def cleared(state: SpotState, mask: BoolArray) -> SpotState:
    """Return the state with the masked rows' histories cleared."""

    def clear(values: NDArray[Any]) -> NDArray[Any]:
        kept = values.copy()
        kept[mask] = 0
        return kept

    names = ("best", "map", "trace", "last_move", "used", "spent_s", "declared", "over", "reached")
    return replace(state, **{name: clear(getattr(state, name)) for name in names})


def told(state: SpotState) -> dict[str, float]:
    """Return what the last spectrum of one episode (n = 1) says of its site, in points.

    Returns
    -------
    ``score_points``; in version 1 also what the site would have at the reference dwell, and its expected error
    """
    estimate, error = state.estimate[0].tolist()
    values = {"score_points": float(state.scores[0, 3])}
    return values if error <= 0.0 else values | {"at_reference_dwell_points": estimate, "expected_error_points": error}
