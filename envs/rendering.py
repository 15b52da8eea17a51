"""Pictures of a LaueAlign episode, to be read by a crystallographer at one glance.

On the left the pattern as it was found, dark on light, with the pattern of the target as open circles: blue and heavy
where a found spot lies inside, vermilion and light where none does. On the right how far the crystal still is, what was
done, what is left, and where the axes stand within their travel.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from beamgym.envs import rendering_parts as parts
from beamgym.envs.episode import EpisodeLoop
from beamgym.envs.laue_align import EXPECTED_ROWS, AlignContext, AlignState
from beamgym.envs.observations import brightness
from beamgym.physics.instrument import Axis, Float64Array, Frame, FrameFailed, World
from beamgym.physics.laue.spots import LaueModel

WIDTH, HEIGHT = 900, 600
_PANEL = 556  # edge of the square in which the pattern is fitted, pixels
_LEFT, _TOP = 16, 28
_COLUMN = 596  # where the right-hand column begins
_RIGHT = WIDTH - 16
_AXIS_ROW = 33  # height of one axis, pixels; six fit
_SMALLEST_DEG, _LARGEST_DEG = 0.01, 180.0  # ends of the logarithmic scale of the misorientation


@dataclass(frozen=True)
class Marks:
    """Spots in the picture: pixel positions (m, 2) on the canvas of the pattern, and brightness (m,) 0 to 1."""

    position: Float64Array
    brightness: NDArray[np.float32]


class LaueRenderer:
    """Draws the present state of a LaueAlign episode, always as (600, 900, 3).

    Parameters
    ----------
    context : the public side of the task
    """

    def __init__(self, context: AlignContext) -> None:
        self.context = context
        rows, columns = context.detector.shape
        self._scale = _PANEL / max(rows, columns)
        self._size = (max(1, round(rows * self._scale)), max(1, round(columns * self._scale)))
        self._type = parts.Type()
        self._model: LaueModel | None = None
        self._fixed: Marks | None = None

    def draw(self, loop: EpisodeLoop[AlignState], index: int = 0) -> NDArray[np.uint8]:
        """Draw one of the loop's samples.

        Parameters
        ----------
        loop : a running episode
        index : which of its n samples

        Returns
        -------
        (600, 900, 3) uint8

        Raises
        ------
        ValueError : before the first reset
        """
        if loop.state is None or loop.frame is None:
            raise ValueError("there is nothing to draw before the first episode; call reset() before render()")
        world = loop.instrument
        orientation = world.truth()["orientation"][[index]] if isinstance(world, World) else None
        expected = self._expected(loop.state, orientation, index)
        found = self._found(loop.frame, index)
        lit = _inside(expected, found)
        picture = Image.new("RGB", (WIDTH, HEIGHT), parts.PAPER)
        self._place_pattern(picture, self._pattern(loop.frame, index, expected, found, lit))
        draw = ImageDraw.Draw(picture)
        self._draw_caption(draw)
        self._draw_headline(draw)
        self._draw_error(draw, loop, orientation, index)
        self._draw_budget(draw, loop.state, loop.frame, index)
        self._draw_move(draw, loop.state, index)
        self._draw_axes(draw, loop.instrument.axes, loop.state.positions[index])
        self._draw_legend(picture, draw, None if found is None else int(lit.sum()), len(lit))
        return np.array(picture, dtype=np.uint8)

    def _expected(self, state: AlignState, orientation: Float64Array | None, index: int) -> Marks:
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

    def _found(self, frame: Frame, index: int) -> Marks | None:
        """Return the found peaks, or None where the frame holds an image that cannot be searched."""
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

    def _on_canvas(self, position_px: NDArray[np.floating], shape: tuple[int, ...]) -> Float64Array:
        """Turn pixels of a panel of ``shape`` (slow, fast) into pixels of the canvas; centres at integers in both."""
        scale = np.array([self._size[1] / shape[1], self._size[0] / shape[0]])
        canvas: Float64Array = (position_px.astype(np.float64) + 0.5) * scale - 0.5
        return canvas

    def _pattern(
        self, frame: Frame, index: int, expected: Marks, found: Marks | None, lit: NDArray[np.bool_]
    ) -> NDArray[np.uint8]:
        canvas = np.full((*self._size, 3), 255, dtype=np.float32)
        if frame.image is not None:
            dark = parts.grey_levels(frame.image[index], self._size[1], self._size[0])[..., None]
            canvas += dark * (np.asarray(parts.INK, dtype=np.float32) - canvas)
        elif found is not None:
            for (x, y), bright in zip(found.position, found.brightness, strict=True):
                weight = float(np.clip((bright - 0.3) / 0.7, 0.05, 1.0))
                parts.draw_blob(canvas, x, y, 1.3 + 2.2 * weight, 0.35 + 0.65 * weight)
        self._draw_beam(canvas)
        for (x, y), radius, inside in zip(expected.position, _radii(expected), lit, strict=True):
            colour, width = (parts.BLUE, 2.2) if inside else (parts.VERMILION, 1.3)
            parts.draw_ring(canvas, x, y, radius, width, colour)
        return canvas.astype(np.uint8)  # every mark blends between colours, so that nothing leaves 0 to 255

    def _draw_beam(self, canvas: parts.Canvas) -> None:
        """Mark where the direct beam, or the beam's way in, crosses the panel."""
        positions, hit = self.context.detector.to_pixel(np.array([[1.0, 0, 0], [-1.0, 0, 0]]))
        for x, y in self._on_canvas(positions[hit], self.context.detector.shape):
            parts.draw_cross(canvas, x, y, 7, parts.MUTED)

    def _place_pattern(self, picture: Image.Image, pattern: NDArray[np.uint8]) -> None:
        left = _LEFT + (_PANEL - self._size[1]) // 2
        top = _TOP + (_PANEL - self._size[0]) // 2
        picture.paste(Image.fromarray(pattern), (left, top))
        frame = (left - 1, top - 1, left + self._size[1], top + self._size[0])
        ImageDraw.Draw(picture).rectangle(frame, outline=parts.MUTED)

    def _draw_caption(self, draw: ImageDraw.ImageDraw) -> None:
        detector = self.context.detector
        across, down = (size * detector.pixel_mm for size in (detector.shape[1], detector.shape[0]))
        text = f"{detector.name}, {across:.0f} × {down:.0f} mm at {detector.distance_mm:.0f} mm"
        draw.text((_LEFT, 8), text, font=self._type(12), fill=parts.MUTED)
        axes = f"right: {_lab_name(detector.fast)}   down: {_lab_name(detector.slow)}"
        draw.text((_LEFT + _PANEL, 8), axes, font=self._type(12), fill=parts.MUTED, anchor="ra")

    def _draw_headline(self, draw: ImageDraw.ImageDraw) -> None:
        width = _RIGHT - _COLUMN
        name = parts.fitted(draw, self.context.crystal.name, self._type(20, True), 0.6 * width)
        draw.text((_COLUMN, 8), name, font=self._type(20, True), fill=parts.INK)
        head = parts.fitted(draw, self.context.goniometer.name, self._type(13), 0.38 * width)
        draw.text((_RIGHT, 14), head, font=self._type(13), fill=parts.MUTED, anchor="ra")
        label = parts.fitted(draw, f"{self.context.target.kind}: {self.context.target.label}", self._type(12), width)
        draw.text((_COLUMN, 38), label, font=self._type(12), fill=parts.INK)

    def _draw_error(
        self, draw: ImageDraw.ImageDraw, loop: EpisodeLoop[AlignState], orientation: Float64Array | None, index: int
    ) -> None:
        state, tolerance = loop.state, self.context.tolerance_deg
        assert state is not None
        title = "misorientation" if self.context.target.kind == "pose" else "angle to the target"
        draw.text((_COLUMN, 68), title, font=self._type(12), fill=parts.MUTED)
        if orientation is None:
            draw.text((_COLUMN, 84), "not known here", font=self._type(26, True), fill=parts.MUTED)
            draw.text((_COLUMN, 120), f"tolerance {tolerance:g}°", font=self._type(12), fill=parts.MUTED)
            return
        goals = None if state.goals is None else state.goals[[index]]
        error = float(self.context.target.error_deg(orientation, goals)[0])
        inside = error <= tolerance
        colour = parts.BLUE if inside else parts.INK
        draw.text((_COLUMN, 82), _degrees(error), font=self._type(34, True), fill=colour)
        status = _status(bool(state.declared[index]), bool(state.spent[index]), inside)
        draw.text((_RIGHT, 84), status, font=self._type(13, True), fill=colour, anchor="ra")
        draw.text((_RIGHT, 103), f"tolerance {tolerance:g}°", font=self._type(12), fill=parts.MUTED, anchor="ra")
        self._draw_gauge(draw, 140, error, tolerance, colour)

    def _draw_gauge(
        self, draw: ImageDraw.ImageDraw, y: int, error_deg: float, tolerance_deg: float, colour: parts.Colour
    ) -> None:
        """Draw the misorientation on a logarithmic scale; the tolerance is the filled part."""
        draw.rectangle((_COLUMN, y, _RIGHT, y + 6), fill=parts.SHADE)
        draw.rectangle((_COLUMN, y, _gauge_x(tolerance_deg), y + 6), fill=parts.BLUE)
        for tick, name in ((0.01, "0.01°"), (0.1, "0.1°"), (1.0, "1°"), (10.0, "10°"), (180.0, "180°")):
            anchor = {0.01: "la", 180.0: "ra"}.get(tick, "ma")
            draw.line((_gauge_x(tick), y + 6, _gauge_x(tick), y + 9), fill=parts.MUTED)
            draw.text((_gauge_x(tick), y + 10), name, font=self._type(10), fill=parts.MUTED, anchor=anchor)
        parts.draw_pointer(draw, _gauge_x(error_deg), y - 1, colour)

    def _draw_budget(self, draw: ImageDraw.ImageDraw, state: AlignState, frame: Frame, index: int) -> None:
        y, budget, used = 178, self.context.exposures, int(state.used[index])
        text = f"exposures left  {budget - used} of {budget}"
        draw.text((_COLUMN, y), text, font=self._type(13), fill=parts.INK)
        clock = f"{frame.time_s[index]:.0f} s"
        draw.text((_RIGHT, y), clock, font=self._type(13), fill=parts.INK, anchor="ra")
        width = (_RIGHT - _COLUMN) / budget
        gap = 2 if width > 5 else 0
        for i in range(budget):
            box = (_COLUMN + i * width, y + 20, _COLUMN + (i + 1) * width - 1 - gap, y + 28)
            draw.rectangle(box, fill=parts.LINE if i < used else parts.MUTED)

    def _draw_move(self, draw: ImageDraw.ImageDraw, state: AlignState, index: int) -> None:
        top, vector = 216, 180.0 * state.last_move[index, :3].astype(np.float64)
        angle = float(np.linalg.norm(vector))
        text = "not moved yet"
        if angle > 0:
            x, y, z = (vector / angle).round(2) + 0.0  # no minus before a zero
            text = f"turned {_degrees(angle)} about ({x:.2f}, {y:.2f}, {z:.2f})"
        elif state.used[index] > 1:
            text = "stood still"
        text = text.replace("-", "−")
        draw.text(
            (_COLUMN, top),
            parts.fitted(draw, text, self._type(13), _RIGHT - _COLUMN),
            font=self._type(13),
            fill=parts.INK,
        )
        if state.last_move[index, 3] > 0:
            note = "shortened: an axis would have left its range"
            draw.text((_COLUMN, top + 17), note, font=self._type(12), fill=parts.VERMILION)

    def _draw_axes(self, draw: ImageDraw.ImageDraw, axes: tuple[Axis, ...], positions: Float64Array) -> None:
        y = 262
        draw.text((_COLUMN, y - 4), "axes, within their travel", font=self._type(12), fill=parts.MUTED)
        for i, axis in enumerate(axes):
            self._draw_axis(draw, y + 18 + i * _AXIS_ROW, axis, float(positions[i]))

    def _draw_axis(self, draw: ImageDraw.ImageDraw, y: int, axis: Axis, position: float) -> None:
        unit = "°" if axis.kind == "rotation" else " mm"
        left, right = _COLUMN + 78, _RIGHT - 74
        name = parts.fitted(draw, axis.name.replace("_", " "), self._type(13), left - _COLUMN - 6)
        draw.text((_COLUMN, y), name, font=self._type(13), fill=parts.INK)
        value = f"{position:.2f}{unit}".replace("-", "−")
        draw.text((_RIGHT, y), value, font=self._type(13), fill=parts.INK, anchor="ra")
        low, high = axis.limits
        place = left + (right - left) * (position - low) / (high - low)
        start = left + (right - left) * float(np.clip(-low / (high - low), 0, 1))
        draw.rectangle((left, y + 5, right, y + 10), fill=parts.SHADE)
        draw.rectangle((min(start, place), y + 5, max(start, place), y + 10), fill=parts.LINE)
        draw.line((start, y + 3, start, y + 12), fill=parts.MUTED)
        draw.rectangle((place - 2, y + 1, place + 2, y + 14), fill=parts.INK)
        for x, limit, anchor in ((left, low, "la"), (right, high, "ra")):
            text = f"{limit:g}{unit}".replace("-", "−")
            draw.text((x, y + 15), text, font=self._type(9), fill=parts.MUTED, anchor=anchor)

    def _draw_legend(self, picture: Image.Image, draw: ImageDraw.ImageDraw, lit: int | None, total: int) -> None:
        top = 504
        draw.line((_COLUMN, top, _RIGHT, top), fill=parts.LINE)
        canvas = np.full((72, 20, 3), 255, dtype=np.float32)
        parts.draw_blob(canvas, 9, 9, 3.0, 1.0)
        parts.draw_ring(canvas, 9, 33, 7, 2.2, parts.BLUE)
        parts.draw_ring(canvas, 9, 57, 7, 1.3, parts.VERMILION)
        picture.paste(Image.fromarray(canvas.astype(np.uint8)), (_COLUMN, top + 6))
        count = "" if lit is None else f": {lit} of {total}"
        missing = "" if lit is None else f": {total - lit}"
        lines = ("as found", f"of the target, a spot inside{count}", f"of the target, none inside{missing}")
        for i, text in enumerate(lines):
            draw.text((_COLUMN + 28, top + 7 + 24 * i), text, font=self._type(12), fill=parts.INK)


