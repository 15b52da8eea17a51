"""A second scan against the plan, crystals that must be placed anew, and the corrections of a second holder."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.forecast.misalignment import misalignment_deg
from beamgym.physics.mosaic.forecast.mosaic import Mosaic, mosaic_of
from beamgym.physics.mosaic.plate_frame import TURNED_OVER
from beamgym.physics.mosaic.records import Correction, ScannedCrystal

ANEW_DEG = 1.5
"""Misalignment beyond which a crystal is to be placed anew."""
_STRAY_DEG = 5.0
"""Crystals further than this from the median do not enter the mean orientation."""


@dataclass(frozen=True, eq=False)
class CheckedCrystal:
    """One crystal of the second scan.

    Parameters
    ----------
    name, verdict : as in the scan
    off_deg : (3,) misalignment from the plate's mean, about x, y and z, degrees; NaN where it is not known
    anew : it must be placed anew
    why : in words, where it must
    """

    name: str
    verdict: str
    off_deg: Float64Array
    anew: bool
    why: str = ""


@dataclass(frozen=True, eq=False)
class PlateCheck:
    """A second scan against the plan.

    Parameters
    ----------
    crystals : all that were planned
    mean_deg : (3,) turn of the mean orientation from the target: what the whole plate must be turned back by
    mosaic : measured figures, of all crystals whose orientation is known; None where there is none
    without : the same once the crystals to be placed anew are taken off
    """

    crystals: tuple[CheckedCrystal, ...]
    mean_deg: Float64Array
    mosaic: Mosaic | None
    without: Mosaic | None


def check_plate(
    scanned: Sequence[ScannedCrystal],
    target: ArrayLike,
    rotations: ArrayLike,
    mass: Mapping[str, float],
    anew_deg: float = ANEW_DEG,
) -> PlateCheck:
    """Compare a second scan with the plan.

    Parameters
    ----------
    scanned : one for each planned crystal, orientations in the holder's frame
    target : (3, 3) that all are to have
    rotations : (k, 3, 3) after which the crystal is the same
    mass : by name; a crystal without one counts 1
    anew_deg : misalignment beyond which a crystal is to be placed anew

    Returns
    -------
    PlateCheck. Several grains, twins and bent crystals count by their largest grain; what is empty or does not index
    is to be placed anew

    Raises
    ------
    ValueError : nothing was scanned
    """
    if not scanned:
        raise ValueError("the second scan holds no crystal; scan the placed plate")
    known = [each for each in scanned if each.orientation is not None]
    d = misalignment_deg(np.array([each.orientation for each in known]), target, rotations)
    weights = np.array([mass.get(each.name, 1.0) for each in known])
    mean = _mean(d, weights)
    off = {each.name: d[k] - mean for k, each in enumerate(known)}
    checked = tuple(_checked(each, off.get(each.name), anew_deg) for each in scanned)
    good = np.array([not each.anew for each in checked if each.name in off], dtype=bool)
    return PlateCheck(
        checked,
        mean,
        mosaic_of(d, weights) if len(d) else None,
        mosaic_of(d[good], weights[good]) if good.any() else None,
    )


def _mean(d: Float64Array, weights: Float64Array) -> Float64Array:
    if not len(d):
        return np.full(3, np.nan)
    near = np.linalg.norm(d - np.median(d, axis=0), axis=1) < _STRAY_DEG
    near = near if near.any() else np.ones(len(d), dtype=bool)
    mean: Float64Array = np.average(d[near], axis=0, weights=weights[near])
    return mean


def _checked(one: ScannedCrystal, off: Float64Array | None, anew_deg: float) -> CheckedCrystal:
    if off is None:
        why = f"it is {one.verdict}: look whether it lies there, and scan it again"
        return CheckedCrystal(one.name, one.verdict, np.full(3, np.nan), True, why)
    size = float(np.linalg.norm(off))
    if size <= anew_deg:
        return CheckedCrystal(one.name, one.verdict, off, False)
    turn = abs(off[2]) > np.hypot(off[0], off[1])
    why = f"{size:.2f}° off, {'turned in its pocket' if turn else 'tilted by its glue'}"
    return CheckedCrystal(one.name, one.verdict, off, True, why)


def second_corrections(
    corrections: Sequence[Correction],
    check: PlateCheck,
    placing_sigma_deg: ArrayLike,
    behind: Collection[str] = (),
) -> list[Correction]:
    """Return the corrections of a second holder for the same crystals.

    Parameters
    ----------
    corrections : of the first holder
    check : its second scan
    placing_sigma_deg : (3,) standard errors of placing about x, y and z, as for the first holder
    behind : names of crystals on backs: their corrections are stated as seen from behind, the check as from the front

    Returns
    -------
    corrections in their order. Of a turn that was found, that part is taken over which the error of the first indexing
    explains; what lies in the placing, another placing will not repeat. A turn of more than three standard errors of
    both together is taken over whole: the first orientation was wrong

    Notes
    -----
    Two normal errors of variances i and p add up to what was found; the expected part of the first is i / (i + p).
    """
    from_behind = np.diag(TURNED_OVER)
    off = {each.name: each.off_deg * (from_behind if each.name in behind else 1.0) for each in check.crystals}
    p = np.asarray(placing_sigma_deg, dtype=np.float64) ** 2
    found = []
    for each in corrections:
        d = off.get(each.name, np.full(3, np.nan))
        if not np.isfinite(d).all():
            found.append(each)
            continue
        i = np.nan_to_num(np.asarray(each.sigma_deg, dtype=np.float64)) ** 2
        whole = i + p
        share = np.where(d**2 > 9.0 * whole, 1.0, i / np.where(whole > 0.0, whole, 1.0))
        back = -share * d
        found.append(
            replace(
                each,
                turn_deg=each.turn_deg + float(back[2]),
                tilt_x_deg=each.tilt_x_deg + float(back[0]),
                tilt_y_deg=each.tilt_y_deg + float(back[1]),
                equivalents_deg=tuple(turn + float(back[2]) for turn in each.equivalents_deg),
            )
        )
    return found
