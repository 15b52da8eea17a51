"""Found and expected plane normals as a picture of two channels, for networks that look."""

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.laue_views.map_kernels import draw_spots
from beamgym.envs.laue_views.observations import SPOT_FIELDS, SpotView
from beamgym.physics.instrument import BoolArray, Float32Array, Float64Array, Frame
from beamgym.physics.laue.detector import Detector

MAP_SIZE = 64
_MARGIN = 1.05
"""Of the map beyond the panel's corners, so that no spot is cut off at the edge."""


class MapView:
    """A gnomonic map of plane normals as (64, 64, 2) uint8, under the key "map".

    The first channel holds the found spots, the second those expected at the goal. In the gnomonic projection (from the
    sample onto a plane) a zone's planes lie on a line, and a turn moves a pattern as a whole.

    Parameters
    ----------
    detector : the nominal geometry; the map is as wide as the panel's normals reach
    expected : (rows * 5,) spot rows at the goal
    """

    key = "map"

    def __init__(self, detector: Detector, expected: Float32Array) -> None:
        self.spots = SpotView(detector)
        self.space = spaces.Box(0, 255, (MAP_SIZE, MAP_SIZE, 2), dtype=np.uint8)
        self.axis, self.across, self.up, self.half = _frame_of(detector)
        self._expected = self._drawn(expected.reshape(1, -1, SPOT_FIELDS))[0]

    def encode(self, frame: Frame, mask: BoolArray) -> NDArray[np.uint8]:
        """Return (m, 64, 64, 2) for the m rows of the frame where ``mask`` is True."""
        rows = self.spots.encode(frame, mask)
        found = self._drawn(rows.reshape(len(rows), -1, SPOT_FIELDS))
        return np.stack([found, np.broadcast_to(self._expected, found.shape)], axis=-1)

    def _drawn(self, rows: Float32Array) -> NDArray[np.uint8]:
        out = np.zeros((len(rows), MAP_SIZE, MAP_SIZE), dtype=np.uint8)
        draw_spots(np.ascontiguousarray(rows), self.axis, self.across, self.up, self.half, out)
        return out


def _frame_of(detector: Detector) -> tuple[Float64Array, Float64Array, Float64Array, float]:
    """Return the map's middle, its two directions, and the tangent of the largest angle that the panel sees."""
    lines, columns = detector.shape
    places = np.array([[x, y] for x in (0, columns / 2, columns - 1) for y in (0, lines / 2, lines - 1)])
    rays = detector.to_lab_mm(places)
    normals = rays / np.linalg.norm(rays, axis=1, keepdims=True) - np.array([1.0, 0.0, 0.0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    axis = normals[4]
    across = detector.fast - (detector.fast @ axis) * axis
    across /= np.linalg.norm(across)
    up = np.cross(across, axis)
    tangents = np.stack([normals @ across, normals @ up]) / (normals @ axis)
    return axis, across, up, float(_MARGIN * np.abs(tangents).max())