def _radii(expected: Marks) -> Float64Array:
    """Return the radii of the circles, pixels: brighter spots have larger ones."""
    radii: Float64Array = 5.0 + 5.0 * np.clip((expected.brightness.astype(np.float64) - 0.5) / 0.5, 0.0, 1.0)
    return radii


def _inside(expected: Marks, found: Marks | None) -> NDArray[np.bool_]:
    """Return (m,): whether a found spot lies inside each circle."""
    if found is None or not len(found.position):
        return np.zeros(len(expected.position), dtype=np.bool_)
    away = np.linalg.norm(expected.position[:, None] - found.position[None], axis=-1).min(axis=1)
    lit: NDArray[np.bool_] = away <= _radii(expected)
    return lit


def _gauge_x(angle_deg: float) -> float:
    bounded = min(max(angle_deg, _SMALLEST_DEG), _LARGEST_DEG)
    return _COLUMN + (_RIGHT - _COLUMN) * float(np.log(bounded / _SMALLEST_DEG) / np.log(_LARGEST_DEG / _SMALLEST_DEG))


def _degrees(angle: float) -> str:
    if not np.isfinite(angle):
        return "unreachable"
    return f"{angle:.3f}°" if angle < 1 else f"{angle:.2f}°" if angle < 10 else f"{angle:.1f}°"


def _status(declared: bool, spent: bool, inside: bool) -> str:
    if declared:
        return "declared: aligned" if inside else "declared: missed"
    if spent:
        return "budget spent"
    return "within tolerance" if inside else "aligning"


def _lab_name(direction: Float64Array) -> str:
    """Return the lab axis a direction points along, "+y" or "−z"; oblique ones by their components."""
    largest = int(np.argmax(np.abs(direction)))
    if abs(direction[largest]) < 0.999:
        return "(" + ", ".join(f"{part:.2f}" for part in direction).replace("-", "−") + ")"
    return ("+" if direction[largest] > 0 else "−") + "xyz"[largest]
