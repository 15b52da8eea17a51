"""A goniometer is an ordered stack of named axes, outermost first: R(p) = Π exp(sign (p − zero) [vector]).

The sample's orientation is R(p) · U. Positions are degrees (mm for linear axes), rotations active and in the lab frame.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.goniometer.kinematics_kernels import Chain, forward_batch, jacobian_batch, solve_batch, turn_batch
from beamgym.physics.goniometer.presets import PRESETS
from beamgym.physics.goniometer.spec import nearest_name, read_spec
from beamgym.physics.instrument import Axis, BoolArray, Float64Array, Int64Array
from beamgym.physics.orientation import check_rotation
from beamgym.physics.row_threads import joined_rows

_UNIT_TOLERANCE = 1e-6
_PARALLEL_SINE = 1e-3
_TURN_HALVINGS = 12  # a turn that is too long is shortened to 1/4096 of itself


@dataclass(frozen=True)
class Solution:
    """Axis positions that give wanted orientations.

    Parameters
    ----------
    positions : (n, k) inside the limits always; where not reachable, the branch that misses by least, put on its limits
    reachable : (n,) bool
    limiting : (n,) index of the axis that stops it; -1 where reachable, or where the goniometer has too few axes
    needed : (n,) position the limiting axis would need; NaN where no position of it would do
    """

    positions: Float64Array
    reachable: BoolArray
    limiting: Int64Array
    needed: Float64Array


@dataclass(frozen=True)
class Turn:
    """Axis positions after turning the sample as far as the goniometer can.

    Parameters
    ----------
    positions : (n, k) inside the limits
    fraction : (n,) share of the wanted angle, 1 where nothing was cut
    limiting : (n,) index of the axis that stops the full turn, -1 where none does
    """

    positions: Float64Array
    fraction: Float64Array
    limiting: Int64Array


@dataclass(frozen=True)
class Goniometer:
    """An ordered stack of axes that carries the sample.

    Parameters
    ----------
    name : for tables and messages
    axes : outermost first, k of them
    solve_with : the three rotation axes the inverse turns, the others being held; None takes the innermost three
    wrist_mm : for a six-axis arm, the point where its last three axes meet at home, mm; None for a goniometer whose
        axes meet at the sample

    Raises
    ------
    ValueError : for axes without name or direction, limits the wrong way round, or a geometry that cannot be solved
    """

    name: str
    axes: tuple[Axis, ...]
    solve_with: tuple[str, str, str] | None = None
    wrist_mm: tuple[float, float, float] | None = None
    _forward: Chain = field(init=False, repr=False, compare=False)
    _inverse: Chain = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for axis in self.axes:
            _check_axis(axis)
        if not self.axes or len({axis.name for axis in self.axes}) < len(self.axes):
            raise ValueError(f"goniometer {self.name!r} needs at least one axis and no name twice, found {self.names}")
        if self.wrist_mm is not None:
            _check_arm(self.axes, self.wrist_mm)
        padded = self.axes if self.wrist_mm is not None else _padded(self.axes)
        moving = _moving(padded, self.solve_with)
        if self.wrist_mm is None:
            _check_solvable(self.name, padded, moving)
        object.__setattr__(self, "_forward", _chain(self.axes, moving, self.wrist_mm))
        object.__setattr__(self, "_inverse", _chain(padded, moving, self.wrist_mm))

    @property
    def names(self) -> tuple[str, ...]:
        """The axes' names, outermost first."""
        return tuple(axis.name for axis in self.axes)

    @property
    def chain(self) -> Chain:
        """Arrays for the inverse kinematics; axes without motion are appended where there are fewer than three."""
        return self._inverse

    @property
    def forward_chain(self) -> Chain:
        """The same arrays for the real axes alone."""
        return self._forward

    def home(self) -> Float64Array:
        """Return (k,) zeros, put inside the limits."""
        return np.clip(np.zeros(len(self.axes)), self._forward.low, self._forward.high)

    def check_positions(self, positions: ArrayLike) -> Float64Array:
        """Return positions (..., k) as an array; raise ValueError where one is not finite or outside its limits."""
        given = self._positions(positions)
        outside = (given < self._forward.low) | (given > self._forward.high)
        if outside.any():
            index = int(np.argwhere(outside)[0][-1])
            axis, value = self.axes[index], float(given[..., index][outside[..., index]].flat[0])
            raise ValueError(
                f"{self.name}: {axis.name} = {value:.6g} is outside its limits; "
                f"give a position from {axis.limits[0]:g} to {axis.limits[1]:g}"
            )
        return given

    def rotation(self, positions: ArrayLike) -> Float64Array:
        """Return R(p), (..., 3, 3), for positions (..., k)."""
        given = self._positions(positions)
        rotation: Float64Array = forward_batch(self._forward, _rows(given))[0]
        return rotation.reshape(*given.shape[:-1], 3, 3)

    def sample_position_mm(self, positions: ArrayLike) -> Float64Array:
        """Return where the sample, at the origin when every axis is at its zero, has been carried: (..., 3) mm."""
        given = self._positions(positions)
        place: Float64Array = forward_batch(self._forward, _rows(given))[1]
        return place.reshape(*given.shape[:-1], 3)

    def jacobian(self, positions: ArrayLike) -> Float64Array:
        """Return d(rotation vector in the lab, degrees)/d(position), (..., 3, k), at positions (..., k)."""
        given = self._positions(positions)
        jacobian: Float64Array = jacobian_batch(self._forward, _rows(given))
        return jacobian.reshape(*given.shape[:-1], 3, len(self.axes))

    def solve(self, rotation: ArrayLike, near: ArrayLike) -> Solution:
        """Return the positions that give a rotation with the shortest motion time.

        Parameters
        ----------
        rotation : (n, 3, 3) wanted R
        near : (n, k) or (k,) present positions; the axes that the inverse does not turn stay there

        Returns
        -------
        Solution
            of the branches and whole turns inside the limits the one whose slowest axis arrives first

        Raises
        ------
        ValueError : for shapes, values that are not finite, or matrices that are not rotations

        Notes
        -----
        Closed forms, see kinematics_kernels. An arm is solved with the sample at the origin.
        """
        wanted = _checked_rotation(rotation)
        start = np.ascontiguousarray(np.broadcast_to(self._positions(near), (len(wanted), len(self.axes))))
        positions, reachable, limiting, needed = solve_batch(self._inverse, wanted, self.pad(start))
        limiting[limiting >= len(self.axes)] = -1
        return Solution(positions[:, : len(self.axes)], reachable, limiting, needed)

    def turn(self, positions: ArrayLike, vector_deg: ArrayLike) -> Turn:
        """Turn the sample by rotation vectors in the lab, shortening those that lead out of reach.

        Parameters
        ----------
        positions : (n, k) present positions, inside the limits
        vector_deg : (n, 3) rotation axis times angle, degrees

        Returns
        -------
        Turn
            a turn out of reach is cut, about the same axis, by bisection to 1/4096 of its angle

        Raises
        ------
        ValueError : for shapes, values that are not finite, or positions outside the limits
        """
        vector = np.ascontiguousarray(vector_deg, dtype=np.float64)
        if vector.ndim != 2 or vector.shape[1] != 3 or not np.isfinite(vector).all():
            raise ValueError(f"rotation vectors must be finite numbers of shape (n, 3), got shape {vector.shape}")
        near = np.ascontiguousarray(np.broadcast_to(self.check_positions(positions), (len(vector), len(self.axes))))
        begin = self.pad(near)
        reached, fraction, limiting = joined_rows(
            len(vector), lambda rows: turn_batch(self._inverse, begin[rows], vector[rows], _TURN_HALVINGS)
        )
        limiting[limiting >= len(self.axes)] = -1
        return Turn(reached[:, : len(self.axes)], fraction, limiting)

    def explain(self, solution: Solution, row: int = 0) -> str:
        """Return one line that says why a row of a solution cannot be reached, or that it can."""
        if solution.reachable[row]:
            return f"{self.name}: reachable"
        index, needed = int(solution.limiting[row]), float(solution.needed[row])
        if index < 0:
            return f"{self.name}: not reachable, it has only the axes {', '.join(self.names)}"
        axis = self.axes[index]
        if np.isnan(needed):
            return f"{self.name}: not reachable, no position of {axis.name} leads there"
        low, high = axis.limits
        return f"{self.name}: {axis.name} would have to go to {needed:.2f}, its limits are {low:g} to {high:g}"

    def pad(self, positions: Float64Array) -> Float64Array:
        """Append zeros for the axes that ``chain`` has beyond the real ones."""
        extra = len(self._inverse.zero) - len(self.axes)
        return (
            positions if extra == 0 else np.concatenate([positions, np.zeros((*positions.shape[:-1], extra))], axis=-1)
        )

    def _positions(self, positions: ArrayLike) -> Float64Array:
        given = np.asarray(positions, dtype=np.float64)
        if given.ndim == 0 or given.shape[-1] != len(self.axes):
            raise ValueError(
                f"{self.name} has {len(self.axes)} axes {self.names}; got positions of shape {given.shape}"
            )
        if not np.isfinite(given).all():
            raise ValueError(f"{self.name}: positions must be finite numbers, found NaN or infinity")
        return given


