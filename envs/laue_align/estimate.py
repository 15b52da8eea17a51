"""Estimates a pose without the truth: indexes the last frame with the nominal geometry."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from beamgym.physics.crystal import Crystal
from beamgym.physics.goniometer import Goniometer, Target
from beamgym.physics.instrument import BoolArray, Float64Array, Frame
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import Indexed, Indexer
from beamgym.physics.orientation import rotation_vector_deg


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

    def _judge(self, answer: Indexed, positions: Float64Array) -> tuple[float, Float64Array]:
        """Return the error of an indexed frame, the largest of its ambiguous solutions, and how to remount."""
        orientation = np.stack([answer.orientation, *answer.ambiguous])
        mount = self.goniometer.rotation(positions).T @ orientation
        allowed = self.target.reachable(self.goniometer, mount)
        lost = np.asarray(~allowed.any(axis=1), dtype=np.bool_)
        error = self.target.error_deg(orientation, np.where(lost[:, None], True, allowed))
        remount = self.target.reachable_goals(self.goniometer, mount[:1]).remount[0]
        return float(error.max()), rotation_vector_deg(remount)
