"""A drawing of a camera: beam, panel, sample, the goniometer's axes with the sense of +, and how its picture lies."""

import os
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes as Plot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from beamgym.physics.arrays import Float64Array
from beamgym.physics.files import replacing
from beamgym.physics.goniometer import Goniometer, sense_words
from beamgym.physics.instrument import Axis
from beamgym.physics.laue.detector import BEAM, Detector
from beamgym.physics.laue.stated_camera import beam_point_px

INK, BEAM_COLOUR, PANEL_COLOUR, F_COLOUR = "#181c22", "#d55e00", "#e6ecf2", "#7a3b9a"
AXIS_COLOURS = ("#0072b2", "#009e73", "#cc3377", "#8a6d00", "#56b4e9", "#555555")
_F = np.array([[-0.5, -1.0], [-0.5, 1.0], [0.6, 1.0], [-0.5, 1.0], [-0.5, 0.1], [0.35, 0.1]])
"""Strokes of a letter F in its own right and up: it looks otherwise in every mirrored or turned picture."""
_UP = np.array([0.0, 0.0, 1.0])
_HEAD = "-|>,head_width=0.35,head_length=0.7"


class _Sight:
    """A parallel projection of the lab: x runs to the right, z up, y away from the eye."""

    def __init__(self, azimuth_deg: float, elevation_deg: float = 24.0) -> None:
        a, e = np.radians([azimuth_deg, elevation_deg])
        towards_eye = np.array([-np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)])
        right = np.cross(_UP, towards_eye)
        self.right = right / np.linalg.norm(right)
        self.up = np.cross(towards_eye, self.right)

    def __call__(self, points: Float64Array) -> Float64Array:
        """Return points (..., 3) as places (..., 2) of the drawing."""
        seen: Float64Array = np.stack([points @ self.right, points @ self.up], axis=-1)
        return seen


def draw_camera(path: str | os.PathLike[str], detector: Detector, head: Goniometer, words: Sequence[str] = ()) -> None:
    """Draw a camera to a PNG that appears whole or not at all.

    Parameters
    ----------
    path : the PNG
    detector : the panel
    head : the axes that carry the sample
    words : lines to stand below, such as the camera as its user stated it
    """
    figure = Figure(figsize=(13.0, 8.4))
    FigureCanvasAgg(figure)
    title = f"{detector.name} camera, {detector.distance_mm:g} mm; head: {head.name} (not to scale)"
    figure.text(0.03, 0.955, title, fontsize=14)
    scene = figure.add_axes((0.005, 0.19, 0.64, 0.75))
    picture = figure.add_axes((0.68, 0.3, 0.28, 0.56))
    _draw_scene(scene, detector, head)
    _draw_picture(picture, detector)
    for row, axis in enumerate(head.axes):
        figure.text(
            0.03,
            0.165 - 0.027 * row,
            f"{axis.name}: {sense_words(axis)}" + (f", {axis.limits[0]:g} to {axis.limits[1]:g}°" * _turns(axis)),
            color=AXIS_COLOURS[row % len(AXIS_COLOURS)],
            fontsize=11,
        )
    for row, line in enumerate(words):
        figure.text(0.63, 0.165 - 0.027 * row, line, fontsize=11, color=INK)
    with replacing(path) as draft:
        figure.savefig(draft, format="png", dpi=110)


def _turns(axis: Axis) -> bool:
    return axis.kind == "rotation"


def _draw_scene(plot: Plot, detector: Detector, head: Goniometer) -> None:
    # from the side from which the panel's face, which looks at the sample, is seen
    sight = _Sight(-32.0 if detector.normal[0] < -0.5 else 32.0)
    panel = _as_drawn(detector)
    _draw_panel(plot, panel, sight)
    _draw_beam(plot, panel, sight)
    _draw_lab_axes(plot, sight, 0.55)
    turning = [axis for axis in head.axes if _turns(axis)]
    for place, axis in enumerate(turning):
        order = list(head.axes).index(axis)
        # outer axes longest, so that no two circles lie on each other
        length = 1.25 - 0.5 * place / max(len(turning) - 1, 1)
        _draw_axis(plot, axis, sight, length, 0.16, AXIS_COLOURS[order % len(AXIS_COLOURS)])
    _draw_crystal(plot, sight, 0.12)
    plot.set_aspect("equal")
    plot.margins(x=0.1, y=0.04)
    plot.axis("off")


