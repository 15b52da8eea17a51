"""The six-axis manipulator before the analyser, and where the beam meets what it carries.

Frame of the analyser as in ``bands_models.kinematics``: z from the sample along the lens axis, y up along the slit, x
completing the right-handed set. x, y and z carry the rotations R = R_y(polar) R_x(tilt) R_z(azimuth), whose axes cross
in one point. The light comes in the horizontal plane at 45° from the lens axis.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arpes.bands_models import Geometry
from beamgym.physics.arrays import Float64Array
from beamgym.physics.instrument import Axis

POSE = ("x", "y", "z", "polar", "tilt", "azimuth")
"""Names of the six axes, in their order."""

LONGEST_DWELL_ALIGNING_S, SHORTEST_DWELL_ALIGNING_S = 10.0, 0.1
_LIGHT = np.array([1.0, 0.0, 1.0]) / np.sqrt(2.0)


def manipulator_axes() -> tuple[Axis, ...]:
    """Return the six axes, in mm and degrees, and the dwell in seconds, which is set and takes no time."""
    linear = {"kind": "linear", "speed": 0.5, "settle_s": 0.2, "step": 0.0005}
    turns = {"kind": "rotation", "settle_s": 0.3, "step": 0.001}
    return (
        Axis("x", (1.0, 0.0, 0.0), limits=(-3.0, 3.0), **linear),  # type: ignore[arg-type]
        Axis("y", (0.0, 1.0, 0.0), limits=(-3.0, 3.0), **linear),  # type: ignore[arg-type]
        Axis("z", (0.0, 0.0, 1.0), limits=(-2.0, 2.0), **linear),  # type: ignore[arg-type]
        Axis("polar", (0.0, 1.0, 0.0), limits=(-15.0, 15.0), speed=2.0, **turns),  # type: ignore[arg-type]
        Axis("tilt", (1.0, 0.0, 0.0), limits=(-15.0, 15.0), speed=1.0, **turns),  # type: ignore[arg-type]
        Axis("azimuth", (0.0, 0.0, 1.0), limits=(-60.0, 60.0), speed=2.0, **turns),  # type: ignore[arg-type]
        Axis(
            "dwell",
            (0.0, 0.0, 0.0),
            kind="linear",
            limits=(SHORTEST_DWELL_ALIGNING_S, LONGEST_DWELL_ALIGNING_S),
            speed=float("inf"),
        ),
    )


def pose_rotation(pose: ArrayLike) -> Float64Array:
    """Return R (..., 3, 3) of poses (..., 6), x to azimuth, mm and degrees."""
    polar, tilt, azimuth = np.moveaxis(np.asarray(pose, dtype=np.float64)[..., 3:6], -1, 0)
    return Geometry(polar, tilt, azimuth).rotation()


@dataclass(frozen=True, eq=False)
class Carried:
    """How a sample is carried, n of them; all zero is what everybody assumes.

    Parameters
    ----------
    mount : (n, 3, 3) the sample's frame in that of the azimuth stage
    crossing_mm : (n, 3) the crossing of the axes when x, y and z stand at 0
    origin_mm : (n, 3) the sample's origin from the crossing, at zero angles
    beam_mm : (n, 2) where the beam passes the plane z = 0
    """

    mount: Float64Array
    crossing_mm: Float64Array
    origin_mm: Float64Array
    beam_mm: Float64Array

    @classmethod
    def nominal(cls, n: int) -> "Carried":
        """Return n that are as they should be."""
        return cls(np.tile(np.eye(3), (n, 1, 1)), np.zeros((n, 3)), np.zeros((n, 3)), np.zeros((n, 2)))

    def hit(self, pose: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return where the beam meets the sample's plane.

        Parameters
        ----------
        pose : (n, 6) mm and degrees

        Returns
        -------
        sites (n, 2) on the sample, mm, and heights (n,) along the lens axis, mm
        """
        turn = pose_rotation(pose)
        plane = turn @ self.mount
        origin = pose[:, :3] + self.crossing_mm + np.einsum("nij,nj->ni", turn, self.origin_mm)
        entry = np.concatenate([self.beam_mm, np.zeros((len(pose), 1))], axis=1)
        normal = plane[:, :, 2]
        along = np.einsum("ni,ni->n", normal, origin - entry) / (normal @ _LIGHT)
        place = entry + along[:, None] * _LIGHT
        return np.einsum("nji,nj->ni", plane, place - origin)[:, :2], place[:, 2]


def followed(pose: Float64Array, angles_deg: Float64Array) -> Float64Array:
    """Return the pose (6,) with other angles (3,) that keeps site and height by the nominal geometry."""
    turned = np.concatenate([pose[:3], angles_deg])
    before, after = pose_rotation(pose), pose_rotation(turned)
    site = Carried.nominal(1).hit(pose[None])[0]
    # The point that was hit, in the frame of the azimuth stage, is brought to where it was.
    local = np.array([*site[0], 0.0])
    place = pose[:3] + before @ local
    return np.concatenate([place - after @ local, angles_deg])


def refocused(pose: Float64Array, rise_mm: float) -> Float64Array:
    """Return the pose (6,) higher along the lens axis by so much, moved along x so that the beam keeps its site."""
    out = pose.copy()
    out[[0, 2]] += rise_mm
    return out
