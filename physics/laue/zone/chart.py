"""The chart of an unknown crystal: where theta and phi lay its zones along the beam, as all frames so far tell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.instrument import BoolArray, Float32Array, Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.peaks import PeakFinder
from beamgym.physics.laue.zone.chart_kernels import HALF_DEG, add_votes, strongest_places
from beamgym.physics.row_threads import over_rows

CELLS = 64
"""Along theta and along phi; a cell is 2.8° wide, about what a film 10 mm from where it is said to be leaves unsure."""
BEEN_DEG = 4.0
"""Round a frame's own place nothing is looked for: what lies there was in the beam."""
SPOTS = 60
"""Brightest spots of a frame that vote."""
_FINDER = PeakFinder(max_peaks=SPOTS, max_saturated_share=1.0)  # drawings are white between black


@dataclass(frozen=True)
class Charts:
    """What n crystals' frames have told.

    Parameters
    ----------
    votes : (n, 64, 64) of places theta and phi, each from -90 to 90 degrees
    been : (n, 64, 64) where frames were taken
    """

    votes: Float32Array
    been: BoolArray

    @classmethod
    def blank(cls, n: int) -> "Charts":
        """Return the charts of n crystals of which nothing is known."""
        return cls(np.zeros((n, CELLS, CELLS), np.float32), np.zeros((n, CELLS, CELLS), np.bool_))

    def begun(self, mask: BoolArray) -> "Charts":
        """Return the charts, blank again where ``mask`` (n,) is True."""
        keep = ~mask[:, None, None]
        return Charts(self.votes * keep, self.been & keep)

    def seen(
        self,
        images: NDArray[np.uint8],
        positions: Float64Array,
        rotation: Float64Array,
        panel: Detector,
        mask: BoolArray,
    ) -> "Charts":
        """Return the charts after one more frame, where ``mask`` (n,) is True.

        Parameters
        ----------
        images : (n, size, size) grey, as observed
        positions : (n, 2) of theta and phi, degrees
        rotation : (n, 3, 3) of the goniometer there
        panel : the nominal geometry
        """
        rows = np.flatnonzero(mask)
        votes, been = self.votes.copy(), self.been.copy()

        def look(part: slice) -> None:
            chosen = rows[part]
            peaks = _FINDER(images[chosen])
            added = votes[chosen]
            add_votes(_normals(peaks.position_px, panel), peaks.count.astype(np.int64), rotation[chosen], added)
            votes[chosen] = added

        over_rows(len(rows), look, least=4)
        been[rows] |= _near(positions[rows])
        return Charts(votes, been)

    def strongest(self, count: int) -> Float64Array:
        """Return the places of the strongest zones (n, count, 3): theta, phi in degrees, and contrast, 0 for none."""
        places = np.zeros((len(self.votes), count, 3))

        def find(part: slice) -> None:
            room = np.zeros((CELLS + 1, CELLS + 1)), np.zeros((CELLS, CELLS))
            strongest_places(self.votes[part], self.been[part], *room, places[part])

        over_rows(len(places), find, least=4)
        return places


def _normals(position_px: Float32Array, panel: Detector) -> Float64Array:
    """Return the plane normals (m, s, 3) of spots (m, s, 2), by where the panel is said to be."""
    rays = panel.to_lab_mm(position_px.astype(np.float64))
    normals: Float64Array = rays / np.linalg.norm(rays, axis=-1, keepdims=True) - np.array([1.0, 0.0, 0.0])
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.ascontiguousarray(normals)


def _near(positions: Float64Array) -> BoolArray:
    """Return which cells (m, 64, 64) lie near positions (m, 2)."""
    centre = (np.arange(CELLS) + 0.5) * (2.0 * HALF_DEG / CELLS) - HALF_DEG
    theta = centre[None, :, None] - positions[:, 0, None, None]
    phi = (centre[None, None, :] - positions[:, 1, None, None]) * np.cos(np.radians(centre))[None, :, None]
    near: BoolArray = np.hypot(theta, phi) < BEEN_DEG
    return near
