"""How each crystal must be turned so that its lattice stands as the target asks."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.mosaic.corrections.lying import as_it_lies, laid_flat, rotations_of_habit
from beamgym.physics.mosaic.corrections.target import MosaicTarget
from beamgym.physics.mosaic.habit import Habit
from beamgym.physics.mosaic.plate_frame import TURNED_OVER, turn_about_normal
from beamgym.physics.mosaic.records import Correction, ScannedCrystal

TOLERATED_DEG = 0.5
"""Tilt up to which an equivalent turn is as good as the one with the least tilt."""
SAME_TURN_DEG = 0.01
_WRONG_FACE_DEG = 90.0


def corrections_of(
    crystals: Iterable[ScannedCrystal],
    crystal: Crystal,
    habit: Habit,
    target: MosaicTarget,
    rotations: Float64Array | None = None,
    faces: Mapping[str, Float64Array] | None = None,
    turned_over: Sequence[str] = (),
    tolerated_deg: float = TOLERATED_DEG,
    axes_deg: Mapping[str, float] | None = None,
) -> list[Correction]:
    """Return the corrections of all crystals that are indexed, in their order.

    Parameters
    ----------
    crystals : as the scan gives them
    crystal, habit : the material, and how its crystals lie
    target : how all are to stand
    rotations : (k, 3, 3) after which a crystal is the same; its Laue class's, or what ``PlateScan.rotations`` says
    faces : (3,) unit normals of upper faces that were measured, plate frame, by name; the others are assumed to be
        parallel to the layers, or to a rod's length
    turned_over : names of crystals that are to lie on their other face
    tolerated_deg : equivalent turns with no larger tilt than this are told
    axes_deg : where rods point on the plate, counter-clockwise from x, by name: it says which of the directions that
        their patterns do not tell apart they have grown along. Of the others it is not known

    Raises
    ------
    ValueError : a target that the habit never meets on a flat plate, or crystals that lie the wrong way up for it
    """
    target.check(crystal, habit)
    same = crystal.rotations if rotations is None else rotations
    grown = rotations_of_habit(crystal, habit, same)
    known, over, axes = faces or {}, set(turned_over), axes_deg or {}
    wanted = target.orientation(crystal)
    found = []
    for one in crystals:
        if one.verdict == "indexed" and one.orientation is not None:
            lying = as_it_lies(one.orientation, crystal, habit, same, axes.get(one.name))
            laid = laid_flat(lying, crystal, habit, known.get(one.name)) @ lying
            ways = same if habit.kind == "rod" and one.name not in axes else grown
            found.append(correction(one.name, laid, wanted, ways, one.sigma_deg, one.name in over, tolerated_deg))
    _check_faces(found, crystal)
    return found


def _check_faces(corrections: Sequence[Correction], crystal: Crystal) -> None:
    """Raise ValueError where only a turn-over is left: without a twofold axis across the normal, no turn does it."""
    wrong = [each for each in corrections if np.hypot(each.tilt_x_deg, each.tilt_y_deg) > _WRONG_FACE_DEG]
    if laid := [each.name for each in wrong if not each.turned_over]:
        names = " ".join(f"--turned-over {name}" for name in laid)
        raise ValueError(
            f"{', '.join(laid)}: the other way up than the target, and {crystal.name} has no twofold axis that makes "
            f"it the same; lay them on their other face ({names})"
        )
    if wrong:
        raise ValueError(
            f"{wrong[0].name} stands as the target asks where it lies, and not turned over; leave --turned-over "
            f"{wrong[0].name} out"
        )


def correction(
    name: str,
    laid: Float64Array,
    wanted: Float64Array,
    rotations: Float64Array,
    sigma_deg: Float64Array,
    turned_over: bool = False,
    tolerated_deg: float = TOLERATED_DEG,
) -> Correction:
    """Return one crystal's correction.

    Parameters
    ----------
    name : of its outline
    laid : (3, 3) orientation with the face flat, crystal Cartesian to plate
    wanted : (3, 3) orientation to be had
    rotations : (k, 3, 3) after which the crystal is the same
    sigma_deg : (3,) of the scan
    turned_over : the other face is to lie down
    tolerated_deg : as of ``corrections_of``

    Notes
    -----
    R = W Gᵀ Lᵀ for every rotation G, split as swing · twist about z: with the quaternion (w, x, y, z) the twist is
    2 atan2(z, w). The swing is the tilt that is left; the turn with the least of it is taken, the smallest of several.
    """
    now = TURNED_OVER @ laid if turned_over else laid
    ways = wanted @ np.swapaxes(rotations, 1, 2) @ now.T
    turns, tilts = split(ways)
    size = np.linalg.norm(tilts, axis=1)
    good = np.flatnonzero(size <= size.min() + SAME_TURN_DEG)
    best = int(good[np.abs(turns[good]).argmin()])
    others: list[float] = []
    for k in np.argsort(np.abs(turns), kind="stable"):
        if k == best or size[k] > max(tolerated_deg, size[best] + SAME_TURN_DEG):
            continue
        if all(_apart(float(turns[k]), known) > SAME_TURN_DEG for known in [float(turns[best]), *others]):
            others.append(float(turns[k]))
    return Correction(
        name,
        float(turns[best]),
        float(tilts[best, 0]),
        float(tilts[best, 1]),
        tuple(others),
        np.asarray(sigma_deg, dtype=np.float64),
        turned_over,
    )


def split(rotation: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Split rotations (k, 3, 3) into turns about z (k,), degrees, and tilts that follow (k, 2), rotation vectors."""
    _, _, z, w = Rotation.from_matrix(rotation).as_quat().T
    turns = np.degrees(2.0 * np.arctan2(z, w))
    turns = (turns + 180.0) % 360.0 - 180.0
    twist = np.stack([turn_about_normal(float(turn)) for turn in turns])
    swing = rotation @ np.swapaxes(twist, 1, 2)
    tilts: Float64Array = Rotation.from_matrix(swing).as_rotvec(degrees=True)[:, :2]
    return turns, tilts


def _apart(one: float, other: float) -> float:
    return abs((one - other + 180.0) % 360.0 - 180.0)
