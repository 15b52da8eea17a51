"""Imperfect motors: limits, steps, backlash, zero error, readback noise, travel time, eccentric axes.

Pure functions on arrays of n samples and k axes: they return a new state and change nothing. Random numbers come from
the keys that the caller gives.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.goniometer.goniometer import Goniometer
from beamgym.physics.goniometer.motors_kernels import move_batch, normal_batch, offset_batch
from beamgym.physics.instrument import Axis, BoolArray, Float64Array, MoveFailed, MoveReport, UInt64Array


@dataclass(frozen=True)
class MotorErrors:
    """Errors of the motors; by default none but the steps that each axis states.

    Parameters
    ----------
    backlash : least lost motion on reversal, degrees or mm, of every axis; one that says more of itself keeps its own
    zero_sigma : standard deviation of each axis's zero error, degrees or mm, drawn once per episode
    readback_sigma : standard deviation of each reading, degrees or mm
    eccentricity_mm : standard deviation, per component, by which each axis misses the common point; what the sample
        then does is the sphere of confusion

    Notes
    -----
    The first three are one number for all axes, or a tuple (k,) with one per axis.
    """

    backlash: float | tuple[float, ...] | None = None
    zero_sigma: float | tuple[float, ...] = 0.0
    readback_sigma: float | tuple[float, ...] = 0.0
    eccentricity_mm: float = 0.0

    def __post_init__(self) -> None:
        for name in ("backlash", "zero_sigma", "readback_sigma", "eccentricity_mm"):
            value = getattr(self, name)
            if value is not None and not all(0.0 <= number < np.inf for number in np.atleast_1d(value)):
                raise ValueError(f"{name} must be a finite number from 0 up, found {value}")


@dataclass(frozen=True)
class MotorState:
    """Positions of n × k motors: counted, and true.

    Parameters
    ----------
    motor : (n, k) position the controller has counted to
    axis : (n, k) position of the axis behind the backlash
    zero_error : (n, k) what the scale is off by
    miss_mm : (n, k, 3) by how much each axis misses the common point
    """

    motor: Float64Array
    axis: Float64Array
    zero_error: Float64Array
    miss_mm: Float64Array

    @property
    def true(self) -> Float64Array:
        """(n, k) true positions: with backlash and zero error."""
        return self.axis + self.zero_error


def of_rotations(axes: Sequence[Axis], degrees: float) -> tuple[float, ...]:
    """Return one number per axis, (k,): ``degrees`` for rotations, 0 for linear axes, whose unit is another."""
    return tuple(degrees if axis.kind == "rotation" else 0.0 for axis in axes)


def start(axes: Sequence[Axis], errors: MotorErrors, positions: ArrayLike, keys: UInt64Array) -> MotorState:
    """Put fresh motors at positions, with zero errors and eccentricities drawn from the keys.

    Parameters
    ----------
    positions : (n, k) or (k,), inside the limits
    keys : (n,) one per sample; the draws 0 to 4k − 1 of each are used

    Raises
    ------
    ValueError : for a start outside the limits or not finite
    """
    n, k = len(keys), len(axes)
    motor = np.array(np.broadcast_to(np.asarray(positions, dtype=np.float64), (n, k)))
    try:
        check_target(axes, motor)
    except MoveFailed as error:
        raise ValueError(f"cannot start there: {error}") from None
    zero_error = normal_batch(keys, k, 0) * np.asarray(errors.zero_sigma)
    miss = normal_batch(keys, 3 * k, k).reshape(n, k, 3) * errors.eccentricity_mm
    return MotorState(motor, motor.copy(), zero_error, miss)


def begun_anew(state: MotorState, fresh: MotorState, rows: BoolArray | NDArray[np.int64]) -> MotorState:
    """Return the state of n samples with some rows replaced by those of ``fresh``, which holds these rows alone."""
    parts = {item.name: getattr(state, item.name).copy() for item in fields(MotorState)}
    for name, values in parts.items():
        values[rows] = getattr(fresh, name)
    return MotorState(**parts)


def move(
    axes: Sequence[Axis],
    errors: MotorErrors,
    state: MotorState,
    target: ArrayLike,
    mask: BoolArray | None = None,
    keys: UInt64Array | None = None,
) -> tuple[MotorState, MoveReport]:
    """Send the motors to absolute positions.

    Parameters
    ----------
    target : (n, k) positions; rounded to each axis's step
    mask : (n,) which samples move; all by default
    keys : (n,) for the readback's noise, one per sample and reading; needed where ``readback_sigma`` is not 0

    Returns
    -------
    MotorState, MoveReport
        the readback is the motor's count with noise; it knows neither backlash nor zero error. The duration is the
        largest |Δ| / speed + settling time of the axes that moved

    Raises
    ------
    MoveFailed : for a target outside the limits or not finite; nothing has moved then
    """
    wanted = np.ascontiguousarray(np.broadcast_to(np.asarray(target, dtype=np.float64), state.motor.shape))
    chosen = np.ones(len(wanted), dtype=np.bool_) if mask is None else np.asarray(mask, dtype=np.bool_)
    check_target(axes, wanted, chosen)
    low, high = _column(axes, "limits").T
    backlash = np.maximum(_column(axes, "backlash"), 0.0 if errors.backlash is None else errors.backlash)
    motor, axis, duration = move_batch(
        state.motor,
        state.axis,
        wanted,
        chosen,
        np.ascontiguousarray(low),
        np.ascontiguousarray(high),
        _column(axes, "step"),
        _column(axes, "speed"),
        _column(axes, "settle_s"),
        backlash,
    )
    moved = MotorState(motor, axis, state.zero_error, state.miss_mm)
    return moved, MoveReport(readback(errors, moved, keys), duration)


def readback(errors: MotorErrors, state: MotorState, keys: UInt64Array | None = None) -> Float64Array:
    """Read the encoders, (n, k): the motors' counts, with noise drawn from the keys (n,)."""
    if not np.any(errors.readback_sigma):
        return state.motor.copy()
    if keys is None:
        raise ValueError("readback_sigma is not 0: give one key per sample for the readback's noise")
    noise: Float64Array = normal_batch(keys, state.motor.shape[1], 0)
    return state.motor + np.asarray(errors.readback_sigma) * noise


