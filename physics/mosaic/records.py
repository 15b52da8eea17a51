"""What is known of each crystal after a scan, how it must be turned, and where it is to lie."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from beamgym.physics.arrays import Float64Array

_SAME_TURN_DEG = 0.01
"""Turns nearer than this are the same: tables round them."""

Verdict = Literal["indexed", "ambiguous", "several grains", "twin", "bent", "empty", "not indexed"]
"""What a scan says of one place. Only an indexed one is a single crystal whose orientation is known without doubt."""


@dataclass(frozen=True, eq=False)
class ScannedCrystal:
    """One place of a plate after the scan.

    Parameters
    ----------
    name : of its outline
    verdict : see ``Verdict``
    orientation : (3, 3) U of the largest grain, crystal Cartesian to the plate's frame; None where there is none
    sigma_deg : (3,) standard errors of a small rotation about the plate's x, y and z
    shares : of the diffracted light, one per grain, largest first; they add up to at most 1
    grains : (g, 3, 3) orientations of all grains, as ``orientation``
    points_mm : (p, 2) where the beam went, plate frame
    exposure_s : of all its frames together, seconds
    note : why it is not "indexed", in words
    """

    name: str
    verdict: Verdict
    orientation: Float64Array | None = None
    sigma_deg: Float64Array = field(default_factory=lambda: np.full(3, np.nan))
    shares: tuple[float, ...] = ()
    grains: Float64Array = field(default_factory=lambda: np.zeros((0, 3, 3)))
    points_mm: Float64Array = field(default_factory=lambda: np.zeros((0, 2)))
    exposure_s: float = 0.0
    note: str = ""


@dataclass(frozen=True, eq=False)
class Correction:
    """How one crystal must be turned from where it was scanned so that its lattice stands as asked.

    The whole rotation is ``tilt @ turn``: first in the plate, then the tilt that is left.

    Parameters
    ----------
    name : of its outline
    turn_deg : about the plate's normal, counter-clockwise as the source sees it
    tilt_x_deg, tilt_y_deg : rotation vector of the remaining tilt, about the plate's x and y
    equivalents_deg : other in-plane turns that bring the same lattice about by symmetry, each with no larger tilt than
        a target allows; ``turn_deg`` is not among them
    sigma_deg : (3,) standard errors about the plate's x, y and z
    turned_over : the other face lies down; the outline is mirrored then
    """

    name: str
    turn_deg: float
    tilt_x_deg: float
    tilt_y_deg: float
    equivalents_deg: tuple[float, ...] = ()
    sigma_deg: Float64Array = field(default_factory=lambda: np.full(3, np.nan))
    turned_over: bool = False


@dataclass(frozen=True)
class Placement:
    """Where one crystal is to lie in the holder.

    Parameters
    ----------
    name : of its outline
    plate : number of the plate, 0 first
    x_mm, y_mm : where the centroid of its outline lies, in that plate's frame
    turn_deg : by which the outline as scanned is turned about its centroid, counter-clockwise
    turned_over : the outline is mirrored in x about its centroid first (turned over about y)
    """

    name: str
    plate: int
    x_mm: float
    y_mm: float
    turn_deg: float
    turned_over: bool = False


def is_back(plate: int, both_faces: bool) -> bool:
    """Return whether a plate of a layout is the back of one: where both faces are used, 0, 2, … are fronts."""
    return both_faces and plate % 2 == 1


def plate_title(plate: int, both_faces: bool = False) -> str:
    """Return what a plate of a layout is called wherever a person reads it, as "FRONT 1"."""
    number = plate // 2 if both_faces else plate
    return f"{'BACK' if is_back(plate, both_faces) else 'FRONT'} {number + 1}"


def plate_of_title(title: str, both_faces: bool = False) -> int:
    """Return the number of the plate that is called so.

    Raises
    ------
    ValueError : no plate is called so; one line
    """
    face, _, number = title.strip().upper().partition(" ")
    if face not in ("FRONT", "BACK") or not number.strip().isdigit() or int(number) < 1:
        raise ValueError(f"no plate is called {title!r}; plates are FRONT 1, FRONT 2, and with both faces BACK 1")
    if face == "BACK" and not both_faces:
        raise ValueError(f"{title} is a back, and both_faces is false in plate.json; set it to true, or pack again")
    return (int(number) - 1) * (2 if both_faces else 1) + (face == "BACK")


def corrections_as_placed(corrections: Sequence[Correction], placements: Sequence[Placement]) -> list[Correction]:
    """Return corrections for the turns that a layout has, where it took a turn that symmetry allows beside the first.

    The tilt follows the turn in the plate's frame: turned on by 90° about the normal, a tilt about x is one about y.
    Those that are not placed stay as they are.
    """
    turns = {each.name: each.turn_deg for each in placements}
    return [_turned_on(each, turns[each.name]) if each.name in turns else each for each in corrections]


def _turned_on(correction: Correction, turn_deg: float) -> Correction:
    on = np.radians(turn_deg - correction.turn_deg)
    x, y = correction.tilt_x_deg, correction.tilt_y_deg
    ways = (correction.turn_deg, *correction.equivalents_deg)
    return replace(
        correction,
        turn_deg=turn_deg,
        tilt_x_deg=float(np.cos(on) * x - np.sin(on) * y),
        tilt_y_deg=float(np.sin(on) * x + np.cos(on) * y),
        equivalents_deg=tuple(way for way in ways if abs((way - turn_deg + 180.0) % 360.0 - 180.0) > _SAME_TURN_DEG),
    )
