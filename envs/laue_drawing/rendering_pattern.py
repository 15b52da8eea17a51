"""The left half of a LaueAlign picture: the pattern as found, and circles where the target's spots belong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.laue_align import EXPECTED_ROWS, AlignContext, AlignState
from beamgym.envs.laue_views import brightness
from beamgym.envs.pictures import parts
from beamgym.physics.instrument import BoolArray, Float64Array, Frame, FrameFailed
from beamgym.physics.laue.pattern import LaueModel


@dataclass(frozen=True)
class Marks:
    """Spots in the picture: pixel positions (m, 2) on the canvas of the pattern, and brightness (m,) 0 to 1."""

    position: Float64Array
    brightness: NDArray[np.float32]


class PatternDrawing:
    """Draws patterns on a canvas whose longer edge has ``edge`` pixels.

    Parameters
    ----------
    context : the public side of the task
    edge : pixels
    """

    def __init__(self, context: AlignContext, edge: int) -> None:
        self.context = context
        rows, columns = context.detector.shape
        scale = edge / max(rows, columns)
        self.size = (max(1, round(rows * scale)), max(1, round(columns * scale)))
        self._model: LaueModel | None = None
        self._fixed: Marks | None = None

    def expected(self, state: AlignState, orientation: Float64Array | None, index: int) -> Marks:
        """Return the pattern at the goal; for an axis or plane the nearest goal, where the orientation is known."""
        if self._fixed is not None:
            return self._fixed
        if self._model is None:
            context = self.context
            self._model = LaueModel(context.crystal, context.beam, context.detector, brightest=EXPECTED_ROWS)
        target = self.context.target
        goals = None if state.goals is None or orientation is None else state.goals[[index]]
        goal = target.goal(np.eye(3)[None] if orientation is None else orientation, goals)
        spots = self._model.spots(goal)
        n = int(spots.count[0])
        counts = spots.intensity[0, :n] * np.float32(self.context.exposure_s)
        marks = Marks(self._on_canvas(spots.position_px[0, :n], self.context.detector.shape), brightness(counts))
        if target.kind == "pose":
            self._fixed = marks
        return marks

    def found(self, frame: Frame, index: int) -> Marks | None:
        """Return a sample's found peaks, or None where the frame holds an image that cannot be searched."""
        shape = self.context.detector.shape if frame.image is None else frame.image.shape[1:]
        try:
            if frame.found is None and frame.image is not None and frame.finder is not None:
                peaks, row = frame.finder(frame.image[[index]]), 0
            else:
                peaks, row = frame.peaks(), index
        except FrameFailed:
            return None
        n = int(peaks.count[row])
        return Marks(self._on_canvas(peaks.position_px[row, :n], shape), brightness(peaks.intensity[row, :n]))

    def draw(self, frame: Frame, index: int, expected: Marks, found: Marks | None, lit: BoolArray) -> NDArray[np.uint8]:
        """Draw one sample's frame, the image where there is one, and the circles; (rows, columns, 3)."""
        canvas = np.full((*self.size, 3), 255, dtype=np.float32)
        if frame.image is not None:
            dark = parts.grey_levels(frame.image[index], self.size[1], self.size[0])[..., None]
            canvas += dark * (np.asarray(parts.INK, dtype=np.float32) - canvas)
        elif found is not None:
            for (x, y), bright in zip(found.position, found.brightness, strict=True):
                weight = float(np.clip((bright - 0.3) / 0.7, 0.05, 1.0))
                parts.draw_blob(canvas, x, y, 1.3 + 2.2 * weight, 0.35 + 0.65 * weight)
        self._draw_beam(canvas)
        for (x, y), radius, within in zip(expected.position, _radii(expected), lit, strict=True):
            colour, width = (parts.BLUE, 2.2) if within else (parts.VERMILION, 1.3)
            parts.draw_ring(canvas, x, y, radius, width, colour)
        return canvas.astype(np.uint8)  # every mark blends between colours, so that nothing leaves 0 to 255

    def _draw_beam(self, canvas: parts.Canvas) -> None:
        """Mark where the direct beam, or the beam's way in, crosses the panel."""
        positions, hit = self.context.detector.to_pixel(np.array([[1.0, 0, 0], [-1.0, 0, 0]]))
        for x, y in self._on_canvas(positions[hit], self.context.detector.shape):
            parts.draw_cross(canvas, x, y, 7, parts.MUTED)

    def _on_canvas(self, position_px: NDArray[np.floating], shape: tuple[int, ...]) -> Float64Array:
        """Turn pixels of a panel of ``shape`` (slow, fast) into pixels of the canvas; centres at integers in both."""
        scale = np.array([self.size[1] / shape[1], self.size[0] / shape[0]])
        canvas: Float64Array = (position_px.astype(np.float64) + 0.5) * scale - 0.5
        return canvas


def _radii(expected: Marks) -> Float64Array:
    """Return the radii of the circles, pixels: brighter spots have larger ones."""
    radii: Float64Array = 5.0 + 5.0 * np.clip((expected.brightness.astype(np.float64) - 0.5) / 0.5, 0.0, 1.0)
    return radii


def inside(expected: Marks, found: Marks | None) -> BoolArray:
    """Return (m,): whether a found spot lies inside each circle."""
    if found is None or not len(found.position):
        return np.zeros(len(expected.position), dtype=np.bool_)
    away = np.linalg.norm(expected.position[:, None] - found.position[None], axis=-1).min(axis=1)
    lit: BoolArray = away <= _radii(expected)
    return lit
