"""Estimates a pose without the truth: by all frames of an episode, with camera and axes fitted along."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from beamgym.envs.laue_sight import shot_of
from beamgym.physics.crystal import Crystal
from beamgym.physics.goniometer import Goniometer, Target
from beamgym.physics.instrument import BoolArray, Float64Array, Frame
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.estimation import Estimator, Track, standing
from beamgym.physics.laue.indexing import Indexed
from beamgym.physics.orientation import misorientation_deg, rotation_vector_deg


@dataclass(frozen=True)
class PoseEstimate:
    """Estimated errors of the poses at which n last frames were taken.

    Parameters
    ----------
    error_deg : (n,) to the nearest goal that the goniometer reaches; NaN where not looked at, or the last frame is not
        understood
    sigma_deg : (n,) one standard deviation of the orientation, in the direction in which it is known worst
    probability : (n,) of being within the tolerance of a goal that can be reached; 0 where not indexed
    remount_deg : (n, 3) rotation vector, in the lab with the goniometer at home, by which to glue the crystal anew so
        that a goal can be reached; zeros where that is not needed or not known
    """

    error_deg: Float64Array
    sigma_deg: Float64Array
    probability: Float64Array
    remount_deg: Float64Array


@dataclass(frozen=True)
class SeenFrame:
    """A frame of an episode without truth: where it was taken, (n, k), and the rows of whose episode it is, (n,)."""

    frame: Frame
    positions: Float64Array
    rows: BoolArray


MOST_FRAMES = 3
"""Frames of a run's beginning, and of its end, that are compared with its last one: each takes an indexing."""

ALIGNED_DEG, TOLERANCES = 2.0, 4.0
"""A crystal that sits on the head within this angle, or so many tolerances, sits where it sat: play, zero errors and
the camera's place made 0.7° at most in 491 episodes of the levels "real" and "hard"."""


@dataclass
class PoseEstimator:
    """Follows the frames of an episode and compares with a target.

    Parameters
    ----------
    crystal, beam, goniometer, target : what stands in the beam, on what, and where it is to go
    detector : the nominal panel, whose pixels the frames' peaks are given in
    tolerance_deg : largest error allowed
    """

    crystal: Crystal
    beam: Beam
    goniometer: Goniometer
    target: Target
    detector: Detector
    tolerance_deg: float

    @cached_property
    def estimator(self) -> Estimator:
        """The prepared estimator; made when first needed, since it takes longer than a frame."""
        return Estimator(self.crystal, self.beam, self.goniometer, self.detector)

    def estimate(self, seen: Sequence[SeenFrame], mask: BoolArray) -> PoseEstimate:
        """Judge the last frames of the rows where ``mask`` (n,) is True, by all frames of their episodes in order."""
        n = len(mask)
        out = PoseEstimate(np.full(n, np.nan), np.full(n, np.nan), np.zeros(n), np.zeros((n, 3)))
        for row in np.flatnonzero(mask):
            track = self._track(seen, int(row))
            stands = standing(self.estimator, track, self.target, self.tolerance_deg)
            if stands is None or not stands.understood:
                continue
            out.error_deg[row], out.sigma_deg[row] = stands.error_deg, stands.sigma_deg
            out.probability[row] = stands.probability
            if not stands.reachable:
                goals = self.target.reachable_goals(self.goniometer, stands.mount[None])
                out.remount_deg[row] = rotation_vector_deg(goals.remount[0])
        return out

    def mounts(self, frame: Frame, positions: Float64Array) -> Float64Array:
        """Return how the crystal may sit on the goniometer by one frame (n = 1) taken at positions (k,).

        Returns
        -------
        (m, 3, 3) orientations at zero angles, the ambiguous ones too; m is 0 where the frame cannot be indexed
        """
        shot = shot_of(frame, positions, self.goniometer)
        answer = self.estimator.indexer.index(shot.position_px, shot.counts)
        if not isinstance(answer, Indexed):
            return np.empty((0, 3, 3))
        found: Float64Array = self.goniometer.rotation(positions).T @ np.stack([answer.orientation, *answer.ambiguous])
        return found

    def _track(self, seen: Sequence[SeenFrame], row: int) -> Track:
        track = Track()
        for each in seen:
            if each.rows[row]:
                track = self.estimator.seen(track, shot_of(each.frame, each.positions[row], self.goniometer, row))
        return track


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
