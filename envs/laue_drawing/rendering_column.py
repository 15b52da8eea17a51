"""The right half of a LaueAlign picture: error, last move, budget left, and axis positions."""

import numpy as np
from PIL import Image, ImageDraw

from beamgym.envs.laue_align import AlignContext, AlignState
from beamgym.envs.pictures import parts
from beamgym.physics.instrument import Axis, Float64Array, Frame

LEFT, RIGHT = 596, 884
_AXIS_ROW = 33  # height of one axis, pixels; six fit
_SMALLEST_DEG, _LARGEST_DEG = 0.01, 180.0  # ends of the logarithmic scale of the error


class ColumnDrawing:
    """Draws the right-hand column.

    Parameters
    ----------
    context : the public side of the task
    typeface : fonts by size
    """

    def __init__(self, context: AlignContext, typeface: parts.Type) -> None:
        self.context, self._type = context, typeface

    def headline(self, draw: ImageDraw.ImageDraw) -> None:
        """Name the crystal, the goniometer and the target."""
        width = RIGHT - LEFT
        name, room = self.context.crystal.name, 0.66 * width
        size = next((size for size in (20, 17, 14) if draw.textlength(name, self._type(size, True)) <= room), 12)
        text = parts.fitted(draw, name, self._type(size, True), room)
        draw.text((LEFT, 8 + 20 - size), text, font=self._type(size, True), fill=parts.INK)
        head = parts.fitted(draw, self.context.goniometer.name, self._type(13), 0.32 * width)
        draw.text((RIGHT, 14), head, font=self._type(13), fill=parts.MUTED, anchor="ra")
        label = parts.fitted(draw, f"{self.context.target.kind}: {self.context.target.label}", self._type(12), width)
        draw.text((LEFT, 38), label, font=self._type(12), fill=parts.INK)

    def error(self, draw: ImageDraw.ImageDraw, state: AlignState, orientation: Float64Array | None, index: int) -> None:
        """Write the error by the true ``orientation`` (1, 3, 3), where that is known, and the verdict."""
        tolerance = self.context.tolerance_deg
        title = "misorientation" if self.context.target.kind == "pose" else "angle to the target"
        draw.text((LEFT, 68), title, font=self._type(12), fill=parts.MUTED)
        if orientation is None:
            draw.text((LEFT, 84), "not known here", font=self._type(26, True), fill=parts.MUTED)
            draw.text((LEFT, 120), f"tolerance {tolerance:g}°", font=self._type(12), fill=parts.MUTED)
            return
        goals = None if state.goals is None else state.goals[[index]]
        error = float(self.context.target.error_deg(orientation, goals)[0])
        inside = error <= tolerance
        colour = parts.BLUE if inside else parts.INK
        draw.text((LEFT, 82), _degrees(error), font=self._type(34, True), fill=colour)
        status = _status(bool(state.declared[index]), bool(state.spent[index]), inside)
        draw.text((RIGHT, 84), status, font=self._type(13, True), fill=colour, anchor="ra")
        draw.text((RIGHT, 103), f"tolerance {tolerance:g}°", font=self._type(12), fill=parts.MUTED, anchor="ra")
        self._draw_gauge(draw, 140, error, tolerance, colour)

    def _draw_gauge(
        self, draw: ImageDraw.ImageDraw, y: int, error_deg: float, tolerance_deg: float, colour: parts.Colour
    ) -> None:
        """Draw the misorientation on a logarithmic scale; the tolerance is the filled part."""
        draw.rectangle((LEFT, y, RIGHT, y + 6), fill=parts.SHADE)
        draw.rectangle((LEFT, y, _gauge_x(tolerance_deg), y + 6), fill=parts.BLUE)
        for tick, name in ((0.01, "0.01°"), (0.1, "0.1°"), (1.0, "1°"), (10.0, "10°"), (180.0, "180°")):
            anchor = {0.01: "la", 180.0: "ra"}.get(tick, "ma")
            draw.line((_gauge_x(tick), y + 6, _gauge_x(tick), y + 9), fill=parts.MUTED)
            draw.text((_gauge_x(tick), y + 10), name, font=self._type(10), fill=parts.MUTED, anchor=anchor)
        parts.draw_pointer(draw, _gauge_x(error_deg), y - 1, colour)

    def budget(self, draw: ImageDraw.ImageDraw, state: AlignState, frame: Frame, index: int) -> None:
        """Write the exposures left and the instrument's clock."""
        y, budget, used = 178, self.context.exposures, int(state.used[index])
        text = f"exposures left  {budget - used} of {budget}"
        draw.text((LEFT, y), text, font=self._type(13), fill=parts.INK)
        clock = f"{frame.time_s[index]:.0f} s"
        draw.text((RIGHT, y), clock, font=self._type(13), fill=parts.INK, anchor="ra")
        width = (RIGHT - LEFT) / budget
        gap = 2 if width > 5 else 0
        for i in range(budget):
            box = (LEFT + i * width, y + 20, LEFT + (i + 1) * width - 1 - gap, y + 28)
            draw.rectangle(box, fill=parts.LINE if i < used else parts.MUTED)

    def move(self, draw: ImageDraw.ImageDraw, state: AlignState, index: int) -> None:
        """Write the last move, by the readback, and whether it was shortened."""
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
            (LEFT, top),
            parts.fitted(draw, text, self._type(13), RIGHT - LEFT),
            font=self._type(13),
            fill=parts.INK,
        )
        if state.last_move[index, 3] > 0:
            note = "shortened: an axis would have left its range"
            draw.text((LEFT, top + 17), note, font=self._type(12), fill=parts.VERMILION)

    def axes(self, draw: ImageDraw.ImageDraw, axes: tuple[Axis, ...], positions: Float64Array) -> None:
        """Draw where each axis stands between its limits."""
        y = 262
        draw.text((LEFT, y - 4), "axes, within their travel", font=self._type(12), fill=parts.MUTED)
        for i, axis in enumerate(axes):
            self._draw_axis(draw, y + 18 + i * _AXIS_ROW, axis, float(positions[i]))

    def _draw_axis(self, draw: ImageDraw.ImageDraw, y: int, axis: Axis, position: float) -> None:
        unit = "°" if axis.kind == "rotation" else " mm"
        left, right = LEFT + 78, RIGHT - 74
        name = parts.fitted(draw, axis.name.replace("_", " "), self._type(13), left - LEFT - 6)
        draw.text((LEFT, y), name, font=self._type(13), fill=parts.INK)
        value = f"{position:.2f}{unit}".replace("-", "−")
        draw.text((RIGHT, y), value, font=self._type(13), fill=parts.INK, anchor="ra")
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

    def legend(self, picture: Image.Image, draw: ImageDraw.ImageDraw, lit: int | None, total: int) -> None:
        """Explain the marks; ``lit`` of the ``total`` circles hold a spot."""
        top = 504
        draw.line((LEFT, top, RIGHT, top), fill=parts.LINE)
        canvas = np.full((72, 20, 3), 255, dtype=np.float32)
        parts.draw_blob(canvas, 9, 9, 3.0, 1.0)
        parts.draw_ring(canvas, 9, 33, 7, 2.2, parts.BLUE)
        parts.draw_ring(canvas, 9, 57, 7, 1.3, parts.VERMILION)
        picture.paste(Image.fromarray(canvas.astype(np.uint8)), (LEFT, top + 6))
        count = "" if lit is None else f": {lit} of {total}"
        missing = "" if lit is None else f": {total - lit}"
        lines = ("as found", f"of the target, a spot inside{count}", f"of the target, none inside{missing}")
        for i, text in enumerate(lines):
            draw.text((LEFT + 28, top + 7 + 24 * i), text, font=self._type(12), fill=parts.INK)


def _gauge_x(angle_deg: float) -> float:
    bounded = min(max(angle_deg, _SMALLEST_DEG), _LARGEST_DEG)
    return LEFT + (RIGHT - LEFT) * float(np.log(bounded / _SMALLEST_DEG) / np.log(_LARGEST_DEG / _SMALLEST_DEG))


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
