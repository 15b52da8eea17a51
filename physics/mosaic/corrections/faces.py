"""Crystals on the back of a plate: how they are turned there so that their lattices stand as on the front."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from beamgym.physics.mosaic.plate_frame import TURNED_OVER, turn_about_normal
from beamgym.physics.mosaic.records import Correction

_SAME_DEG = 0.05


def turn_for_back(target: ArrayLike, rotations: ArrayLike) -> tuple[float, float]:
    """Return how a crystal that stands as asked on the front must be turned to stand so on the back, face up there too.

    Parameters
    ----------
    target : (3, 3) orientation that all crystals are to have in the front's frame
    rotations : (k, 3, 3) after which the crystal is the same

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


def corrections_on_back(corrections: Iterable[Correction], target: ArrayLike, rotations: ArrayLike) -> list[Correction]:
    """Return the corrections of the same crystals for the back of a plate, as it is seen from behind.

    Parameters
    ----------
    corrections : for the front
    target : (3, 3) orientation that all crystals are to have in the front's frame
    rotations : (k, 3, 3) after which the crystal is the same

    Returns
    -------
    corrections in their order. Where a twofold axis of the lattice lies in the plate, crystals lie on the same face as
    on the front, turned on by ``turn_for_back``. Otherwise they lie on their other face: ``turned_over`` is the
    contrary of what it is on the front, their outlines are mirrored, and they turn the other way

    Notes
    -----
    With R the front's whole rotation of a crystal's lattice L, R L is the target W. On the back it must be
    TURNED_OVER W G. With TURNED_OVER W G Wᵀ a turn about z, that turn after R does it. Otherwise the crystal goes over
    first: TURNED_OVER R TURNED_OVER, its turn and its tilt about x the other way, takes TURNED_OVER L there.
    """
    turn, tilt = turn_for_back(target, rotations)
    on = _turned_on if tilt <= _SAME_DEG else _over
    return [on(each, turn) for each in corrections]


def _turned_on(correction: Correction, by_deg: float) -> Correction:
    x, y = turn_about_normal(by_deg)[:2, :2] @ [correction.tilt_x_deg, correction.tilt_y_deg]
    return replace(
        correction,
        turn_deg=_wrapped(correction.turn_deg + by_deg),
        tilt_x_deg=float(x),
        tilt_y_deg=float(y),
        equivalents_deg=tuple(_wrapped(turn + by_deg) for turn in correction.equivalents_deg),
    )


def _over(correction: Correction, _: float) -> Correction:
    return replace(
        correction,
        turn_deg=_wrapped(-correction.turn_deg),
        tilt_x_deg=-correction.tilt_x_deg,
        equivalents_deg=tuple(_wrapped(-turn) for turn in correction.equivalents_deg),
        turned_over=not correction.turned_over,
    )


def _wrapped(angle_deg: float) -> float:
    return (angle_deg + 180.0) % 360.0 - 180.0
