"""Targets of an alignment: a pose, one direction to one axis, or two planes into the scattering plane.

An orientation O = R · U maps crystal Cartesian axes to the lab. Every target is a set of symmetry-equivalent ones; the
error is the angle to the nearest of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.goniometer.directions import CrystalAxes, Direction, direction, lab_axis
from beamgym.physics.goniometer.goniometer import Goniometer
from beamgym.physics.goniometer.reachable_kernels import reachable_poses
from beamgym.physics.goniometer.targets_kernels import allowed_batch, nearest_batch, reach_batch
from beamgym.physics.instrument import BoolArray, Float64Array, Int64Array
from beamgym.physics.row_threads import joined_rows, over_rows

_PARALLEL_DEG = 0.1


@dataclass(frozen=True)
class Goals:
    """The nearest reachable goal of n samples; where none is reachable, the nearest goal at all.

    Parameters
    ----------
    orientation : (n, 3, 3) goal, crystal to lab
    positions : (n, k) goniometer positions there, inside the limits always
    error_deg : (n,) angle from the present orientation in the measure of the target's kind
    reachable : (n,) bool; False means remount
    index : (n,) which of the equivalents it is
    limiting, needed : (n,) axis that stops the nearest goal and the position it would need, as in ``Solution``
    remount : (n, 3, 3) rotation, in the lab with the goniometer at home, by which to glue the crystal anew so that it
        stands on the goal at home; the unit matrix where a goal is reachable
    """

    orientation: Float64Array
    positions: Float64Array
    error_deg: Float64Array
    reachable: BoolArray
    index: Int64Array
    limiting: Int64Array
    needed: Float64Array
    remount: Float64Array


@dataclass(frozen=True)
class Target:
    """A set of symmetry-equivalent goals.

    Parameters
    ----------
    kind : "pose" (3 degrees of freedom), "axis" or "plane" (2; the turn about ``lab`` is free)
    label : for tables and pictures
    orientations : (k, 3, 3) goals of a pose; (0, 3, 3) otherwise
    lines : (m, 3) unit vectors in crystal Cartesian axes, one of which is to lie along ``lab``, either way round: the
        direction of an axis, the normal common to both diffraction vectors of a plane; (0, 3) for a pose
    lab : (3,) unit vector in the lab
    """

    kind: Literal["pose", "axis", "plane"]
    label: str
    orientations: Float64Array
    lines: Float64Array
    lab: Float64Array

    @property
    def size(self) -> int:
        """Number of symmetry-equivalent goals."""
        return len(self.orientations) if self.kind == "pose" else len(self.lines)

    def error_deg(self, orientation: ArrayLike, allowed: BoolArray | None = None) -> Float64Array:
        """Return the angle to the nearest equivalent.

        Parameters
        ----------
        orientation : (n, 3, 3) crystal to lab
        allowed : (n, size) which equivalents count, as from ``reachable``; all by default

        Returns
        -------
        (n,) degrees: the misorientation (pose), or the angle between the lines (axis, plane), which for a plane is the
        smallest rotation that brings both diffraction vectors into it; infinite where nothing is allowed
        """
        return self._nearest(orientation, allowed)[0]

    def goal(self, orientation: ArrayLike, allowed: BoolArray | None = None) -> Float64Array:
        """Return the nearest goal orientation (n, 3, 3), out of those allowed (n, size).

        For an axis or a plane it is the present orientation after the smallest rotation that lays the line on the axis.
        """
        return self._nearest(orientation, allowed)[2]

    def reachable(self, goniometer: Goniometer, mount: ArrayLike) -> BoolArray:
        """Return (n, size): which equivalents the goniometer reaches with crystals mounted as ``mount`` (n, 3, 3).

        Axes that the inverse does not turn stand at home. The free turn of an axis or a plane is tried at 72 places.
        """
        u = _batch(mount)
        home = goniometer.pad(goniometer.home())

        def allowed(rows: slice) -> BoolArray:
            if self.kind == "pose":
                found: BoolArray = reachable_poses(goniometer.chain, home, u[rows], self.orientations, False)
            else:
                found = allowed_batch(goniometer.chain, home, u[rows], *self._arrays())
            return found

        each = over_rows(len(u), allowed, least=8)
        return each[0] if len(each) == 1 else np.concatenate(each)

    def can_reach(self, goniometer: Goniometer, mount: ArrayLike) -> BoolArray:
        """Return (n,): whether the goniometer, from home, reaches any equivalent with crystals mounted so (n, 3, 3)."""
        if self.kind != "pose":
            return self.reachable_goals(goniometer, mount).reachable
        u, home = _batch(mount), goniometer.pad(goniometer.home())
        each: list[BoolArray] = over_rows(
            len(u), lambda rows: reachable_poses(goniometer.chain, home, u[rows], self.orientations, True), least=64
        )
        return np.asarray(np.concatenate(each).any(axis=1), dtype=np.bool_)

    def reachable_goals(self, goniometer: Goniometer, mount: ArrayLike, positions: ArrayLike | None = None) -> Goals:
        """Find the nearest goal that the goniometer reaches from where it stands.

        Parameters
        ----------
        mount : (n, 3, 3) U, the crystal on the goniometer at zero angles
        positions : (n, k) or (k,) present positions; home by default

        Returns
        -------
        Goals

        Notes
        -----
        The equivalents are tried from the nearest outwards, so that mostly one inverse is solved. Where the smallest
        rotation onto an axis or plane is out of reach, its free turn is tried in steps of 5°, both ways round.
        """
        u = _batch(mount)
        k = len(goniometer.axes)
        given = goniometer.check_positions(goniometer.home() if positions is None else positions)
        near = np.ascontiguousarray(np.broadcast_to(given, (len(u), k)))
        orientation = goniometer.rotation(near) @ u
        begin = goniometer.pad(near)
        reachable, error, index, goal, reached, limiting, needed = joined_rows(
            len(u),
            lambda rows: reach_batch(goniometer.chain, orientation[rows], u[rows], begin[rows], *self._arrays()),
        )
        limiting[limiting >= k] = -1
        remount = self._remount(goniometer, u, reachable)
        return Goals(goal, reached[:, :k], error, reachable, index, limiting, needed, remount)

    def _remount(self, goniometer: Goniometer, mount: Float64Array, reachable: BoolArray) -> Float64Array:
        remount = np.broadcast_to(np.eye(3), mount.shape).copy()
        lost = ~reachable
        if lost.any():
            home = goniometer.rotation(goniometer.home())
            goal = self.goal(home @ mount[lost])
            remount[lost] = home.T @ goal @ mount[lost].transpose(0, 2, 1)
        return remount

    def _nearest(
        self, orientation: ArrayLike, allowed: BoolArray | None
    ) -> tuple[Float64Array, Int64Array, Float64Array]:
        given = _batch(orientation)
        mask = np.ones((1, self.size), dtype=np.bool_) if allowed is None else np.asarray(allowed, dtype=np.bool_)
        if mask.shape not in ((1, self.size), (len(given), self.size)):
            raise ValueError(
                f"allowed must have shape {(len(given), self.size)} for target {self.label}, got {mask.shape}"
            )
        mask = np.broadcast_to(mask, (len(given), self.size))
        found: tuple[Float64Array, Int64Array, Float64Array] = nearest_batch(given, *self._arrays(), mask)
        return found

    def _arrays(self) -> tuple[bool, Float64Array, Float64Array, Float64Array]:
        return self.kind != "pose", self.orientations, self.lines, self.lab


def pose_target(
    crystal: CrystalAxes,
    beam: str | Direction = "[0 0 1]",
    up: str | Direction = "[1 1 0]",
    *,
    beam_axis: str = "x",
    up_axis: str = "z",
) -> Target:
    """Fix all three degrees of freedom by two directions.

    Parameters
    ----------
    beam : direction that is brought exactly onto ``beam_axis``
    up : direction that is brought as near to ``up_axis`` as it can: only its part across ``beam`` counts
    beam_axis, up_axis : lab axes, "x", "y", "z" or with a minus; x is along the beam, z up

    Raises
    ------
    ValueError : for directions or lab axes that are parallel
    """
    first, second = direction(beam), direction(up)
    frame = _frame(first.vector(crystal), second.vector(crystal), f"directions {first} and {second}")
    lab = _frame(lab_axis(beam_axis), lab_axis(up_axis), f"lab axes {beam_axis} and {up_axis}")
    goal = lab @ frame.T
    orientations = np.ascontiguousarray(goal @ np.asarray(crystal.rotations, dtype=np.float64))
    label = f"{first} along {beam_axis}, {second} towards {up_axis}"
    return Target("pose", label, orientations, np.zeros((0, 3)), lab_axis(beam_axis))


def axis_target(crystal: CrystalAxes, name: str | Direction = "[0 0 1]", axis: str = "x") -> Target:
    """Lay one direction, or its opposite, along one lab axis; the turn about it is free."""
    chosen = direction(name)
    lines = _equivalent_lines(chosen.vector(crystal), np.asarray(crystal.rotations, dtype=np.float64))
    return Target("axis", f"{chosen} along {axis}", np.zeros((0, 3, 3)), lines, lab_axis(axis))


def plane_target(
    crystal: CrystalAxes, first: str | Direction = "(1 0 0)", second: str | Direction = "(0 1 0)", normal: str = "z"
) -> Target:
    """Lay two plane normals into the plane across ``normal`` (the horizontal one); the turn within it is free.

    Raises
    ------
    ValueError : for parallel directions
    """
    one, two = direction(first), direction(second)
    frame = _frame(one.vector(crystal), two.vector(crystal), f"directions {one} and {two}")
    lines = _equivalent_lines(frame[:, 2], np.asarray(crystal.rotations, dtype=np.float64))
    return Target("plane", f"{one} and {two} across {normal}", np.zeros((0, 3, 3)), lines, lab_axis(normal))


def parse_target(crystal: CrystalAxes, text: str) -> Target:
    """Read a target from one line: "pose [001] [110]", "axis [001] x" or "plane (100) (010)".

    After a pose's directions two lab axes may follow, after a plane's one, as in "pose [001] (110) x -z".
    """
    words = _words(text)
    kinds: dict[str, tuple[Callable[[list[str]], Target], int, int]] = {
        "pose": (lambda w: _pose_from(crystal, w), 2, 4),
        "axis": (lambda w: axis_target(crystal, *w), 1, 2),
        "plane": (lambda w: plane_target(crystal, *w), 2, 3),
    }
    if not words or words[0] not in kinds:
        raise ValueError(
            f"cannot read the target {text!r}; for example 'pose [001] [110]', 'axis [001] x', 'plane (100) (010)'"
        )
    build, fewest, most = kinds[words[0]]
    if not fewest <= len(words) - 1 <= most:
        raise ValueError(
            f"a target of kind {words[0]} takes {fewest} to {most} words after it, found {len(words) - 1} in {text!r}"
        )
    return build(words[1:])


def _pose_from(crystal: CrystalAxes, words: list[str]) -> Target:
    axes = dict(zip(("beam_axis", "up_axis"), words[2:], strict=False))
    return pose_target(crystal, words[0], words[1], **axes)


def _words(text: str) -> list[str]:
    """Split at blanks outside brackets."""
    words, depth = [""], 0
    for letter in text.strip():
        depth += (letter in "[(") - (letter in "])")
        if letter.isspace() and depth == 0:
            words.append("")
        else:
            words[-1] += letter
    return [word for word in words if word]


def _frame(first: Float64Array, second: Float64Array, what: str) -> Float64Array:
    """Return columns: first, the part of second across it, and their cross product."""
    across = np.cross(first, second)
    length = float(np.linalg.norm(across))
    if length < np.sin(np.radians(_PARALLEL_DEG)):
        raise ValueError(f"the {what} are parallel; choose a second one that points elsewhere")
    across /= length
    return np.column_stack([first, np.cross(across, first), across])


def _equivalent_lines(line: Float64Array, rotations: Float64Array) -> Float64Array:
    lines: list[Float64Array] = []
    for candidate in rotations @ line:
        if all(abs(candidate @ kept) < 1.0 - 1e-9 for kept in lines):
            lines.append(candidate)
    return np.array(lines)


def _batch(rotation: ArrayLike) -> Float64Array:
    given = np.ascontiguousarray(rotation, dtype=np.float64)
    if given.ndim != 3 or given.shape[1:] != (3, 3):
        raise ValueError(f"orientations must have shape (n, 3, 3), got {given.shape}")
    if not np.isfinite(given).all():
        raise ValueError("orientations must be finite numbers, found NaN or infinity")
    return given