def goniometer(spec: str | PathLike[str] | dict[str, Any] | Goniometer) -> Goniometer:
    """Return a goniometer by preset name, from a dict, or from a YAML file.

    Parameters
    ----------
    spec : one of ``goniometer_names()``, the path of a .yml/.yaml file, a dict of the same form, or a Goniometer

    Raises
    ------
    ValueError : for an unknown preset, a file that is not there, unknown keys, or limits the wrong way round
    """
    if isinstance(spec, Goniometer):
        return spec
    if isinstance(spec, str) and spec in PRESETS:
        preset = PRESETS[spec]
        return Goniometer(spec, preset.axes, preset.solve_with, preset.wrist_mm)
    if isinstance(spec, str) and not spec.lower().endswith((".yml", ".yaml")):
        raise ValueError(
            f"unknown goniometer {spec!r}; did you mean {nearest_name(spec, tuple(PRESETS))!r}? "
            f"There are {', '.join(PRESETS)}, or give a YAML file"
        )
    return Goniometer(**read_spec(spec))


def goniometer_names() -> tuple[str, ...]:
    """Return the names of the presets."""
    return tuple(PRESETS)


def _rows(positions: Float64Array) -> Float64Array:
    return np.ascontiguousarray(positions.reshape(-1, positions.shape[-1]))


