"""Pictures of a PlateScan episode: the plate, where the beam has been, what is known of each crystal, and the time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.loop import EpisodeLoop
from beamgym.envs.plate_scan.context import ScanContext
from beamgym.envs.plate_scan.outline_table import DIRECTIONS
from beamgym.envs.plate_scan.state import ScanState
from beamgym.envs.plate_scan.task import known_of
from beamgym.physics.instrument import World

_INK, _QUIET = "#181c22", "#8c939e"
_COLOURS = {  # Okabe & Ito (2008)
    "not visited": "#ffffff",
    "looked at": "#f0e442",
    "indexed": "#56b4e9",
    "several grains": "#cc79a7",
    "given up": "#c3c8d0",
}
_RIGHT, _WRONG, _BEAM = "#009e73", "#d55e00", "#d55e00"
_INCHES, _DPI = (9.6, 5.4), 100


class ScanRenderer:
    """Draws a PlateScan episode.

    Parameters
    ----------
    context : the public side of the task
    """

    def __init__(self, context: ScanContext) -> None:
        self.context = context

    def draw(self, loop: EpisodeLoop[ScanState], sample: int = 0) -> NDArray[np.uint8]:
        """Return a (540, 960, 3) uint8 picture of one plate; in simulation a dot says what is right and what wrong."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        if loop.state is None:
            raise ValueError("no episode is running; call reset() before render()")
        figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor="white")
        canvas: Any = FigureCanvasAgg(figure)
        truth = loop.instrument.truth() if isinstance(loop.instrument, World) else None
        known = None if truth is None else known_of(loop.state, truth)[sample]
        self._plate(figure.add_axes((0.03, 0.05, 0.53, 0.84)), loop.state, sample, known)
        self._bars(figure.add_axes((0.71, 0.60, 0.26, 0.26)), loop.state, sample, known)
        self._legend(figure.add_axes((0.62, 0.08, 0.36, 0.40)), truth is not None)
        figure.text(0.03, 0.94, self._headline(loop.state, sample, known), color=_INK, fontsize=13, va="center")
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def _headline(self, state: ScanState, sample: int, known: Any) -> str:
        many = int(state.plates.present[sample].sum())
        text = f"{self.context.material}, {many} crystals: {int(state.believed[sample].sum())} indexed"
        if known is not None:
            text += f", {int((known & state.believed[sample]).sum())} of them known to 0.2°"
        return f"{text}; {state.used[sample]} frames, {state.spent_s[sample]:.0f} s"

    def _plate(self, axes: Any, state: ScanState, sample: int, known: Any) -> None:
        angles = 2.0 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
        ray = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        believed = state.believed[sample]
        for k in np.flatnonzero(state.plates.present[sample]).tolist():
            centre = state.plates.centre_mm[sample, k]
            corners = centre + state.plates.reach_mm[sample, k][:, None] * ray
            here = k == state.crystal[sample]
            edge, wide = (_BEAM, 2.2) if here else (_INK, 0.9)
            axes.fill(*corners.T, facecolor=_COLOURS[_word(state, sample, k)], edgecolor=edge, linewidth=wide)
            if state.looks[sample, k]:
                axes.annotate(f"{state.looks[sample, k]}", centre, ha="center", va="center", fontsize=8, color=_INK)
            if known is not None and believed[k]:
                low = centre - [0.0, 0.62 * state.plates.reach_mm[sample, k].min()]
                axes.plot(*low, "o", color=_RIGHT if known[k] else _WRONG, markersize=5)
        axes.plot(*state.positions[sample, :2], "+", color=_BEAM, markersize=11, markeredgewidth=2.0)
        low, high = self.context.limits_mm.T
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal", xticks=[], yticks=[])
        for side in axes.spines.values():
            side.set_color(_QUIET)

    def _bars(self, axes: Any, state: ScanState, sample: int, known: Any) -> None:
        share = state.plates.mass_share[sample]
        rows = [
            ("beam time", state.spent_s[sample] / self.context.beam_time_s, _QUIET),
            ("mass indexed", float(share[state.believed[sample]].sum()), _COLOURS["indexed"]),
        ]
        if known is not None:
            rows.append(("known to 0.2°", float(share[known & state.believed[sample]].sum()), _RIGHT))
        names, values, colours = zip(*rows, strict=True)
        axes.barh(range(len(rows)), values, color=colours, height=0.6)
        axes.set(yticks=range(len(rows)), yticklabels=names, xlim=(0.0, 1.0), xlabel="share")
        axes.invert_yaxis()
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)

    @staticmethod
    def _legend(axes: Any, simulated: bool) -> None:
        axes.set_axis_off()
        axes.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0))
        lines = list(_COLOURS.items())
        for k, (word, colour) in enumerate(lines):
            axes.scatter([0.06], [0.95 - 0.13 * k], marker="s", s=110, color=colour, edgecolor=_INK, linewidth=0.8)
            axes.text(0.13, 0.95 - 0.13 * k, word, va="center", fontsize=10, color=_INK)
        axes.text(0.02, 0.30, "numbers: frames taken; cross: the beam", va="center", fontsize=10, color=_INK)
        if simulated:
            for k, (word, colour) in enumerate((("known to 0.2°", _RIGHT), ("believed, and wrong", _WRONG))):
                axes.plot([0.06], [0.17 - 0.13 * k], "o", color=colour, markersize=6)
                axes.text(0.13, 0.17 - 0.13 * k, word, va="center", fontsize=10, color=_INK)


def _word(state: ScanState, sample: int, k: int) -> str:
    if state.given_up[sample, k]:
        return "given up"
    if state.several[sample, k]:
        return "several grains"
    if state.indexed[sample, k]:
        return "indexed"
    return "looked at" if state.looks[sample, k] else "not visited"
