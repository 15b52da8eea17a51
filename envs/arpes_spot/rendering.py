"""Pictures of an ArpesSpot episode: true map with the path, last spectrum, scores so far."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.arpes_spot.context import SpotContext
from beamgym.envs.arpes_spot.state import SpotState
from beamgym.envs.loop import EpisodeLoop
from beamgym.physics.arpes.simulator import SimulatedArpes
from beamgym.physics.instrument import Float64Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INK, _QUIET, _PATH, _PRESENT = "#181c22", "#8c939e", "#0072b2", "#d55e00"  # blue and vermilion: Okabe & Ito (2008)
_INCHES, _DPI = (9.6, 5.4), 100
_MAP, _BAR = (0.085, 0.11, 0.41, 0.729), (0.503, 0.11, 0.012, 0.729)  # left, bottom, width, height of the figure
_SPECTRUM, _SCORES = (0.655, 0.485, 0.325, 0.354), (0.655, 0.11, 0.325, 0.22)
_HIGH = 8.5  # points above which there is no room over a line for its label


class SpotRenderer:
    """Draws an ArpesSpot episode.

    Parameters
    ----------
    context : the public side of the task
    """

    def __init__(self, context: SpotContext) -> None:
        self.context = context

    def draw(self, loop: EpisodeLoop[SpotState], sample: int = 0) -> NDArray[np.uint8]:
        """Return a (540, 960, 3) uint8 picture of one sample: map and path, spectrum, score trace."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        canvas: Any = FigureCanvasAgg(self.figure(loop, sample))
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def figure(self, loop: EpisodeLoop[SpotState], sample: int = 0) -> "Figure":
        """Return the same as a matplotlib figure, to be written as PDF; raises ValueError before the first reset."""
        from matplotlib.figure import Figure

        if loop.state is None:
            raise ValueError("no episode is running; call reset() before render()")
        figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor="white")
        state, world = loop.state, loop.instrument
        known = world if isinstance(world, SimulatedArpes) else None
        steps = min(int(state.used[sample]), state.trace.shape[1])
        trace = np.roll(state.trace[sample], -int(state.used[sample]), axis=0)[-steps:].astype(np.float64)
        self._map(figure.add_axes(_MAP), figure.add_axes(_BAR), known, sample, trace)
        self._spectrum(figure.add_axes(_SPECTRUM), state.spectrum[sample, ..., 0])
        threshold = None if known is None else float(known.truth()["threshold"][sample])
        self._scores(figure.add_axes(_SCORES), trace, int(state.used[sample]), threshold)
        figure.text(0.02, 0.94, self._headline(state, sample, known), color=_INK, fontsize=13, va="center")
        return figure

    def _headline(self, state: SpotState, sample: int, known: SimulatedArpes | None) -> str:
        left = max(self.context.beam_time_s - float(state.spent_s[sample]), 0.0)
        text = f"{state.used[sample]} spectra, {left:.0f} s of beam time left"
        if known is None:
            return text
        truth = known.truth()
        score, best = float(truth["place_score"][sample]), float(truth["best"][sample])
        word = "among the best" if score >= truth["threshold"][sample] else "not among the best"
        # The best is that of a grid of places; between them there may be a slightly better one.
        return f"{text}: here {score:.2f} of {max(best, score):.2f} points, {word}"

    def _map(self, axes: Any, bar: Any, known: SimulatedArpes | None, sample: int, trace: Float64Array) -> None:
        low, high = self.context.stage.limits_mm.T
        if known is not None:
            drawn = known.score_map(sample)
            half = 0.5 * known.geography(sample).field_mm
            extent = (-half, half, -half, half)
            shown = axes.imshow(drawn.points, origin="lower", extent=extent, cmap="cividis", vmin=0, vmax=10)
            axes.figure.colorbar(shown, cax=bar, label="points (noise-free, 2 s)")
            best = np.where(np.isfinite(drawn.points), drawn.points, -1.0) >= drawn.threshold
            axes.contour(best, levels=[0.5], extent=extent, colors=[_PRESENT], linewidths=1.4, zorder=3)
        else:
            bar.set_axis_off()
        axes.plot(trace[:, 0], trace[:, 1], "-", color="white", linewidth=1.6)
        axes.plot(trace[:, 0], trace[:, 1], ".-", color=_PATH, linewidth=0.7, markersize=4)
        here = {"color": _PRESENT, "markersize": 8, "markeredgecolor": "white", "zorder": 4}
        axes.plot(trace[-1:, 0], trace[-1:, 1], "o", **here)
        title = (
            "path on the stage" if known is None else "path on the true map (simulation only); outlined: best places"
        )
        axes.set_title(title, fontsize=9.5)
        axes.set(xlabel="x / mm", ylabel="y / mm", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        axes.set_aspect("equal")

    def _spectrum(self, axes: Any, spectrum: NDArray[np.uint8]) -> None:
        energy, slit = self.context.grid.energy_ev, self.context.grid.slit_deg
        extent = (slit[0], slit[-1], energy[0], energy[-1])
        axes.imshow(spectrum, origin="lower", extent=extent, cmap="magma", vmin=0, vmax=255, aspect="auto")
        axes.set_title("last spectrum, √counts", fontsize=10)
        axes.set(xlabel="slit angle / °", ylabel=r"$E - E_\mathrm{F}$ / eV")

    def _scores(self, axes: Any, trace: Float64Array, used: int, threshold: float | None) -> None:
        number = np.arange(used - len(trace) + 1, used + 1)
        axes.plot(number, trace[:, 2], ".", color=_PATH, label="scored at its own dwell")
        axes.plot(number, np.maximum.accumulate(trace[:, 2]), "-", color=_INK, linewidth=1.0, label="best so far")
        if threshold is not None:
            axes.axhline(threshold, color=_PRESENT, linewidth=1.0, linestyle="--")
            above = threshold < _HIGH
            place = {"xy": (1.0, threshold), "xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
            side = {"xytext": (0, 3 if above else -3), "ha": "right", "va": "bottom" if above else "top"}
            axes.annotate("needed, noise-free at 2 s", color=_PRESENT, fontsize=8, **place, **side)
        axes.set(xlabel="spectrum", ylabel="points", ylim=(0.0, 10.0), xlim=(0.5, max(used, 10) + 0.5))
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False, fontsize=8, borderaxespad=0.2)
        for edge in ("top", "right"):
            axes.spines[edge].set_visible(False)
