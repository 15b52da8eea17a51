"""Estimates a pose without the truth: indexes the last frame with the nominal geometry."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from beamgym.physics.crystal import Crystal
from beamgym.physics.goniometer import Goniometer, Target
from beamgym.physics.instrument import BoolArray, Float64Array, Frame
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import Indexed, Indexer
from beamgym.physics.orientation import misorientation_deg, rotation_vector_deg


@dataclass(frozen=True)
class PoseEstimate:
    """Estimated errors of the poses at which n frames were taken.

    Parameters
    ----------
    error_deg : (n,) to the nearest goal that the goniometer reaches; NaN where not looked at or not indexed
    remount_deg : (n, 3) rotation vector, in the lab with the goniometer at home, by which to glue the crystal anew so
        that a goal can be reached; zeros where that is not needed or not known
    """

    error_deg: Float64Array
    remount_deg: Float64Array


MOST_FRAMES = 3
"""Frames of a run's beginning, and of its end, that are compared with its last one: each takes an indexing."""

ALIGNED_DEG, TOLERANCES = 2.0, 4.0
"""A crystal that sits on the head within this angle, or so many tolerances, sits where it sat: play, zero errors and
the camera's place made 0.7° at most in 491 episodes of the levels "real" and "hard"."""


@dataclass
class PoseEstimator:
    """Indexes frames and compares with a target.

    Parameters
    ----------
    crystal, beam, goniometer, target : what stands in the beam, on what, and where it is to go
    detector : the nominal panel, whose pixels the frames' peaks are given in
    """

    crystal: Crystal
    beam: Beam
    goniometer: Goniometer
    target: Target
    detector: Detector

    @cached_property
    def indexer(self) -> Indexer:
        """The prepared indexer; made when first needed, since it takes longer than a frame."""
        return Indexer(self.crystal, self.beam.band_kev, self.detector, beam=self.beam)

    def estimate(self, frame: Frame, positions: Float64Array, mask: BoolArray) -> PoseEstimate:
        """Index the frames where ``mask`` (n,) is True, taken at goniometer positions (n, k)."""
        error, remount = np.full(len(mask), np.nan), np.zeros((len(mask), 3))
        peaks = frame.peaks() if mask.any() else None
        for row in np.flatnonzero(mask):
            found = slice(0, int(peaks.count[row]))  # type: ignore[union-attr]
            answer = self.indexer.index(peaks.position_px[row, found], peaks.intensity[row, found])  # type: ignore[union-attr]
            if isinstance(answer, Indexed):
                error[row], remount[row] = self._judge(answer, positions[row])
        return PoseEstimate(error, remount)

    def mounts(self, frame: Frame, positions: Float64Array) -> Float64Array:
        """Return how the crystal may sit on the goniometer by one frame (n = 1) taken at positions (k,).

        Returns
        -------
        (m, 3, 3) orientations at zero angles, the ambiguous ones too; m is 0 where the frame cannot be indexed
        """
        peaks = frame.peaks()
        spots = slice(0, int(peaks.count[0]))
        answer = self.indexer.index(peaks.position_px[0, spots], peaks.intensity[0, spots])
        if not isinstance(answer, Indexed):
            return np.empty((0, 3, 3))
        found: Float64Array = self.goniometer.rotation(positions).T @ np.stack([answer.orientation, *answer.ambiguous])
        return found

    def _judge(self, answer: Indexed, positions: Float64Array) -> tuple[float, Float64Array]:
        """Return the error of an indexed frame, the largest of its ambiguous solutions, and how to remount."""
        orientation = np.stack([answer.orientation, *answer.ambiguous])
        mount = self.goniometer.rotation(positions).T @ orientation
        allowed = self.target.reachable(self.goniometer, mount)
        lost = np.asarray(~allowed.any(axis=1), dtype=np.bool_)
        error = self.target.error_deg(orientation, np.where(lost[:, None], True, allowed))
        remount = self.target.reachable_goals(self.goniometer, mount[:1]).remount[0]
        return float(error.max()), rotation_vector_deg(remount)


def sample_change_deg(task: Any, seen: Sequence[tuple[Frame, Float64Array]]) -> tuple[float | None, float]:
    """Return by how much the crystal has turned on its head since the run began, as its frames show it.

    A crystal that is glued to its head turns as the axes do. Where the last frame says otherwise, it is another
    crystal's or an older one, or an axis went elsewhere than its encoder says.

    Parameters
    ----------
    task : a LaueAlignTask
    seen : frames (n = 1) and the positions (1, k) at which each was taken, in order

    Returns
    -------
    The largest angle between how it sits by an earlier frame and by the last one, degrees; None where fewer than two
    of them can be indexed; and the angle that is no change
    """
    estimator: PoseEstimator = task.estimator
    allowed = max(ALIGNED_DEG, TOLERANCES * task.context.tolerance_deg)
    earlier = seen[:-1]
    chosen = [*earlier[:MOST_FRAMES], *earlier[max(MOST_FRAMES, len(earlier) - MOST_FRAMES) :]]
    last, *others = [estimator.mounts(frame, positions[0]) for frame, positions in (seen[-1], *chosen)]
    if not len(last):
        return None, allowed
    rotations = task.context.crystal.rotations
    nearest = ([float(misorientation_deg(last, each, rotations).min()) for each in mounts] for mounts in others)
    changes = [min(angles) for angles in nearest if angles]
    return max(changes, default=None), allowed
