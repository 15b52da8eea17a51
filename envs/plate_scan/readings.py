"""What one frame of each plate tells: spots, whether they index, and how the crystal then stands."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from beamgym.physics.instrument import BoolArray, Float64Array, Frame, Int64Array, Peaks

NOISE_DEG, CAMERA_DEG, CALIBRATED_DEG = 0.06, 0.035, 0.005
"""Standard errors about each axis of a frame's orientation: of one spot's worth, divided by the root of the number of
spots; of the camera as stated; of the camera that eight crystals have calibrated. All of level "real", from the scan's
own indexing: ``tests/envs/plate_scan`` holds them against it."""


@dataclass(frozen=True)
class FrameReading:
    """What one frame of each of n plates tells.

    Parameters
    ----------
    spots : (n,) found, false ones included
    indexed : (n,) whether an orientation explains them
    several : (n,) whether they show two grains
    angles_deg : (n, 3) how the crystal stands against one that lies as it grows: two tilts about the plate's x and y,
        and the turn about its normal before them; anything where it is not indexed
    calibrated_deg : (n, 3) the same with the camera as many crystals together give it
    """

    spots: Int64Array
    indexed: BoolArray
    several: BoolArray
    angles_deg: Float64Array
    calibrated_deg: Float64Array

    @classmethod
    def nothing(cls, n: int) -> "FrameReading":
        """Return what frames without spots tell."""
        no = np.zeros(n, dtype=np.bool_)
        return cls(np.zeros(n, dtype=np.int64), no, no.copy(), np.zeros((n, 3)), np.zeros((n, 3)))


@dataclass(frozen=True)
class ReadFrame(Frame):
    """A frame that brings its reading, or the outlines of the plate that it was taken of, or both.

    Parameters
    ----------
    reading : what it tells
    plates : an OutlineTable, which is public
    """

    reading: FrameReading = field(default_factory=lambda: FrameReading.nothing(0))
    plates: Any = None

    def peaks(self) -> Peaks:
        """Return the spots that were found; none where they are not drawn, and only their number is in the reading."""
        if self.found is not None or self.image is not None:
            return super().peaks()
        n = len(self.exposure_s)
        return Peaks(
            np.zeros((n, 0, 2), np.float32),
            np.zeros((n, 0), np.float32),
            np.zeros(n, np.int64),
            np.zeros((n, 0), np.bool_),
        )


class Reads(Protocol):
    """Reads frames of crystals."""

    def __call__(self, frame: Frame, near_deg: Float64Array, known: BoolArray, rows: BoolArray) -> FrameReading:
        """Return what frames tell where ``rows`` (n,) is True; of equivalent angles those nearest ``near_deg`` (n, 3).

        ``known`` (n,) says of which crystals there are angles yet.
        """
        ...


def as_brought(frame: Frame, near_deg: Float64Array, known: BoolArray, rows: BoolArray) -> FrameReading:
    """Return the reading that a frame brings; raises TypeError for a frame that brings none."""
    if not isinstance(frame, ReadFrame):
        raise TypeError(
            f"{type(frame).__name__} brings no reading; give the task what reads frames, such as IndexReads"
        )
    return frame.reading


def stated_deg(spots: Float64Array, calibrated: BoolArray) -> tuple[Float64Array, Float64Array]:
    """Return standard errors about each axis: of frames by their numbers of spots, and of the camera.

    Parameters
    ----------
    spots : (...) of one frame, or of all frames of a crystal together
    calibrated : (...) whether enough crystals have told where the camera stands
    """
    noise: Float64Array = NOISE_DEG / np.sqrt(np.maximum(spots, 1.0))
    return noise, np.where(calibrated, CALIBRATED_DEG, CAMERA_DEG)


def apart_deg(one: Float64Array, other: Float64Array, fold_deg: float | Float64Array = 360.0) -> Float64Array:
    """Return by how much angles (..., 3) differ, (...); turns by ``fold_deg`` count as the same."""
    away = one - other
    turn = np.mod(away[..., 2] + 0.5 * fold_deg, fold_deg) - 0.5 * fold_deg
    found: Float64Array = np.sqrt(away[..., 0] ** 2 + away[..., 1] ** 2 + turn**2)
    return found
