"""What the zone finder knows of an episode: spots of every frame, the lattices that explain them, and their odds."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.instrument import Float64Array
from beamgym.physics.laue.peaks import PeakFinder
from beamgym.physics.laue.zone_search import FoundLattice, View, Views, fitted, search_lattices

DRAWN_PX, COUNTED_MM = 0.025, 0.125
"""Standard deviation of a found spot's position in drawings of disks, and in counts, on fine pixels."""
COARSE_MM = 2.8
"""On pixels as coarse as that, a disk covers one or two: what is allowed is 0.06 px more, or 0.25 mm."""
CAMERA_DEG = 0.1
"""By how much a camera of counts may be tilted: what it shows of a line is uncertain by as much."""
BRIGHTEST = 50
"""Spots of a frame of counts that are used: among fainter ones more are false."""
SEARCHED = 3
"""Frames, the last ones, that are searched when no lattice is known; all of them refine it."""
LEAST_SAVED = 50.0
"""Nats that a lattice has to save against spots without any: its own numbers cost about 30, the choice of bases 14."""
SURE_NATS = 12.0
"""A lattice so much likelier than the next one is not searched for anew."""
MATCHED = 0.5
"""A lattice that leaves more of the last frame's spots without indices is searched for anew."""
_FINDER = PeakFinder(max_saturated_share=1.0)  # drawings are white between black


@dataclass(frozen=True)
class Track:
    """What is known of one episode.

    Parameters
    ----------
    views : spots of every frame
    found : lattices that explain them, the likeliest first
    drawn : the images are drawings rather than counts
    """

    views: tuple[View, ...] = ()
    found: tuple[FoundLattice, ...] = ()
    drawn: bool = True

    @property
    def beam(self) -> Float64Array:
        """The beam's direction (3,) in the goniometer's frame, in the last frame."""
        beam: Float64Array = self.views[-1].rotation[0]
        return beam

    def shares(self) -> Float64Array:
        """Return the probability of each lattice, (m,)."""
        odds = np.exp([self.found[0].cost - one.cost for one in self.found]) if self.found else np.zeros(0)
        shares: Float64Array = odds / max(odds.sum(), 1.0)
        return shares

    def learns(self, confidence: float) -> bool:
        """Whether more frames would tell more: several lattices are still possible. A tilted camera stays tilted."""
        return not self.found or float(self.shares()[0]) < confidence

    def certainty(self, tolerance_deg: float) -> float:
        """Return the probability that the beam lies within the tolerance of a line that counts, in the last frame."""
        total = 0.0
        for share, lattice in zip(self.shares(), self.found, strict=True):
            cosine = np.abs(lattice.lines @ self.beam)
            nearest = int(cosine.argmax())
            error = math.degrees(math.acos(min(1.0, float(cosine[nearest]))))
            spread = math.hypot(float(lattice.spread_deg[nearest]), 0.0 if self.drawn else CAMERA_DEG)
            total += float(share) * 0.5 * (1.0 + math.erf((tolerance_deg - error) / (math.sqrt(2.0) * spread)))
        return total


def seen(track: Track, image: NDArray[np.uint8], positions: Float64Array, context: Any) -> Track:
    """Return what is known after one more frame.

    Parameters
    ----------
    track : before it
    image : (size, size) as observed
    positions : (2,) of theta and phi
    context : of the task
    """
    drawn = not np.median(image)  # drawings are black between their disks; counts have a background
    view = View(_spots(image, drawn), context.goniometer.rotation(positions[None])[0])
    views = (*track.views, view)
    everything = _as_views(views, context, drawn)
    found = _refitted(everything, track.found)
    if not _settled(everything, found):
        fresh = search_lattices(_as_views(views[-SEARCHED:], context, drawn), context.system, context.axes)
        found = _merged([*found, *_refitted(everything, fresh)])
    return Track(views, tuple(found), drawn)


def _spots(image: NDArray[np.uint8], drawn: bool) -> Float64Array:
    """Return the positions (p, 2) of the spots, the brightest first."""
    peaks = _FINDER(image[None])
    position = peaks.position_px[0, : peaks.count[0]].astype(np.float64)
    return position if drawn else position[:BRIGHTEST]


def _as_views(views: tuple[View, ...], context: Any, drawn: bool) -> Views:
    return Views(views, context.detector, error_px(context.detector.pixel_mm, drawn))


def error_px(pixel_mm: float, drawn: bool) -> float:
    """Return the standard deviation of a spot's position, pixels; as measured with 48 to 224 pixels on 100 mm.

    On 36 pixels half of the spots are off by more: they are left without indices.
    """
    coarse = pixel_mm / COARSE_MM
    return DRAWN_PX + 0.06 * coarse**5 if drawn else (COUNTED_MM + 0.25 * coarse**4) / pixel_mm


def _refitted(views: Views, found: Any) -> list[FoundLattice]:
    """Return the lattices refined on all frames that save enough, the likeliest first."""
    again = [fitted(views, one.fit.distance_mm, one.fit.basis, one.axes) for one in found]
    kept = [one for one in again if one is not None and one.saved >= LEAST_SAVED]
    return sorted(kept, key=lambda one: one.cost)


def _settled(views: Views, found: list[FoundLattice]) -> bool:
    """Whether the best lattice indexes the last frame too, and no other is nearly as likely."""
    if not found or (len(found) > 1 and found[1].cost - found[0].cost < SURE_NATS):
        return False
    last = len(views.frames[-1].position_px)
    return last == 0 or float(found[0].fit.indexed[-last:].mean()) >= MATCHED


def _merged(found: list[FoundLattice]) -> list[FoundLattice]:
    """Return the lattices whose lines differ, the likeliest first."""
    kept: list[FoundLattice] = []
    for one in sorted(found, key=lambda one: one.cost):
        if not any(one.like(other) for other in kept):
            kept.append(one)
    return kept
