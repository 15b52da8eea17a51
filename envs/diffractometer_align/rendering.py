"""Pictures of a DiffractometerAlign episode: the last scan, what was found, the candidates and the beam time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.diffractometer_align.context import MACROS, DiffractometerContext
from beamgym.envs.diffractometer_align.state import AlignScanState
from beamgym.envs.loop import EpisodeLoop
from beamgym.physics.diffractometer import scattering_vectors

_INK, _QUIET, _FOUND, _LOOK = "#181c22", "#8c939e", "#009e73", "#0072b2"
_INCHES, _DPI = (9.6, 5.4), 100


class AlignScanRenderer:
    """Draws a DiffractometerAlign episode.

    Parameters
    ----------
    context : the public side of the task
    """

    def __init__(self, context: DiffractometerContext) -> None:
        self.context = context

    def draw(self, loop: EpisodeLoop[AlignScanState], sample: int = 0) -> NDArray[np.uint8]:
        """Return a (540, 960, 3) uint8 picture of one diffractometer."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        if loop.state is None:
            raise ValueError("no episode is running; call reset() before render()")
        figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor="white")
        canvas: Any = FigureCanvasAgg(figure)
        state = loop.state
        figure.text(0.04, 0.945, self._headline(state, sample), color=_INK, fontsize=13, va="center")
        self._scan(figure.add_axes((0.08, 0.12, 0.50, 0.70)), state, sample)
        self._sphere(figure.add_axes((0.66, 0.36, 0.31, 0.52)), state, sample)
        self._bars(figure.add_axes((0.73, 0.12, 0.24, 0.17)), state, sample)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def _headline(self, state: AlignScanState, sample: int) -> str:
        belief = state.beliefs[sample]
        total = int(state.frame.counts[sample].sum())
        what = f"{total} counts" if state.what[sample] < 0 else MACROS[int(state.what[sample])]
        text = f"{self.context.material}: {what}; {len(belief.centred)} reflections centred"
        if belief.decided:
            text += f"; UB decided, stated error {belief.error_deg:.2f}°"
        return f"{text}; {state.spent_s[sample]:.0f} s"

    @staticmethod
    def _scan(axes: Any, state: AlignScanState, sample: int) -> None:
        frame, p = state.frame, int(state.frame.points[sample])
        rate = frame.counts[sample, :p] / np.maximum(frame.count_s[sample, :p], 1e-9)
        axes.step(np.arange(p), 1.0 + rate, where="mid", color=_INK, linewidth=1.2)
        axes.set(yscale="log", xlabel="point of the last scan", ylabel="1 + counts per second", ylim=(0.8, 2e6))
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)

    def _sphere(self, axes: Any, state: AlignScanState, sample: int) -> None:
        """Directions of reflections in the mount frame, upper half, equal area."""
        belief = state.beliefs[sample]
        turn = np.linspace(0.0, 2.0 * np.pi, 181)
        axes.plot(np.cos(turn), np.sin(turn), color=_QUIET, linewidth=1.0)
        for places, colour, marker, label in (
            (belief.centred, _FOUND, "o", "centred"),
            (belief.looks, _LOOK, "x", "to look at"),
        ):
            if len(places):
                q = scattering_vectors(self.context.instrument, places, self.context.beam.wavelength_a)[0]
                unit = q / np.linalg.norm(q, axis=1)[:, None]
                unit *= np.where(unit[:, 2:] < 0.0, -1.0, 1.0)
                flat = unit[:, :2] / np.sqrt(1.0 + unit[:, 2:])
                axes.scatter(*flat.T, color=colour, marker=marker, s=40, label=label)
        axes.set(aspect="equal", xticks=[], yticks=[], xlim=(-1.1, 1.1), ylim=(-1.1, 1.1))
        axes.set_title("directions in the mount frame, ±", fontsize=9, color=_INK)
        if len(belief.centred) or len(belief.looks):
            axes.legend(loc="lower left", fontsize=8, frameon=False)
        for side in axes.spines.values():
            side.set_visible(False)

    def _bars(self, axes: Any, state: AlignScanState, sample: int) -> None:
        first = float(state.beliefs[sample].probabilities[0])
        spent = float(state.spent_s[sample] / self.context.beam_time_s)
        axes.barh([0, 1], [spent, first], color=[_QUIET, _FOUND], height=0.6)
        axes.set(yticks=[0, 1], yticklabels=["beam time", "best candidate"], xlim=(0.0, 1.0))
        axes.invert_yaxis()
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
