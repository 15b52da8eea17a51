"""What the found spots of matched runs say of the camera: spots lost, false ones, scatter of places and intensities."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beamgym.physics.instrument import BoolArray, Float64Array
from beamgym.physics.laue.camera import FAINTEST_COUNTS, HOLE_MM
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.level_fit.matching import FAINT, Matched

APART_MM = 3.0
"""Rays nearer to each other than this are one spot to a peak finder, mm."""

NEIGHBOUR = 0.03
"""A neighbour of less than this share of a spot's counts does not matter to it."""

SURELY = 1.5
"""A spot is sure to be found where 3 standard deviations of its intensity below what is expected are so many times the
faintest that is reported."""

NEAR_A_RAY_MM = 1.6
"""A found spot this near to an expected ray, and not its own, is no false one: two spots drawn into one, mm."""

FALSE_DECADES = 2.0
"""False spots are as bright as 1 to 100 times the faintest spot reported, evenly in the logarithm."""

_BORDER_PX = 4.0
_MOST_SPREAD, _MOST_LOST = 1.0, 0.95
_FAR = 6.0  # median deviations beyond which an intensity is another spot's


@dataclass(frozen=True)
class SpotCounts:
    """Sums over one run, from which everything is estimated.

    Parameters
    ----------
    frames : T
    false, searched : false spots seen, and frames in which such spots would all have been seen
    sure, lost : spots that should have been found, and those that were not
    squares, freedom : sum of squared distances (px²) and its number of degrees of freedom
    logs : (j,) ln(found / expected counts) of sure spots
    """

    frames: int
    false: int
    searched: float
    sure: int
    lost: int
    squares: float
    freedom: int
    logs: Float64Array


@dataclass(frozen=True)
class _Known:
    """What is known so far of all runs: it says which spots had to be found."""

    room: int
    """spots that a list has room for"""
    spread: float = 0.3
    lost: float = 0.3
    false: float = 3.0


def count_spots(matched: Sequence[Matched], detector: Detector) -> list[SpotCounts]:
    """Return the sums of each run; how bright a spot must be to be sure depends on all of them."""
    known = _Known(max(int(one.run.peaks.count.max()) for one in matched))
    for _ in range(3):
        counts = [_of_run(one, detector, known) for one in matched]
        logs = np.concatenate([one.logs for one in counts])
        known = _Known(
            known.room,
            min(float(logs.std()) if len(logs) > 5 else known.spread, _MOST_SPREAD),
            min(sum(one.lost for one in counts) / max(sum(one.sure for one in counts), 1), _MOST_LOST),
            sum(one.false for one in counts) / max(sum(one.searched for one in counts), 1e-3),
        )
    return counts


def _of_run(one: Matched, detector: Detector, known: _Known) -> SpotCounts:
    own = {(int(t), int(ray)): int(spot) for t, ray, spot in zip(one.frame, one.ray, one.spot, strict=True)}
    false = sure = lost = 0
    searched, logs = 0.0, list[float]()
    for t in range(one.run.frames):
        seen_false, share = _false_spots(one, t, detector, known.room)
        false, searched = false + seen_false, searched + share
        peaks = one.run.peaks
        for ray in np.flatnonzero(_sure(one, t, detector, known)):
            sure += 1
            spot = own.get((t, int(ray)))
            if spot is None:
                lost += 1
            elif not peaks.saturated[t, spot]:
                logs.append(math.log(float(peaks.intensity[t, spot]) / one.counts[t, ray]))
    return SpotCounts(
        one.run.frames,
        false,
        searched,
        sure,
        lost,
        one.freedom * one.sigma_px**2,
        one.freedom,
        _without_strangers(logs),
    )


def least_counts(one: Matched, t: int, room: int) -> float:
    """Return the counts of the faintest spot that a frame would have reported: a full list has no place for others."""
    count = int(one.run.peaks.count[t])
    if count < room:
        return FAINTEST_COUNTS
    return max(FAINTEST_COUNTS, float(one.run.peaks.intensity[t, :count].min()))


def _false_spots(one: Matched, t: int, detector: Detector, room: int) -> tuple[int, float]:
    """Return the false spots of a frame, and which share of those that it had would be counted here."""
    count = int(one.run.peaks.count[t])
    known = np.zeros(count, dtype=np.bool_)
    known[one.spot[one.frame == t]] = True
    rays = one.position_px[t, one.present[t] & (one.counts[t] * one.scale > FAINT * FAINTEST_COUNTS)]
    reach = NEAR_A_RAY_MM / detector.pixel_mm
    found = one.run.peaks.position_px[t, :count].astype(np.float64)
    apart = np.linalg.norm(found[:, None] - rays[None], axis=-1).min(axis=1, initial=np.inf) > reach
    free = 1.0 - min(len(rays) * math.pi * reach**2 / (detector.shape[0] * detector.shape[1]), 0.9)
    least = least_counts(one, t, room)
    seen = 1.0 - min(math.log10(least / FAINTEST_COUNTS) / FALSE_DECADES, 1.0)
    # Above the last of a full list, without that one: it sets the limit itself, and would be counted too often.
    above = one.run.peaks.intensity[t, :count] > (least if count >= room else 0.0)
    return int((apart & ~known & above).sum()), free * seen


def expected_cut(counts: Float64Array, room: int, lost: float, false: float) -> float:
    """Return the counts below which a list with room for so many has no place, on the average.

    Not those of its last spot: they are low where many were lost by chance, and more rays would seem sure just there.

    Parameters
    ----------
    counts : (s,) of the rays
    room, lost, false : length of the list, share of spots lost, mean number of false ones
    """
    falling = np.sort(counts[counts > FAINTEST_COUNTS])[::-1]
    fainter = np.clip(np.log10(falling / FAINTEST_COUNTS) / FALSE_DECADES, 0.0, 1.0)
    listed = (1.0 - lost) * np.arange(1, len(falling) + 1) + false * (1.0 - fainter)
    full = np.flatnonzero(listed >= room)
    return float(falling[full[0]]) if len(full) else FAINTEST_COUNTS


def _sure(one: Matched, t: int, detector: Detector, known: _Known) -> BoolArray:
    """Return which rays of a frame (s,) should have been found, whatever their intensity's luck was."""
    position, counts = one.position_px[t], one.counts[t] * one.scale
    cut = expected_cut(counts[one.present[t]], known.room, known.lost, known.false)
    needed = SURELY * cut * math.exp(3.0 * known.spread)
    bright = one.present[t] & one.steady[t] & (counts > needed)
    size = np.array([detector.shape[1], detector.shape[0]]) - 1.0
    inside = ((position > _BORDER_PX) & (position < size - _BORDER_PX)).all(axis=1)
    point = detector.to_lab_mm(position)
    clear = np.hypot(point[:, 1], point[:, 2]) > HOLE_MM + APART_MM
    chosen: BoolArray = bright & inside & clear
    for ray in np.flatnonzero(chosen):
        near = np.linalg.norm(position - position[ray], axis=1) < APART_MM / detector.pixel_mm
        near &= one.present[t] & (counts > NEIGHBOUR * counts[ray])
        chosen[ray] = near.sum() == 1
    return chosen


def _without_strangers(logs: Sequence[float]) -> Float64Array:
    values = np.array(logs, dtype=np.float64)
    if len(values) < 5:
        return values
    deviation = np.abs(values - np.median(values))
    kept: Float64Array = values[deviation <= _FAR * max(float(np.median(deviation)), 1e-3)]
    return kept
