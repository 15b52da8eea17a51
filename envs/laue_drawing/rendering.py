"""Pictures of a LaueAlign episode, to be read by a crystallographer at one glance.

On the left the pattern as it was found, dark on light, with the pattern of the target as open circles: blue and heavy
where a found spot lies inside, vermilion and light where none does. On the right how far the crystal still is, what was
done, what is left, and where the axes stand within their travel.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from beamgym.envs.laue_align import AlignContext, OneSample
from beamgym.envs.laue_drawing.rendering_column import ColumnDrawing
from beamgym.envs.laue_drawing.rendering_pattern import PatternDrawing, inside
from beamgym.envs.loop import EpisodeLoop
from beamgym.envs.pictures import parts
from beamgym.physics.instrument import Float64Array, World

WIDTH, HEIGHT = 900, 600
_LEFT, _TOP, _EDGE = 16, 28, 556  # the square in which the pattern is fitted, pixels


class LaueRenderer:
    """Draws the present state of a LaueAlign episode, always as (600, 900, 3).

    Parameters
    ----------
    context : the public side of the task
    """

    def __init__(self, context: AlignContext) -> None:
        self.context = context
        self.pattern = PatternDrawing(context, _EDGE)
        self._type = parts.Type()
        self.column = ColumnDrawing(context, self._type)

    def draw(self, loop: EpisodeLoop[Any] | OneSample, index: int = 0) -> NDArray[np.uint8]:
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
        alone = getattr(loop.task, "alone", None)  # of a task with a crystal for each sample
        if alone is not None:
            sample = alone(loop.state, loop.frame, index)
            return LaueRenderer(sample.task.context).draw(sample)
        world = loop.instrument
        orientation = world.truth()["orientation"][[index]] if isinstance(world, World) else None
        expected = self.pattern.expected(loop.state, orientation, index)
        found = self.pattern.found(loop.frame, index)
        lit = inside(expected, found)
        picture = Image.new("RGB", (WIDTH, HEIGHT), parts.PAPER_COLOUR)
        self._place(picture, self.pattern.draw(loop.frame, index, expected, found, lit))
        draw = ImageDraw.Draw(picture)
        self._caption(draw)
        self.column.headline(draw)
        self.column.error(draw, loop.state, orientation, index)
        self.column.budget(draw, loop.state, loop.frame, index)
        self.column.move(draw, loop.state, index)
        self.column.axes(draw, loop.instrument.axes, loop.state.positions[index])
        self.column.legend(picture, draw, None if found is None else int(lit.sum()), len(lit))
        return np.array(picture, dtype=np.uint8)

    def _place(self, picture: Image.Image, pattern: NDArray[np.uint8]) -> None:
        left = _LEFT + (_EDGE - self.pattern.size[1]) // 2
        top = _TOP + (_EDGE - self.pattern.size[0]) // 2
        picture.paste(Image.fromarray(pattern), (left, top))
        frame = (left - 1, top - 1, left + self.pattern.size[1], top + self.pattern.size[0])
        ImageDraw.Draw(picture).rectangle(frame, outline=parts.MUTED)

    def _caption(self, draw: ImageDraw.ImageDraw) -> None:
        detector = self.context.detector
        across, down = (size * detector.pixel_mm for size in (detector.shape[1], detector.shape[0]))
        text = f"{detector.name}, {across:.0f} × {down:.0f} mm at {detector.distance_mm:.0f} mm"
        draw.text((_LEFT, 8), text, font=self._type(12), fill=parts.MUTED)
        axes = f"right: {_lab_name(detector.fast)}   down: {_lab_name(detector.slow)}"
        draw.text((_LEFT + _EDGE, 8), axes, font=self._type(12), fill=parts.MUTED, anchor="ra")


def _lab_name(direction: Float64Array) -> str:
    """Return the lab axis a direction points along, "+y" or "−z"; oblique ones by their components."""
    largest = int(np.argmax(np.abs(direction)))
    if abs(direction[largest]) < 0.999:
        return "(" + ", ".join(f"{part:.2f}" for part in direction).replace("-", "−") + ")"
    return ("+" if direction[largest] > 0 else "−") + "xyz"[largest]
