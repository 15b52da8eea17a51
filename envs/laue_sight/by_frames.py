"""How crystals stand by the spots of their frames: the estimator's answer, on a real instrument and a simulated one."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.crystal import Crystal
from beamgym.physics.goniometer import Goniometer
from beamgym.physics.instrument import BoolArray, Float64Array, Frame
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.estimation import Estimator, Shot, Track, foresee, orientation_of

NOTHING_DEG = 180.0
"""Standard deviation about each axis of a crystal of which frames tell nothing."""


@dataclass(frozen=True)
class Tracked:
    """What is known of n crystals; see ``Known`` for the first four.

    Parameters
    ----------
    tracks : (n,) objects, the frames of each and the ways to see them
    """

    mount: Float64Array
    orientation: Float64Array
    spread: Float64Array
    lost: NDArray[np.int64]
    tracks: NDArray[np.object_]


@dataclass
class FrameSight:
    """Estimates from all frames of an episode how its crystal stands; see docs/calibrating.md.

    Parameters
    ----------
    crystal, beam, goniometer : what stands in the beam, and on what
    detector : the nominal panel, in whose pixels the frames' peaks are given
    """

    crystal: Crystal
    beam: Beam
    goniometer: Goniometer
    detector: Detector

    @cached_property
    def estimator(self) -> Estimator:
        """The prepared estimator; made when first needed, since it takes longer than a frame."""
        return Estimator(self.crystal, self.beam, self.goniometer, self.detector)

    def begin(self, before: Tracked | None, frame: Frame, positions: Float64Array, rows: BoolArray) -> Tracked:
        """Return what the first frames of some rows tell; see ``Sight.begin``."""
        known = before if before is not None else _nothing(len(positions))
        tracks = known.tracks.copy()
        for row in np.flatnonzero(rows):
            tracks[row] = Track()
        return self._seen(known, tracks, frame, positions, np.flatnonzero(rows))

    def follow(self, before: Tracked, frame: Frame, positions: Float64Array, rows: BoolArray) -> Tracked:
        """Return what is known after one more frame of some rows; see ``Sight.follow``."""
        return self._seen(before, before.tracks.copy(), frame, positions, np.flatnonzero(rows))

    def foreseen_deg(self, known: Tracked, positions: Float64Array) -> Float64Array:
        """Return how well orientations will be known after a frame at other positions; see ``Sight.foreseen_deg``."""
        adjustment = self.estimator.adjustment
        out = np.full(len(positions), NOTHING_DEG)
        for row, track in enumerate(known.tracks):
            if track.best is not None:
                after, _ = foresee(adjustment, track.best, track.shots, positions[row])
                out[row] = np.sqrt(max(float(np.trace(after)), 0.0))
        return out

    def _seen(
        self,
        before: Tracked,
        tracks: NDArray[np.object_],
        frame: Frame,
        positions: Float64Array,
        rows: Iterable[np.int64],
    ) -> Tracked:
        mount, orientation = before.mount.copy(), before.orientation.copy()
        spread, lost = before.spread.copy(), before.lost.copy()
        for row in rows:
            track = self.estimator.seen(tracks[row], shot_of(frame, positions[row], self.goniometer, int(row)))
            stands, tracks[row] = orientation_of(self.estimator, track), track
            lost[row] = len(track.shots) if stands is None else 0
            if stands is None or track.best is None:
                mount[row], orientation[row] = np.eye(3), track.shots[-1].turned
                spread[row] = NOTHING_DEG**2 * np.eye(3)
            else:
                mount[row], (orientation[row], spread[row]) = track.best.mount, stands
        return Tracked(mount, orientation, spread, lost, tracks)


def shot_of(frame: Frame, positions: Float64Array, goniometer: Goniometer, row: int = 0) -> Shot:
    """Return one row of a frame, taken where the axes read ``positions`` (k,), as the estimator takes it."""
    peaks = frame.peaks()
    spots = slice(0, int(peaks.count[row]))
    where = peaks.position_px[row, spots].astype(np.float64)
    return Shot(positions, goniometer.rotation(positions), where, peaks.intensity[row, spots].astype(np.float64))


def _nothing(n: int) -> Tracked:
    straight, tracks = np.tile(np.eye(3), (n, 1, 1)), np.empty(n, dtype=object)
    for row in range(n):
        tracks[row] = Track()
    return Tracked(straight, straight, NOTHING_DEG**2 * straight, np.zeros(n, dtype=np.int64), tracks)
