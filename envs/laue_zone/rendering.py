"""Pictures of a LaueZone episode: the film, where the axes really stand, and what the motors did."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.laue_zone.task import ZoneContext, ZoneState
from beamgym.envs.loop import EpisodeLoop
from beamgym.envs.task import Truth
from beamgym.physics.instrument import Float64Array, World
from beamgym.physics.laue.zone import PANEL_HOLE_MM

_INK, _QUIET, _GOAL, _PRESENT = "#181c22", "#8c939e", "#0072b2", "#d55e00"  # blue and vermilion: Okabe & Ito (2008)
_INCHES, _DPI = (9.6, 5.4), 100


class ZoneRenderer:
    """Draws a LaueZone episode.

    Parameters
    ----------
    context : the public side of the task
    """

    def __init__(self, context: ZoneContext) -> None:
        self.context = context

    def draw(self, loop: EpisodeLoop[ZoneState], sample: int = 0) -> NDArray[np.uint8]:
        """Return a (540, 960, 3) uint8 picture of one sample: film, pole figure, axes and verdict."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        if loop.state is None:
            raise ValueError("no episode is running; call reset() before render()")
        figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor="white")
        canvas: Any = FigureCanvasAgg(figure)
        world = loop.instrument
        truth = {name: value[sample] for name, value in world.truth().items()} if isinstance(world, World) else None
        self._image(figure.add_axes((0.06, 0.11, 0.43, 0.76)), loop.state.image[sample, ..., 0])
        self._poles(figure.add_axes((0.57, 0.40, 0.40, 0.47)), truth)
        self._motors(figure.add_axes((0.63, 0.12, 0.31, 0.16)), loop.state.positions[sample])
        figure.text(0.06, 0.94, self._headline(loop.state, sample, truth), color=_INK, fontsize=13, va="center")
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def _headline(self, state: ZoneState, sample: int, truth: Truth | None) -> str:
        moves = f"{self.context.system.name}, move {state.used[sample] - 1} of {self.context.moves}"
        if truth is None:
            return moves
        error = self.context.error_deg(truth["orientation"][None], truth["cell"][None])[0]
        what = "axis" if self.context.system.has_axes else "strongest zone"
        word = "inside" if error <= self.context.tolerance_deg else "outside"
        return f"{moves}: nearest {what} {error:.1f}° off the beam, {word} {self.context.tolerance_deg:g}°"

    def _image(self, axes: Any, image: NDArray[np.uint8]) -> None:
        half = 0.5 * self.context.detector.pixel_mm * self.context.detector.shape[0]
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, extent=(-half, half, -half, half), interpolation="nearest")
        distance = self.context.detector.distance_mm
        ring = distance * np.tan(np.radians(2.0 * self.context.tolerance_deg))
        _circle(axes, PANEL_HOLE_MM, _QUIET, "-")
        _circle(axes, ring, _GOAL, "--")
        axes.set(
            title="film, seen from the sample", xlabel="y / mm", ylabel="z / mm", xlim=(-half, half), ylim=(-half, half)
        )

    def _poles(self, axes: Any, truth: Truth | None) -> None:
        """Stereographic projection against the beam of every axis line, the principal ones large."""
        _circle(axes, 1.0, _QUIET, "-")
        _circle(axes, np.tan(np.radians(0.5 * self.context.tolerance_deg)), _GOAL, "--")
        axes.plot([0], [0], "+", color=_PRESENT, markersize=10)
        if truth is not None:
            cell = truth["cell"][None]
            wanted = self.context.lines(cell).shape[1]
            for number, line in enumerate(self.context.system.lines(cell, "all")[0]):
                y, z = _projected(truth["orientation"] @ line)
                counts = number < wanted
                axes.plot([y], [z], "o", color=_GOAL if counts else _QUIET, markersize=8 if counts else 4)
        what = "symmetry axes" if self.context.system.has_axes else "strongest zone"
        axes.set(title=f"{what} about the beam (simulation only)", xlim=(-1.05, 1.05), ylim=(-1.05, 1.05))
        axes.set_aspect("equal")
        axes.axis("off")

    def _motors(self, axes: Any, positions: Float64Array) -> None:
        names = [
            f"{axis.name} {place:+.1f}°" for axis, place in zip(self.context.goniometer.axes, positions, strict=True)
        ]
        for row, (axis, place) in enumerate(zip(self.context.goniometer.axes, positions, strict=True)):
            axes.plot(axis.limits, [row, row], color=_QUIET, linewidth=2, solid_capstyle="round")
            axes.plot([place], [row], "o", color=_PRESENT, markersize=8)
        axes.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5), xlabel="travel / °")
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)


def _circle(axes: Any, radius: float, colour: str, style: str) -> None:
    angle = np.linspace(0.0, 2.0 * np.pi, 181)
    axes.plot(radius * np.cos(angle), radius * np.sin(angle), style, color=colour, linewidth=1.2)


def _projected(direction: Float64Array) -> tuple[float, float]:
    """Return (y, z) of the stereographic projection of a line from the hemisphere that faces the film."""
    x, y, z = -direction if direction[0] > 0 else direction
    return float(y / (1.0 - x)), float(z / (1.0 - x))
