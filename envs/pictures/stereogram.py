"""A stereographic projection of a crystal's planes: what was found, and the low-indexed poles, about the beam."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from beamgym.envs.pictures.overlay import format_hkl
from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.laue.indexing import Indexed

NET_DEG = (30.0, 60.0)
POLES_SHOWN = 26
"""Low-indexed poles that are drawn at most, those of the smallest indices first."""
NAME_SIZE = np.array([0.32, 0.10])
"""Width and height of a pole's name with its square; the circle's radius is 1. A pole whose name would lie on another's
is left out."""


def projected(direction: Float64Array) -> Float64Array:
    """Project unit directions (n, 3) of the lab that point towards the source.

    Returns
    -------
    (n, 2) places in the unit circle, to the right and up, for an eye at the source that looks along the beam: up is up,
    and what lies to the left of the beam is at the left. NaN for those that point downstream
    """
    towards = -direction[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        places = np.stack([-direction[:, 1], direction[:, 2]], axis=1) / (1.0 + towards)[:, None]
    return np.where(towards[:, None] >= -1e-9, places, np.nan)


def draw_stereogram(axes: Axes, crystal: Crystal, indexed: Indexed) -> None:
    """Draw the net, the poles of the indexed peaks, the low-indexed poles with their names, and c."""
    axes.set_xlim(-1.17, 1.17)
    axes.set_ylim(-1.17, 1.17)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.add_patch(Circle((0.0, 0.0), 1.0, fill=False, color="#181c22", lw=1.0))
    for degrees in NET_DEG:
        radius = float(np.tan(np.radians(degrees) / 2.0))
        axes.add_patch(Circle((0.0, 0.0), radius, fill=False, color="#ced2d8", lw=0.6))
        axes.text(0.0, -radius, f"{degrees:.0f}°", fontsize=5.5, color="#5c636e", ha="center", va="center")
    axes.plot([-1, 1], [0, 0], color="#ced2d8", lw=0.5, zorder=0)
    axes.plot([0, 0], [-1, 1], color="#ced2d8", lw=0.5, zorder=0)
    for x, y, word in ((0.0, 1.1, "up (z)"), (-1.06, 0.0, "left (y)")):
        axes.text(x, y, word, fontsize=7, ha="center", va="center", rotation=90 * (x < 0))
    axes.plot(0.0, 0.0, "x", color="#2ca02c", ms=6, mew=1.4, label="beam")
    found = _towards_source(crystal.plane_normal(indexed.hkl[indexed.assigned]) @ indexed.orientation.T)
    axes.plot(*projected(found).T, "o", color="#1f77b4", ms=2.4, label="planes found")
    _draw_poles(axes, crystal, indexed.orientation)
    c = _towards_source((crystal.direction([0, 0, 1]) @ indexed.orientation.T)[None])
    axes.plot(*projected(c).T, "*", color="#d55e00", ms=9, mec="white", mew=0.5, label="c axis [0 0 1]", zorder=6)


def _draw_poles(axes: Axes, crystal: Crystal, orientation: Float64Array) -> None:
    hkl = np.array([[h, k, m] for h in range(-2, 3) for k in range(-2, 3) for m in range(-2, 3)])
    hkl = hkl[np.gcd.reduce(hkl, axis=1) == 1]
    normal = crystal.plane_normal(hkl) @ orientation.T
    places = projected(normal)
    order = np.lexsort([-crystal.d_spacing_a(hkl).round(6), np.abs(hkl).sum(axis=1)])
    named: list[Float64Array] = []
    for n in order:
        if len(named) == POLES_SHOWN:
            break
        if not np.isfinite(places[n]).all():
            continue
        left = places[n][0] > 0.75
        name = places[n] + np.array([-0.5 if left else 0.5, 0.3]) * NAME_SIZE
        if any((np.abs(name - other) < NAME_SIZE).all() for other in named):
            continue
        named.append(name)
        axes.plot(*places[n], "s", mfc="none", mec="#7a0c0c", ms=4.5, mew=0.9)
        axes.annotate(
            format_hkl(hkl[n]),
            places[n],
            xytext=(-4 if left else 4, 2),
            textcoords="offset points",
            fontsize=6.5,
            color="#7a0c0c",
            ha="right" if left else "left",
            bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.4},
            zorder=7,
        )
    axes.plot([], [], "s", mfc="none", mec="#7a0c0c", ms=4.5, label="plane normals (hkl)")


def _towards_source(direction: Float64Array) -> Float64Array:
    turned: Float64Array = np.where(direction[:, :1] > 0.0, -direction, direction)
    return turned