def _as_drawn(detector: Detector) -> Detector:
    """Return the panel in units of the drawing, 1.5 from the sample and 1.9 long: a real one may hide the head."""
    column, row = beam_point_px(detector)
    point = detector.to_lab_mm([column, row])
    pixel = 1.9 / max(detector.shape)
    middle = 1.5 * point / np.linalg.norm(point)
    origin = middle - pixel * (column * detector.fast + row * detector.slow)
    return Detector(origin, detector.fast, detector.slow, pixel, detector.shape)


def _line(plot: Plot, sight: _Sight, points: Sequence[Float64Array] | Float64Array, **style: object) -> None:
    plot.plot(*sight(np.asarray(points)).T, **style)  # type: ignore[arg-type]


def _arrow(
    plot: Plot, sight: _Sight, start: Float64Array, end: Float64Array, colour: str, width: float, zorder: float = 4
) -> None:
    plot.annotate(
        "",
        (float(sight(end)[0]), float(sight(end)[1])),
        (float(sight(start)[0]), float(sight(start)[1])),
        arrowprops={"arrowstyle": _HEAD, "color": colour, "lw": width,
                    "shrinkA": 0, "shrinkB": 0},
        zorder=zorder,
    )  # fmt: skip


def _label(plot: Plot, sight: _Sight, point: Float64Array, text: str, colour: str, **style: object) -> None:
    box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.0}
    x, y = sight(point).tolist()
    plot.text(x, y, text, color=colour, fontsize=11, bbox=box, zorder=9, **style)  # type: ignore[arg-type]


def _draw_panel(plot: Plot, detector: Detector, sight: _Sight) -> None:
    corners = detector.corners_mm()
    plot.fill(*sight(corners).T, facecolor=PANEL_COLOUR, edgecolor="#6b7683", lw=1.6, zorder=1)
    edge = 0.42 * min(detector.shape) * detector.pixel_mm
    first = corners[0]
    for direction, name in ((detector.fast, "columns"), (detector.slow, "rows")):
        _arrow(plot, sight, first, first + edge * direction, "#46505c", 1.5)
        outside = first + 0.6 * edge * direction - 0.15 * (detector.fast + detector.slow - direction)
        _label(plot, sight, outside, name, "#46505c", ha="center", va="center")
    plot.plot(*sight(first), "s", color="#46505c", markersize=6, zorder=5)
    corner = first - 0.09 * (detector.fast + detector.slow)
    _label(plot, sight, corner, "first pixel", "#46505c", ha="center", va="center")
    _line(plot, sight, _letter_f(detector), color=F_COLOUR, lw=3.0, zorder=3)


def _letter_f(detector: Detector) -> Float64Array:
    """Return (6, 3) strokes of an F as somebody writes it on the face that looks at the sample, upright."""
    up = _UP - (_UP @ detector.normal) * detector.normal
    if np.linalg.norm(up) < 1e-3:
        up = BEAM - (BEAM @ detector.normal) * detector.normal
    up /= np.linalg.norm(up)
    right = np.cross(detector.normal, up)
    rows, columns = detector.shape
    centre = detector.to_lab_mm([(columns - 1) / 2, (rows - 1) / 2])
    size = 0.13 * min(rows, columns) * detector.pixel_mm
    # to the upper right of the middle, where it hides neither the beam nor the arrows
    middle = centre + 2.1 * size * right + 2.1 * size * up
    return middle + size * (_F[:, :1] * right + _F[:, 1:] * up)


def _draw_beam(plot: Plot, detector: Detector, sight: _Sight) -> None:
    start = -BEAM * (1.6 if detector.normal[0] > -0.5 else 2.5)
    _line(plot, sight, [start, 0.0 * BEAM], color=BEAM_COLOUR, lw=3.0, zorder=4)
    _arrow(plot, sight, start, 0.45 * start, BEAM_COLOUR, 3.0)
    _line(plot, sight, [0.0 * BEAM, 1.45 * BEAM], color=BEAM_COLOUR, lw=1.2, ls=(0, (4, 3)), zorder=2)
    _label(plot, sight, start, "X-rays  ", BEAM_COLOUR, ha="right", va="center", fontweight="bold")
    position = beam_point_px(detector)
    plot.plot(*sight(detector.to_lab_mm(position)), "o", mfc="white", mec=BEAM_COLOUR, mew=2.0, ms=8, zorder=5)