def _checked_rotation(rotation: ArrayLike) -> Float64Array:
    wanted = np.ascontiguousarray(check_rotation(rotation, "rotation"))
    if wanted.ndim != 3:
        raise ValueError(f"rotations must have shape (n, 3, 3), got {wanted.shape}; add the batch dimension")
    return wanted


def _check_axis(axis: Axis) -> None:
    length = float(np.linalg.norm(axis.vector))
    if not abs(length - 1.0) <= _UNIT_TOLERANCE:
        raise ValueError(f"axis {axis.name!r}: vector must have length 1, found {axis.vector} of length {length:.6g}")
    if not axis.limits[0] <= axis.limits[1]:
        raise ValueError(f"axis {axis.name!r}: limits must go from low to high, found {axis.limits}")
    if axis.sign not in (1, -1) or not axis.speed > 0:
        raise ValueError(
            f"axis {axis.name!r}: sign must be 1 or -1 and speed above 0, found {axis.sign} and {axis.speed}"
        )


def _check_arm(axes: tuple[Axis, ...], wrist_mm: tuple[float, float, float]) -> None:
    if len(axes) != 6 or any(axis.kind != "rotation" for axis in axes):
        raise ValueError(f"an arm with a wrist point needs six rotation axes, found {len(axes)} axes")
    if np.linalg.norm(np.cross(axes[1].vector, axes[2].vector)) > _UNIT_TOLERANCE:
        raise ValueError(
            f"the arm's axes {axes[1].name!r} and {axes[2].name!r} must be parallel for the closed-form inverse"
        )
    for axis in axes[3:]:
        off = np.linalg.norm(np.cross(np.subtract(wrist_mm, axis.point_mm), axis.vector))
        if off > 1e-6:
            raise ValueError(
                f"the arm's axis {axis.name!r} must pass through the wrist point {wrist_mm}, it misses by {off:.3g} mm"
            )


