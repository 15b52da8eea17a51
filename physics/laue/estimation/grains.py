"""Two grains in one beam: which spots each explains, and which of them is the larger."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.laue.estimation.adjustment import Adjustment, Fitted
from beamgym.physics.laue.estimation.frames import Shot
from beamgym.physics.laue.estimation.model import mutual_nearest

WITHIN, LEAST_REACH_MM = 3.5, 0.15
SHARED = 0.6
"""Fits that have a larger share of their spots in common are two ways to see one grain; twins share 0.3 to 0.5."""
LEAST_OWN = 4
"""Spots that only one of two grains explains, from which it is said how large it is."""
LEAST_SCATTER = 0.15
"""Of ln(measured / expected): what intensities are known to at best."""


@dataclass(frozen=True)
class Grain:
    """What one fit explains.

    Parameters
    ----------
    spots : per frame (p,), which found spots it explains
    log_volume : ln of how much of the crystal it is, on a scale common to all fits
    logs : per frame (p,), ln(measured / expected) of each found spot; NaN where it explains none
    """

    spots: tuple[BoolArray, ...]
    log_volume: float
    logs: tuple[Float64Array, ...]

    def shared(self, other: "Grain") -> float:
        """Return how many spots two fits have in common, as a share of those of the one that has fewer."""
        both = sum(int((a & b).sum()) for a, b in zip(self.spots, other.spots, strict=True))
        fewer = min(sum(int(each.sum()) for each in grain.spots) for grain in (self, other))
        return both / max(fewer, 1)

    def larger(self, other: "Grain") -> float:
        """Return by how many standard deviations this grain is larger than another; 0 where too few spots tell.

        Spots of both count for neither: twins have many.
        """
        mine, its = self._without(other), other._without(self)
        if min(len(mine), len(its)) < LEAST_OWN:
            return 0.0
        (one, of_one), (two, of_two) = _middle(mine), _middle(its)
        return (one - two) / float(np.hypot(of_one, of_two))

    def _without(self, other: "Grain") -> Float64Array:
        """Return ln(measured / expected) of the spots that this grain explains and another does not."""
        trios = zip(self.logs, self.spots, other.spots, strict=True)
        return np.concatenate([logs[own & ~its] for logs, own, its in trios])


def grain(adjustment: Adjustment, fitted: Fitted, shots: Sequence[Shot]) -> Grain:
    """Return what a fit explains of all frames, and how large its grain is."""
    placed = adjustment.orientations(fitted, shots), adjustment.panels(fitted, shots)
    reach_px = max(WITHIN * fitted.spot_mm, LEAST_REACH_MM) / adjustment.setup.detector.pixel_mm
    own, logs = [], []
    for shot, rays in zip(shots, adjustment.setup.rays(*placed, adjustment.strain(fitted, shots)), strict=True):
        near = mutual_nearest(np.ascontiguousarray(shot.position_px), rays.position_px, reach_px)
        found = near >= 0
        expected = np.maximum(rays.intensity[near[found]], 1e-30)
        ratio = np.full(len(near), np.nan)
        ratio[found] = np.log(np.maximum(shot.counts[found], 1e-9) / expected)
        own.append(found)
        logs.append(ratio)
    explained = np.concatenate(logs)[np.concatenate(own)]
    return Grain(tuple(own), _middle(explained)[0] if len(explained) else -np.inf, tuple(logs))


def _middle(ratio: Float64Array) -> tuple[float, float]:
    """Return the median of ln(measured / expected), and its standard deviation."""
    middle = float(np.median(ratio))
    scatter = max(1.4826 * float(np.median(np.abs(ratio - middle))), LEAST_SCATTER)
    # A median tells as much as a mean of 2/pi as many numbers.
    return middle, scatter * float(np.sqrt(0.5 * np.pi / len(ratio)))


def without(shots: Sequence[Shot], taken: Grain) -> tuple[Shot, ...]:
    """Return the frames without the spots that a grain explains."""
    pairs = zip(shots, taken.spots, strict=True)
    return tuple(Shot(shot.readback, shot.turned, shot.position_px[~own], shot.counts[~own]) for shot, own in pairs)
