"""The last frame of an episode: found spots, where they lie by the truth, and where by what the policy believed."""

import os

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from beamgym.physics.arrays import Float64Array
from beamgym.physics.files import replacing
from beamgym.scripts.laue_gallery.replay import Replayed

SHOWN = 64
"""Rays drawn, brightest first."""
INCHES, DPI = (4.2, 4.7), 100
TRUE, BELIEVED = "#0072b2", "#d55e00"
"""Okabe and Ito's blue and vermilion."""


def write_picture(episode: Replayed, title: str, path: str | os.PathLike[str]) -> None:
    """Write the picture as a PNG of 420 × 470 pixels, whole or not at all.

    Parameters
    ----------
    episode : replayed
    title : above it; may have two lines
    path : ends in .png
    """
    figure = Figure(figsize=INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _draw_frame(axes, episode)
    _draw_rays(axes, episode.rays_px(episode.true), "s", TRUE, "by the truth", 8.0)
    if episode.believed is not None:
        _draw_rays(axes, episode.rays_px(episode.believed), "o", BELIEVED, "as believed", 11.0)
    axes.set_title(title, fontsize=8)
    axes.set_xticks([])
    axes.set_yticks([])
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    with replacing(path) as draft:
        figure.savefig(draft, format="png", dpi=DPI)


def _draw_frame(axes: Axes, episode: Replayed) -> None:
    rows, columns = episode.panel.shape
    if episode.image is not None:
        # Of a panel that is not square the image is; it is drawn over the panel.
        axes.imshow(
            episode.image,
            cmap="gray_r",
            vmin=20,
            vmax=255,
            extent=(-0.5, columns - 0.5, rows - 0.5, -0.5),
            aspect="auto",
        )
    axes.plot(*episode.found_px.T, "ko", ms=2.6, mec="white", mew=0.4, label="found")
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_aspect("equal")


def _draw_rays(axes: Axes, rays_px: Float64Array, mark: str, colour: str, label: str, size: float) -> None:
    axes.plot(*rays_px[:SHOWN].T, mark, mfc="none", mec=colour, ms=size, mew=0.9, ls="none", label=label)
