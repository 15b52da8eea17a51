"""How a crystal lies by its habit, and what becomes of it once its face is flat."""

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.mosaic.habit import Habit, turn_onto

_Z = np.array([0.0, 0.0, 1.0])
_SAME = 1e-6


def as_it_lies(
    orientation: Float64Array,
    crystal: Crystal,
    habit: Habit,
    rotations: Float64Array | None = None,
    axis_deg: float | None = None,
) -> Float64Array:
    """Return the one of an orientation's equivalents whose habit fits how the crystal lies.

    Parameters
    ----------
    orientation : (3, 3) as scanned, crystal Cartesian to plate
    crystal, habit : the material, and how its crystals grow
    rotations : (k, 3, 3) after which its pattern is the same; its Laue class's where not given
    axis_deg : where a rod's length points on the plate, counter-clockwise from x, either end; None: anywhere in it

    Returns
    -------
    (3, 3) with a flake's direction nearest to the plate's normal, a rod's nearest to its length

    Notes
    -----
    A pattern does not say which of its equivalents the indexer has taken. In Sr4Ru3O10 it may have taken b for a, and
    only the rod itself shows along which of both it has grown.
    """
    same = crystal.rotations if rotations is None else rotations
    images = orientation @ same
    own = images @ habit.direction(crystal)
    if habit.kind == "flake":
        fit = np.abs(own[:, 2])
    elif axis_deg is None:
        fit = -np.abs(own[:, 2])
    else:
        fit = np.abs(own[:, :2] @ [np.cos(np.radians(axis_deg)), np.sin(np.radians(axis_deg))])
    # Of several that fit as well, the one that the scan has taken, where it is among them.
    good = fit >= fit.max() - _SAME
    nearest = np.einsum("kij,ij->k", images, orientation)
    found: Float64Array = images[np.where(good, nearest, -np.inf).argmax()]
    return found


def rotations_of_habit(crystal: Crystal, habit: Habit, rotations: Float64Array) -> Float64Array:
    """Return those of the rotations that no pattern shows (k, 3, 3) that its habit does not show either.

    A rod along a that is turned into one along b is seen to lie across, though its pattern is the same.
    """
    own = habit.direction(crystal)
    grown = crystal.rotations @ own
    turned = np.einsum("kij,pj->kpi", rotations, grown) @ own
    found: Float64Array = rotations[np.abs(turned).max(axis=1) > 1.0 - _SAME]
    return found


def laid_flat(
    orientation: Float64Array, crystal: Crystal, habit: Habit, face: Float64Array | None = None
) -> Float64Array:
    """Return the rotation (3, 3) by which a crystal's face becomes flat: what the glue's wedge is undone by.

    Parameters
    ----------
    orientation : (3, 3) as scanned, crystal Cartesian to plate; of its equivalents the one that lies as it grew
    crystal, habit : give the face where it was not measured
    face : (3,) unit normal of the upper face, plate frame, where it was
    """
    if face is not None:
        return turn_onto(np.asarray(face, dtype=np.float64), _Z)
    own = orientation @ habit.direction(crystal)
    if habit.kind == "flake":
        return turn_onto(own if own[2] >= 0.0 else -own, _Z)
    level = np.array([own[0], own[1], 0.0])
    return turn_onto(own, level / np.linalg.norm(level))