def check_target(axes: Sequence[Axis], target: ArrayLike, mask: BoolArray | None = None) -> None:
    """Raise MoveFailed, with axis, value and limits, where a target (n, k) is out of reach."""
    wanted = np.asarray(target, dtype=np.float64)
    low, high = _column(axes, "limits").T
    bad = ~((wanted >= low) & (wanted <= high))
    if mask is not None:
        bad &= np.asarray(mask, dtype=np.bool_)[:, None]
    if not bad.any():
        return
    row, index = (int(i) for i in np.argwhere(bad)[0])
    axis = axes[index]
    raise MoveFailed(
        f"{axis.name} was sent to {wanted[row, index]:.6g}, its limits are {axis.limits[0]:g} to {axis.limits[1]:g}"
        + (f" (sample {row})" if len(wanted) > 1 else "")
    )


def travel_time_s(axes: Sequence[Axis], begin: ArrayLike, end: ArrayLike) -> Float64Array:
    """Return (n,) seconds that a move from ``begin`` to ``end``, (n, k) each, takes: all axes start together."""
    distance = np.abs(np.asarray(end, dtype=np.float64) - np.asarray(begin, dtype=np.float64))
    time = distance / _column(axes, "speed") + np.where(distance > 0.0, _column(axes, "settle_s"), 0.0)
    longest: Float64Array = time.max(axis=-1)
    return longest


def sample_offset_mm(goniometer: Goniometer, state: MotorState) -> Float64Array:
    """Return (n, 3) mm by which the sample has left the beam; none when every axis stands at its zero.

    Notes
    -----
    An axis that misses the common point by c moves it by (1 − R) c, carried on by the axes outside it.
    """
    offset: Float64Array = offset_batch(goniometer.forward_chain, state.true, state.miss_mm)
    return offset


def _column(axes: Sequence[Axis], name: str) -> Float64Array:
    return np.array([getattr(axis, name) for axis in axes], dtype=np.float64)