def _draw_lab_axes(plot: Plot, sight: _Sight, length: float) -> None:
    for vector, name in ((BEAM, "x, along the beam"), (np.array([0.0, 1.0, 0.0]), "y, left"), (_UP, "z, up")):
        _arrow(plot, sight, 0.0 * vector, length * vector, INK, 2.0, zorder=6)
        below = vector[0] > 0.5  # clear of the circle about the beam
        _label(plot, sight, 1.08 * length * vector, name, INK, ha="left", va="top" if below else "bottom")


def _draw_axis(plot: Plot, axis: Axis, sight: _Sight, length: float, radius: float, colour: str) -> None:
    """Draw an axis through the sample, and about its end three quarters of a circle with the arrow of +."""
    vector = axis.sign * np.asarray(axis.vector, dtype=np.float64)
    # on the side of the drawing that is up or to the right, so that the circles lie apart from the panel
    side = 1.0 if sight(vector)[1] + 0.3 * sight(vector)[0] >= 0.0 else -1.0
    end = side * length * vector
    _line(plot, sight, [-0.35 * end, 1.08 * end], color=colour, lw=1.4, ls=(0, (7, 3)), zorder=3)
    across = np.cross(vector, _UP if abs(vector[2]) < 0.9 else BEAM)
    across /= np.linalg.norm(across)
    other = np.cross(vector, across)  # across, other, vector are right-handed: growing angle is +
    angle = np.radians(np.linspace(20.0, 300.0, 60))
    ring = end + radius * (np.cos(angle)[:, None] * across + np.sin(angle)[:, None] * other)
    _line(plot, sight, ring, color=colour, lw=2.4, zorder=7)
    _arrow(plot, sight, ring[-3], ring[-1] + 0.35 * (ring[-1] - ring[-3]), colour, 2.4, zorder=8)
    above = 1.55 * radius * (_UP if abs(vector[2]) < 0.9 else 0.8 * _UP)
    _label(plot, sight, end + above, f"{axis.name} +", colour, ha="center", va="bottom")


def _draw_crystal(plot: Plot, sight: _Sight, size: float) -> None:
    corners = 0.5 * size * np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)
    for a in range(8):
        for b in range(a):
            if abs(np.linalg.norm(corners[a] - corners[b]) - size) < 1e-9 * size:
                _line(plot, sight, corners[[a, b]], color=INK, lw=1.6, zorder=6)
    _label(plot, sight, np.array([0.0, 0.0, -0.9 * size]), "crystal", INK, ha="center", va="top")


def _draw_picture(plot: Plot, detector: Detector) -> None:
    """Draw the picture as it is on the screen, with the lab's directions and the F in it."""
    rows, columns = detector.shape
    plot.set_xlim(-0.5, columns - 0.5)
    plot.set_ylim(rows - 0.5, -0.5)
    plot.set_aspect("equal")
    plot.set_facecolor(PANEL_COLOUR)
    plot.set_title("how your picture must lie on the screen", fontsize=12)
    plot.set_xlabel("column, px")
    plot.set_ylabel("row, px")
    centre = beam_point_px(detector)
    plot.plot(*centre, "o", mfc="white", mec=BEAM_COLOUR, mew=2.0, ms=9, zorder=5)
    length = 0.28 * min(rows, columns)
    for vector, name in ((BEAM, "beam (x)"), (np.array([0.0, 1.0, 0.0]), "left (y)"), (_UP, "up (z)")):
        inside = np.array([vector @ detector.fast, vector @ detector.slow])
        if np.linalg.norm(inside) < 0.5:
            continue
        end = centre + length * inside
        plot.annotate(
            "",
            (float(end[0]), float(end[1])),
            (float(centre[0]), float(centre[1])),
            arrowprops={"arrowstyle": _HEAD, "color": INK, "lw": 2.0, "shrinkA": 6, "shrinkB": 0},
        )
        away = centre + 1.12 * length * inside
        side = "center" if abs(inside[1]) > 0.5 else ("left" if inside[0] > 0 else "right")
        level = "center" if abs(inside[1]) < 0.5 else ("top" if inside[1] > 0 else "bottom")
        plot.text(float(away[0]), float(away[1]), name, ha=side, va=level, fontsize=11, color=INK)
    strokes, _ = detector.to_pixel(_letter_f(detector))
    plot.plot(*strokes.T, color=F_COLOUR, lw=3.0)
    plot.text(
        0.5,
        -0.2,
        "An F written on the film's face towards the sample,\nwith its top up, looks like this in the picture."
        + ("\nThis camera's pictures are mirrored." if detector.mirrored else ""),
        transform=plot.transAxes,
        ha="center",
        va="top",
        fontsize=11,
        color=F_COLOUR,
    )
