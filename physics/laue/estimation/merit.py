"""How much better than chance a fit explains the spots of all frames."""

from collections.abc import Sequence

import numpy as np

from beamgym.physics.laue.estimation.adjustment import Adjustment, Fitted
from beamgym.physics.laue.estimation.frames import Shot
from beamgym.physics.laue.estimation.model import mutual_nearest
from beamgym.physics.laue.matching import log10_binomial_tail

LEAST_MERIT, MORE_A_LOOK = 15.0, 5.0
"""Searches try some 10^8 orientations and cameras: a fit that chance does not reach in 10^15 trials is the crystal;
every frame at another pose has to add to that."""
SAME_POSE_DEG = 0.5
"""Frames between which the crystal turned by no more show the same spots, false ones that stay included, wherever the
axes read: they count once."""
_SAME_TRACE = 1.0 + 2.0 * np.cos(np.radians(SAME_POSE_DEG))
BRIGHTEST = (16, 32, 64, 128)
"""Numbers of rays, brightest first, among which matches are counted: chance does not prefer bright ones."""
LEAST_REACH_MM, MOST_REACH_MM, WITHIN = 0.1, 0.6, 3.0


def demand(shots: Sequence[Shot]) -> float:
    """Return the merit from which a fit of these frames is the crystal."""
    return LEAST_MERIT + MORE_A_LOOK * (len(looks(shots)) - 1)


def looks(shots: Sequence[Shot]) -> list[int]:
    """Return the frames, by number, that show the crystal from where no earlier one does."""
    kept: list[int] = []
    for number, shot in enumerate(shots):
        # The trace of a turn by an angle is 1 + 2 cos.
        if all(float((shot.turned * shots[each].turned).sum()) < _SAME_TRACE for each in kept):
            kept.append(number)
    return kept


def merit(adjustment: Adjustment, fitted: Fitted, shots: Sequence[Shot]) -> float:
    """Return −log10 of the chance that random spots match as many rays as these do, in all poses together."""
    return merit_of(adjustment, fitted, shots, looks(shots)) if fitted.pairs is not None else 0.0


def merit_of(adjustment: Adjustment, fitted: Fitted, shots: Sequence[Shot], frames: Sequence[int]) -> float:
    """Return the same of some of the frames, by number."""
    detector = adjustment.setup.detector
    pixel, reach = detector.pixel_mm, float(np.clip(WITHIN * fitted.spot_mm, LEAST_REACH_MM, MOST_REACH_MM))
    placed = adjustment.orientations(fitted, shots), adjustment.panels(fitted, shots)
    rays = adjustment.setup.rays(*placed, adjustment.strain(fitted, shots))
    covered = np.pi * reach**2 / (float(np.prod(detector.shape)) * pixel**2)
    best = 0.0
    for limit in BRIGHTEST:
        matched, trials, chance = 0, 0, 0.0
        for frame in frames:
            shot, there = shots[frame], rays[frame].position_px[:limit]
            near = mutual_nearest(np.ascontiguousarray(shot.position_px), there, reach / pixel)
            matched, trials = matched + int((near >= 0).sum()), trials + len(near)
            chance += len(near) * (1.0 - np.exp(-len(there) * covered))
        if matched:
            best = max(best, -log10_binomial_tail(matched, trials, chance / trials) - np.log10(len(BRIGHTEST)))
    return float(best)
