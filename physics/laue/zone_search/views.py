"""What a search sees: the spots of some frames, each with how the goniometer had turned the crystal."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector

_STEP_MM = 0.05  # for the derivative by the distance


@dataclass(frozen=True)
class View:
    """The spots of one frame.

    Parameters
    ----------
    position_px : (p, 2) along fast and slow, 0-based, the brightest first where brightness is known
    rotation : (3, 3) of the goniometer: goniometer frame to lab
    """

    position_px: Float64Array
    rotation: Float64Array


@dataclass(frozen=True)
class Views:
    """The frames of an episode, all with one camera at an unknown distance.

    Parameters
    ----------
    frames : the views
    camera : the detector at its stated distance
    error_px : standard deviation of a spot's position along rows and columns
    """

    frames: Sequence[View]
    camera: Detector
    error_px: float

    @property
    def spots(self) -> int:
        """Number of spots in all frames."""
        return sum(len(view.position_px) for view in self.frames)

    @property
    def sigma_rad(self) -> float:
        """Standard deviation of a plane normal's direction: half of what the ray turns by."""
        return 0.5 * self.error_px * self.camera.pixel_mm / self.camera.distance_mm

    def camera_at(self, distance_mm: float) -> Detector:
        """Return the camera, moved along its normal to another distance."""
        away = (distance_mm - self.camera.distance_mm) * self._outwards
        shifted = self.camera
        return Detector(
            shifted.origin_mm + away, shifted.fast, shifted.slow, shifted.pixel_mm, shifted.shape, shifted.name
        )

    def normals(self, distance_mm: float) -> Float64Array:
        """Return all spots' plane normals (n, 3) in the goniometer's frame, for a distance."""
        camera = self.camera_at(distance_mm)
        return np.concatenate([camera.plane_normals(view.position_px) @ view.rotation for view in self.frames])

    def slope(self, distance_mm: float) -> Float64Array:
        """Return by how much the normals (n, 3) change per mm of distance."""
        ahead, behind = self.normals(distance_mm + _STEP_MM), self.normals(distance_mm - _STEP_MM)
        slope: Float64Array = (ahead - behind) / (2.0 * _STEP_MM)
        return slope

    @property
    def _outwards(self) -> Float64Array:
        """The detector's normal, away from the sample."""
        away: Float64Array = self.camera.normal * np.sign(self.camera.origin_mm @ self.camera.normal)
        return away
