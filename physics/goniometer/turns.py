"""From a measured orientation to a target: the turn of each axis, or the rotation for remounting."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.goniometer.goniometer import Goniometer, Solution
from beamgym.physics.goniometer.targets import Goals, Target
from beamgym.physics.instrument import Float64Array
from beamgym.physics.orientation import check_rotation, rotation_vector_deg


@dataclass(frozen=True)
class AxisTurn:
    """What one axis is to do.

    Parameters
    ----------
    name : the axis
    unit : "deg" of a rotation, "mm" of a linear axis
    now, goal : positions before and after, in that unit
    """

    name: str
    unit: Literal["deg", "mm"]
    now: float
    goal: float

    @property
    def turn(self) -> float:
        """How far the axis is to go."""
        return self.goal - self.now


@dataclass(frozen=True)
class Remount:
    """The rotation by which to remount a crystal, with the goniometer at home.

    Parameters
    ----------
    axis_lab : (3,) unit vector in the lab about which it is turned
    angle_deg : by how much
    """

    axis_lab: Float64Array
    angle_deg: float


@dataclass(frozen=True)
class TurnsToTarget:
    """The way from a measured orientation to a target.

    Parameters
    ----------
    label : the target, for tables and pictures
    goniometer : its name
    error_deg : how far the target is now, in the measure of its kind
    mount : (3, 3) U of the crystal on the goniometer at zero angles
    axes : the turn of every axis, outermost first; empty where the goniometer cannot reach the target
    because : which axis stops it; empty where the target is reached
    remount : how to glue the crystal anew; None where the target is reached
    """

    label: str
    goniometer: str
    error_deg: float
    mount: Float64Array
    axes: tuple[AxisTurn, ...] = ()
    because: str = ""
    remount: Remount | None = None

    @property
    def reachable(self) -> bool:
        """Whether the goniometer can bring the target about."""
        return self.remount is None


def turns_to_target(
    goniometer: Goniometer, target: Target, orientation: ArrayLike, positions: ArrayLike | None = None
) -> TurnsToTarget:
    """Return the turn of each axis, or the rotation by which to remount the crystal.

    Parameters
    ----------
    goniometer : the axes
    target : what is to be brought where
    orientation : (3, 3) U as measured, crystal Cartesian to lab
    positions : (k,) where the axes stood during the measurement, degrees or mm; home by default

    Returns
    -------
    TurnsToTarget to the nearest equivalent that the goniometer reaches

    Raises
    ------
    ValueError : an orientation that is no rotation matrix, or positions of another length or outside the limits
    """
    u = check_rotation(orientation, "orientation")
    here = goniometer.check_positions(goniometer.home() if positions is None else positions)
    mount = goniometer.rotation(here).T @ u
    goals = target.reachable_goals(goniometer, mount[None], here)
    error_deg = float(target.error_deg(u[None])[0])
    if goals.reachable[0]:
        axes = _axis_turns(goniometer, here, goals.positions[0])
        return TurnsToTarget(target.label, goniometer.name, error_deg, mount, axes)
    nearest = Solution(goals.positions, goals.reachable, goals.limiting, goals.needed)
    because = goniometer.explain(nearest)
    return TurnsToTarget(target.label, goniometer.name, error_deg, mount, because=because, remount=_remount(goals))


def _axis_turns(goniometer: Goniometer, here: Float64Array, goal: Float64Array) -> tuple[AxisTurn, ...]:
    return tuple(
        AxisTurn(axis.name, "mm" if axis.kind == "linear" else "deg", float(now), float(then))
        for axis, now, then in zip(goniometer.axes, here, goal, strict=True)
    )


def _remount(goals: Goals) -> Remount:
    vector = rotation_vector_deg(goals.remount[0])
    angle = float(np.linalg.norm(vector))
    return Remount(vector / max(angle, 1e-12), angle)