def _padded(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """Append axes without motion so that there are three rotations: two circles are a three-circle with one stuck."""
    turning = [np.array(axis.vector) for axis in axes if axis.kind == "rotation"]
    extra: list[Axis] = []
    while len(turning) < 3:
        last = turning[-1] if turning else np.array([0.0, 0.0, 1.0])
        other = turning[-2] if len(turning) > 1 else np.eye(3)[int(np.argmin(np.abs(last)))]
        across = np.cross(last, other)
        if np.linalg.norm(across) < _PARALLEL_SINE:
            raise ValueError(f"axes {[axis.name for axis in axes]}: two rotation axes alone must not be parallel")
        across /= np.linalg.norm(across)
        turning.append(across)
        extra.append(Axis(f"(stuck {len(extra) + 1})", (across[0], across[1], across[2]), limits=(0.0, 0.0)))
    return (*axes, *extra)


def _moving(axes: tuple[Axis, ...], solve_with: tuple[str, str, str] | None) -> list[int]:
    turning = [i for i, axis in enumerate(axes) if axis.kind == "rotation"]
    if solve_with is None:
        return turning[-3:]
    names = [axes[i].name for i in turning]
    missing = [name for name in solve_with if name not in names]
    if missing or len(set(solve_with)) != 3:
        raise ValueError(f"solve_with must name three different rotation axes of {names}, found {list(solve_with)}")
    return sorted(turning[names.index(name)] for name in solve_with)


def _check_solvable(name: str, axes: tuple[Axis, ...], moving: list[int]) -> None:
    """Refuse parallel neighbours; where a held axis stands between two, it may yet turn them apart."""
    for i, j in pairwise(moving):
        between = any(axis.kind == "rotation" for axis in axes[i + 1 : j])
        if not between and np.linalg.norm(np.cross(axes[i].vector, axes[j].vector)) < _PARALLEL_SINE:
            raise ValueError(
                f"goniometer {name!r}: axes {axes[i].name!r} and {axes[j].name!r} are parallel and give no third "
                "freedom; name three others by solve_with"
            )


def _chain(axes: tuple[Axis, ...], moving: list[int], wrist_mm: tuple[float, float, float] | None) -> Chain:
    def column(values: list[float]) -> Float64Array:
        return np.array(values, dtype=np.float64)

    return Chain(
        vector=np.array([np.array(axis.vector) * axis.sign for axis in axes], dtype=np.float64),
        point_mm=np.array([axis.point_mm for axis in axes], dtype=np.float64),
        linear=np.array([axis.kind == "linear" for axis in axes]),
        zero=column([axis.zero for axis in axes]),
        low=column([axis.limits[0] for axis in axes]),
        high=column([axis.limits[1] for axis in axes]),
        speed=column([axis.speed for axis in axes]),
        moving=np.array(moving, dtype=np.int64),
        wrist_mm=np.array(wrist_mm if wrist_mm is not None else (0.0, 0.0, 0.0)),
        is_arm=np.array([wrist_mm is not None]),
    )
