"""How much better than chance a fit explains the spots of all frames."""

from collections.abc import Sequence

import numpy as np

from beamgym.physics.laue.estimation.adjustment import Adjustment, Fitted
from beamgym.physics.laue.estimation.frames import Shot
from beamgym.physics.laue.estimation.model import mutual_nearest
from beamgym.physics.laue.matching import log10_binomial_tail

BRIGHTEST = (16, 32, 64, 128)
"""Numbers of rays, brightest first, among which matches are counted: chance does not prefer bright ones."""
LEAST_REACH_MM, MOST_REACH_MM, WITHIN = 0.1, 0.6, 3.0


def merit(adjustment: Adjustment, fitted: Fitted, shots: Sequence[Shot]) -> float:
    """Return −log10 of the chance that random spots match as many rays as these do, in all frames together."""
    if fitted.pairs is None:
        return 0.0
    detector = adjustment.setup.detector
    pixel, reach = detector.pixel_mm, float(np.clip(WITHIN * fitted.spot_mm, LEAST_REACH_MM, MOST_REACH_MM))
    placed = adjustment.orientations(fitted, shots), adjustment.panels(fitted, shots)
    rays = adjustment.setup.rays(*placed, adjustment.strain(fitted, shots))
    covered = np.pi * reach**2 / (float(np.prod(detector.shape)) * pixel**2)
    best = 0.0
    for limit in BRIGHTEST:
        matched, trials, chance = 0, 0, 0.0
        for shot, all_rays in zip(shots, rays, strict=True):
            there = all_rays.position_px[:limit]
            near = mutual_nearest(np.ascontiguousarray(shot.position_px), there, reach / pixel)
            matched, trials = matched + int((near >= 0).sum()), trials + len(near)
            chance += len(near) * (1.0 - np.exp(-len(there) * covered))
        if matched:
            best = max(best, -log10_binomial_tail(matched, trials, chance / trials) - np.log10(len(BRIGHTEST)))
    return float(best)
