"""Crystals on both faces of a plate: how they are turned there, and how a plate looks from behind."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation
from shapely import affinity

from beamgym.physics.mosaic.holder.design import Design
from beamgym.physics.mosaic.plate_frame import TURNED_OVER, turn_about_normal

_SAME_DEG = 0.05


def turn_for_back(target: ArrayLike, rotations: ArrayLike) -> tuple[float, float]:
    """Return how a crystal that stands as asked on the front must be turned to stand so on the back.

    Parameters
    ----------
    target : (3, 3) orientation that all crystals are to have in the front's frame
    rotations : (k, 3, 3) proper rotations of the crystal's Laue class

    Returns
    -------
    the turn in degrees, counter-clockwise as the back is seen, -180 to 180, and the tilt in degrees that remains. A
    tilt above a few degrees says that no turn does it: the crystal is to lie on its other face there

    Notes
    -----
    Seen from behind, about the plate's y, the target is TURNED_OVER · target; any symmetry-equivalent of it will do.
    """
    u = np.asarray(target, dtype=np.float64)
    best = (0.0, np.inf)
    for g in np.asarray(rotations, dtype=np.float64):
        x, y, z, w = Rotation.from_matrix(TURNED_OVER @ u @ g @ u.T).as_quat()
        turn = float(np.degrees(2.0 * np.arctan2(z, w)))
        tilt = float(np.degrees(2.0 * np.arcsin(min(1.0, np.hypot(x, y)))))
        turn = (turn + 180.0) % 360.0 - 180.0
        if (round(tilt, 6), abs(turn)) < (round(best[1], 6), abs(best[0])):
            best = (turn, tilt)
    return best


def check_back(target: ArrayLike, rotations: ArrayLike) -> None:
    """Raise ValueError where crystals that stand as asked, each on its own face, are not aligned front to back.

    Parameters
    ----------
    target : (3, 3) orientation that all crystals are to have, in the frame of the face that they lie on
    rotations : (k, 3, 3) proper rotations of the crystal's Laue class
    """
    turn, tilt = turn_for_back(target, rotations)
    if tilt > _SAME_DEG:
        raise ValueError(
            f"both faces: on the back the lattice is off by {tilt:.1f}°, whatever the turn, since no twofold axis lies "
            "in the plate; set both_faces to false, and take more plates"
        )
    if abs(turn) > _SAME_DEG:
        raise ValueError(
            f"both faces: on the back the lattice is turned by {abs(turn):.1f}° against the front; choose the target's "
            "along and along_axis so that a twofold axis lies along the plate's y, or set both_faces to false"
        )


def back_target(target: ArrayLike, turn_deg: float) -> np.ndarray:
    """Return the orientation, in the back's own frame, of a crystal that stands there turned by an angle."""
    return np.asarray(turn_about_normal(turn_deg) @ np.asarray(target, dtype=np.float64))


def seen_from_behind(design: Design) -> Design:
    """Return a design as its back is seen: plate, holes and fiducials mirrored in x; pockets belong to each face."""
    return replace(
        design,
        plate=affinity.scale(design.plate, -1.0, 1.0, origin=(0.0, 0.0)),
        holes=tuple(replace(hole, x_mm=-hole.x_mm) for hole in design.holes),
        fiducials_mm=tuple((-x, y) for x, y in design.fiducials_mm),
    )
