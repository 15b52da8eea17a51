"""The instrument as the adjustment sees it: where its parameters put axes, crystal and panel, and what follows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.goniometer import Goniometer
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.estimation import kernels
from beamgym.physics.laue.estimation.layout import Layout
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.orientation import rotation_matrix


@dataclass(frozen=True)
class Panel:
    """A panel by its centre, mm, and its unit edges and their cross product."""

    centre: Float64Array
    fast: Float64Array
    slow: Float64Array
    across: Float64Array


@dataclass(frozen=True, eq=False)
class Setup:
    """The nominal instrument and the crystal on it.

    Parameters
    ----------
    goniometer, detector : nominal
    model : the crystal's patterns on it
    """

    goniometer: Goniometer
    detector: Detector
    model: LaueModel

    @cached_property
    def rotates(self) -> BoolArray:
        """(k,) which axes turn."""
        return np.array([axis.kind == "rotation" for axis in self.goniometer.axes])

    @cached_property
    def own_play(self) -> Float64Array:
        """(k,) the play that axes are known to have at least."""
        return np.array([axis.backlash for axis in self.goniometer.axes], dtype=np.float64)

    @cached_property
    def middle_px(self) -> Float64Array:
        """(2,) the panel's centre."""
        rows, columns = self.detector.shape
        return np.array([0.5 * (columns - 1), 0.5 * (rows - 1)])

    @cached_property
    def edges(self) -> Float64Array:
        """(3, 3) rows: the nominal panel's fast, slow and their cross product."""
        fast, slow = self.detector.fast, self.detector.slow
        return np.stack([fast, slow, np.cross(fast, slow)])

    def layout(self, frames: int) -> Layout:
        """Return where the parameters of so many frames stand."""
        return Layout(len(self.goniometer.axes), frames)

    def play(self, values: Float64Array, layout: Layout) -> Float64Array:
        """Return each axis's play, (k,)."""
        play = np.where(self.rotates, values[layout.play] + values[layout.each], 0.0)
        return np.maximum(np.maximum(play, 0.0), self.own_play)

    def course(
        self, values: Float64Array, layout: Layout, readback: Float64Array
    ) -> tuple[Float64Array, Float64Array, Float64Array]:
        """Return where the axes truly stand, (T, k), and its derivatives by play and by start."""
        off, by_play, by_start = kernels.play_course(readback, self.play(values, layout), values[layout.start])
        noise = values[layout.readings].reshape(layout.frames, -1)
        return readback + values[layout.zero] + off + noise, by_play, by_start

    def panel(self, values: Float64Array) -> Panel:
        """Return where the panel stands."""
        nominal = self.detector.to_lab_mm(self.middle_px)
        about_fast, about_slow = values[Layout.tilt]
        turn = rotation_matrix(about_fast * self.edges[0] + about_slow * self.edges[1])
        fast, slow, across = self.edges @ turn.T
        return Panel(nominal + values[Layout.shift] @ self.edges, fast, slow, across)

    def panel_vector(self, values: Float64Array) -> Float64Array:
        """Return the panel as ``LaueModel.spots`` takes it, (9,)."""
        panel = self.panel(values)
        corner = self.detector.pixel_mm * (self.middle_px[0] * panel.fast + self.middle_px[1] * panel.slow)
        return np.concatenate([panel.centre - corner, panel.fast, panel.slow])

    def strayed(self, true: Float64Array) -> Float64Array:
        """Return the derivatives of the sample's place (mm) by the axes' misses, (T, 3, 3 k), at true positions (T, k).

        An axis that misses the sample by c moves it by (1 − R) c, carried on by the axes outside it.
        """
        frames, k = true.shape
        zero = np.array([axis.zero for axis in self.goniometer.axes])
        # What the outermost i axes do together, for i from 0 to k.
        outer = np.tile(zero, (k + 1, frames, 1))
        for i in range(k):
            outer[i + 1 :, :, i] = true[:, i]
        turned = self.goniometer.rotation(outer)
        by_axis = np.where(self.rotates[:, None, None, None], turned[:-1] - turned[1:], 0.0)
        out: Float64Array = by_axis.transpose(1, 2, 0, 3).reshape(frames, 3, 3 * k)
        return out
