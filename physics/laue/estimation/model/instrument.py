"""The instrument as the adjustment sees it: where its parameters put axes, crystal and panel, and what follows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.goniometer import Goniometer
from beamgym.physics.laue.cylinder import radius_of
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.estimation.model import kernels
from beamgym.physics.laue.estimation.model.bent_kernels import landed_bent
from beamgym.physics.laue.estimation.model.layout import Layout
from beamgym.physics.laue.estimation.model.shape import shape_modes
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.orientation import rotation_matrix


@dataclass(frozen=True)
class Panel:
    """A panel by its centre (3,), mm, and by its unit edges and their cross product, rows of (3, 3)."""

    centre: Float64Array
    edges: Float64Array


@dataclass(frozen=True)
class Rays:
    """What one frame is to show, brightest first.

    Parameters
    ----------
    position_px : (m, 2) along fast and slow
    normal : (m, 3) unit plane normals in the crystal's frame
    intensity : (m,)
    """

    position_px: Float64Array
    normal: Float64Array
    intensity: Float64Array


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

    @cached_property
    def radius_mm(self) -> float:
        """Radius of a plate bent to a cylinder, negative where the third edge points inwards; 0 of a flat panel."""
        return radius_of(self.detector) * float(np.sign(self.detector.normal @ self.edges[2]))

    def layout(self, frames: int) -> Layout:
        """Return where the parameters of so many frames stand."""
        return Layout(len(self.goniometer.axes), frames, len(self.modes))

    @cached_property
    def modes(self) -> Float64Array:
        """(m, 3, 3) ways in which the reciprocal cell may differ in shape that keep the crystal's symmetry."""
        return shape_modes(self.model.crystal.rotations)

    def strain(self, values: Float64Array, layout: Layout) -> Float64Array:
        """Return what the reciprocal cell is deformed by, (3, 3): normals are those of ``strain @ h``."""
        changed: Float64Array = np.eye(3) + np.einsum("m,mij->ij", values[layout.cell], self.modes)
        return changed

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
        """Return where the panel stands; the centre of a cylinder is its axis."""
        nominal = self.detector.pivot_mm
        about_fast, about_slow = values[Layout.tilt]
        twist = values[Layout.twist] * self.edges[2]
        turn = rotation_matrix(about_fast * self.edges[0] + about_slow * self.edges[1] + twist)
        return Panel(nominal + values[Layout.shift] @ self.edges, self.edges @ turn.T)

    def panel_vector(self, values: Float64Array) -> Float64Array:
        """Return the panel as ``LaueModel.spots`` takes it, (9,)."""
        panel = self.panel(values)
        corner = self.detector.pixel_mm * self.middle_px @ panel.edges[:2]
        middle = panel.centre + self.radius_mm * panel.edges[2] if self.radius_mm else panel.centre
        return np.concatenate([middle - corner, panel.edges[0], panel.edges[1]])

    def _landed(self, normals: Float64Array, orientation: Float64Array, panel: Float64Array) -> Float64Array:
        """Return where plane normals (m, 3) of the crystal send their spots, (m, 2) px."""
        given, pixel = (np.ascontiguousarray(normals), orientation, panel), self.detector.pixel_mm
        if self.radius_mm:
            bent: Float64Array = landed_bent(*given, pixel, self.radius_mm, self.middle_px)
            return bent
        flat: Float64Array = kernels.landed(*given, pixel)
        return flat

    def rays(self, orientations: Float64Array, panels: Float64Array, strain: Float64Array) -> list[Rays]:
        """Return what each of T frames is to show.

        Parameters
        ----------
        orientations, panels : (T, 3, 3) crystal to lab, and (T, 9) the panel as each frame's sample sees it
        strain : (3, 3) what the reciprocal cell is deformed by; it moves spots, and changes no brightness
        """
        spots, table = self.model.spots(orientations, panels), self.model.table
        deformed = bool(np.any(strain != np.eye(3)))
        out = []
        for t, orientation in enumerate(orientations):
            count = int(spots.count[t])
            ray = spots.ray[t, :count]
            q = np.where(ray < 0, -1.0, 1.0)[:, None] * table.q_inv_a[np.where(ray < 0, -ray - 1, ray)]
            normal = q / np.linalg.norm(q, axis=1, keepdims=True)
            place = spots.position_px[t, :count].astype(np.float64)
            if deformed:
                place = self._landed(normal @ strain.T, orientation, panels[t])
            out.append(Rays(place, normal, spots.intensity[t, :count].astype(np.float64)))
        return out

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
