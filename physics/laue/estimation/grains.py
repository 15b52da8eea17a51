"""Two grains in one beam: which spots each explains, and which of them is the larger."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import BoolArray
from beamgym.physics.laue.estimation.adjustment import Adjustment, Fitted
from beamgym.physics.laue.estimation.frames import Shot
from beamgym.physics.laue.estimation.model import mutual_nearest

WITHIN, LEAST_REACH_MM = 3.5, 0.15
SHARED = 0.3
"""Fits that have a larger share of their spots in common are two ways to see one grain."""
LEAST_SCATTER = 0.15
"""Of ln(measured / expected): what intensities are known to at best."""


@dataclass(frozen=True)
class Grain:
    """What one fit explains.

    Parameters
    ----------
    spots : per frame (p,), which found spots are its own
    log_volume, sigma : ln of how much of the crystal it is, on a scale common to all fits, and its standard deviation
    """

    spots: tuple[BoolArray, ...]
    log_volume: float
    sigma: float

    def shared(self, other: "Grain") -> float:
        """Return how many spots two fits have in common, as a share of those of the one that has fewer."""
        both = sum(int((a & b).sum()) for a, b in zip(self.spots, other.spots, strict=True))
        fewer = min(sum(int(each.sum()) for each in grain.spots) for grain in (self, other))
        return both / max(fewer, 1)

    def larger(self, other: "Grain") -> float:
        """Return by how many standard deviations this grain is larger than another."""
        return (self.log_volume - other.log_volume) / float(np.hypot(self.sigma, other.sigma))


def grain(adjustment: Adjustment, fitted: Fitted, shots: Sequence[Shot]) -> Grain:
    """Return what a fit explains of all frames, and how large its grain is."""
    placed = adjustment.orientations(fitted, shots), adjustment.panels(fitted, shots)
    reach_px = max(WITHIN * fitted.spot_mm, LEAST_REACH_MM) / adjustment.setup.detector.pixel_mm
    own, logs = [], []
    for shot, rays in zip(shots, adjustment.setup.rays(*placed, adjustment.strain(fitted, shots)), strict=True):
        near = mutual_nearest(np.ascontiguousarray(shot.position_px), rays.position_px, reach_px)
        found = near >= 0
        own.append(found)
        logs.append(np.log(np.maximum(shot.counts[found], 1e-9) / np.maximum(rays.intensity[near[found]], 1e-30)))
    ratio = np.concatenate(logs)
    if not len(ratio):
        return Grain(tuple(own), -np.inf, 1.0)
    middle = float(np.median(ratio))
    scatter = max(1.4826 * float(np.median(np.abs(ratio - middle))), LEAST_SCATTER)
    # A median tells as much as a mean of 2/pi as many numbers.
    return Grain(tuple(own), middle, scatter * float(np.sqrt(0.5 * np.pi / len(ratio))))


def without(shots: Sequence[Shot], taken: Grain) -> tuple[Shot, ...]:
    """Return the frames without the spots that a grain explains."""
    pairs = zip(shots, taken.spots, strict=True)
    return tuple(Shot(shot.readback, shot.position_px[~own], shot.counts[~own]) for shot, own in pairs)
