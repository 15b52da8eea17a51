"""Pictures of an ArpesAlign episode: the last cut, the constant-energy map, where the axes stand."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.arpes_align.context import ArpesAlignContext
from beamgym.envs.arpes_align.state import PoseAlignState
from beamgym.envs.loop import EpisodeLoop
from beamgym.physics.arpes.aligning import POSE

_INK, _QUIET, _ASKED = "#181c22", "#8c939e", "#009e73"
_INCHES, _DPI = (9.6, 5.4), 100


class PoseRenderer:
    """Draws an ArpesAlign episode.

    Parameters
    ----------
    context : the public side of the task
    """

    def __init__(self, context: ArpesAlignContext) -> None:
        self.context = context

    def draw(self, loop: EpisodeLoop[PoseAlignState], sample: int = 0) -> NDArray[np.uint8]:
        """Return a (540, 960, 3) uint8 picture of one sample; raises ValueError before the first reset."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        if loop.state is None:
            raise ValueError("no episode is running; call reset() before render()")
        figure, state = Figure(figsize=_INCHES, dpi=_DPI, facecolor="white"), loop.state
        canvas: Any = FigureCanvasAgg(figure)
        told = f"{self.context.told.name}: {self.context.direction} along the slit"
        spent = f"{state.used[sample]} cuts, {state.spent_s[sample]:.0f} of {self.context.beam_time_s:.0f} s"
        figure.text(0.04, 0.945, f"{told}; {spent}", color=_INK, fontsize=13, va="center")
        self._cut(figure.add_axes((0.08, 0.12, 0.38, 0.72)), state, sample)
        self._map(figure.add_axes((0.55, 0.52, 0.42, 0.32)), state, sample)
        self._axes(figure.add_axes((0.60, 0.12, 0.37, 0.27)), state, sample)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def _cut(self, axes: Any, state: PoseAlignState, sample: int) -> None:
        energy, slit = self.context.grid.energy_ev, self.context.grid.slit_deg
        extent = (slit[0], slit[-1], energy[0], energy[-1])
        axes.imshow(np.sqrt(state.counts[sample]), origin="lower", extent=extent, cmap="magma", aspect="auto")
        axes.axvline(0.0, color=_ASKED, linewidth=1.0, linestyle="--")
        axes.set_title("last cut, √counts; dashed: where Γ is to be", fontsize=10)
        axes.set(xlabel="slit angle / °", ylabel=r"$E - E_\mathrm{F}$ / eV")

    def _map(self, axes: Any, state: PoseAlignState, sample: int) -> None:
        slit = self.context.grid.slit_deg
        extent = (slit[0], slit[-1], -15.5, 15.5)
        axes.imshow(np.sqrt(state.map[sample]), origin="lower", extent=extent, cmap="magma", aspect="auto")
        axes.axhline(state.positions[sample, 3], color=_QUIET, linewidth=1.0)
        axes.set_title("at -0.4 eV, of the cuts since tilt or azimuth turned", fontsize=10)
        axes.set(xlabel="slit angle / °", ylabel="polar / °")

    def _axes(self, axes: Any, state: PoseAlignState, sample: int) -> None:
        pose = state.positions[sample, :6]
        axes.barh(np.arange(6), self.context.fractions(pose), color=_QUIET, height=0.6)
        units = ("mm", "mm", "mm", "°", "°", "°")
        labels = [f"{name} {value:.2f} {unit}" for name, value, unit in zip(POSE, pose, units, strict=True)]
        axes.set(yticks=np.arange(6), yticklabels=labels, xlim=(-1.0, 1.0), xlabel="in the travel")
        axes.invert_yaxis()
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
