"""Draws the frames of docs/geometry.md: `python .ci/drawings.py docs/images` writes three SVG files."""

import sys
from pathlib import Path
from typing import Final

import numpy as np

SCALE: Final = 90.0
BEAM, PANEL, SAMPLE, AXIS, RAY = "#c0392b", "#7f8c8d", "#2c3e50", "#2c3e50", "#2980b9"
MARKERS: Final = "".join(
    f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
    f'<path d="M0 0L10 5L0 10z" fill="#{name}"/></marker>'
    for name in sorted({colour[1:] for colour in (BEAM, PANEL, AXIS, RAY)})
)


class Drawing:
    """Lines, faces and words of a right-handed frame, seen from the front, the right and above.

    Parameters
    ----------
    right, up : (3,) which combination of the frame's coordinates goes to the right and upwards in the drawing
    """

    def __init__(
        self, right: tuple[float, float, float], up: tuple[float, float, float], size: tuple[int, int]
    ) -> None:
        self.view = np.array([right, up])
        self.size = size
        self.parts: list[str] = []

    def at(self, point: tuple[float, ...]) -> tuple[float, float]:
        """Where a point of the frame lies on the paper."""
        right, up = self.view @ np.asarray(point, dtype=float) * SCALE
        return self.size[0] / 2 + right, self.size[1] / 2 - up

    def arrow(
        self, start: tuple[float, ...], end: tuple[float, ...], colour: str, word: str = "", width: float = 2.0
    ) -> None:
        """An arrow with a word beyond its tip."""
        (a, b), (c, d) = self.at(start), self.at(end)
        self.parts.append(
            f'<line x1="{a:.1f}" y1="{b:.1f}" x2="{c:.1f}" y2="{d:.1f}" stroke="{colour}" stroke-width="{width}" '
            f'marker-end="url(#{colour[1:]})"/>'
        )
        away = np.array([c - a, d - b]) / max(np.hypot(c - a, d - b), 1.0) * 12.0
        self.word((c + away[0], d + away[1] + 4), word, colour)

    def face(self, corners: list[tuple[float, ...]], colour: str, opacity: float = 0.25) -> None:
        """A plane polygon."""
        points = " ".join("{:.1f},{:.1f}".format(*self.at(corner)) for corner in corners)
        self.parts.append(f'<polygon points="{points}" fill="{colour}" fill-opacity="{opacity}" stroke="{colour}"/>')

    def word(self, place: tuple[float, float], text: str, colour: str = "#2c3e50") -> None:
        """A word, its middle at a place on the paper."""
        if text:
            self.parts.append(
                f'<text x="{place[0]:.1f}" y="{place[1]:.1f}" fill="{colour}" text-anchor="middle">{text}</text>'
            )

    def arc(self, centre: tuple[float, ...], first: tuple[float, ...], second: tuple[float, ...], word: str) -> None:
        """A turn by 60 degrees from ``first`` towards ``second``, unit vectors at right angles."""
        angles = np.radians(np.linspace(0.0, 60.0, 25))
        points = [
            self.at(tuple(np.asarray(centre) + np.cos(a) * np.asarray(first) + np.sin(a) * np.asarray(second)))
            for a in angles
        ]
        path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self.parts.append(
            f'<path d="{path}" fill="none" stroke="{RAY}" stroke-width="2" marker-end="url(#{RAY[1:]})"/>'
        )
        self.word((points[12][0] + 8, points[12][1] - 10), word, RAY)

    def write(self, path: Path) -> None:
        """Write the drawing as SVG."""
        width, height = self.size
        path.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'font-family="sans-serif" font-size="14"><rect width="{width}" height="{height}" fill="white"/>'
            f"<defs>{MARKERS}</defs>{''.join(self.parts)}</svg>\n",
            encoding="utf-8",
        )


def laue() -> Drawing:
    """The lab frame with a panel in back-reflection, as `Detector` has it."""
    drawing = Drawing((0.8, -0.55, 0.0), (0.22, 0.3, 0.95), (760, 460))
    distance, half = -2.3, 1.05
    corners = [(distance, y, z) for y, z in ((half, half), (-half, half), (-half, -half), (half, -half))]
    drawing.arrow((-4.2, 0, 0), (-0.12, 0, 0), BEAM, width=3)
    drawing.word((95, 330), "beam, along +x", BEAM)
    drawing.face(corners, PANEL)
    # Seen from the sample, towards -x, left is -y: column grows from left to right, row downwards.
    drawing.arrow((distance, -half, half), (distance, 0.75, half), PANEL, "fast: columns grow")
    drawing.arrow((distance, -half, half), (distance, -half, -0.3), PANEL, "slow: rows grow")
    origin = drawing.at((distance, -half, half))
    drawing.word((origin[0] + 25, origin[1] - 50), "corner: pixel (0, 0), origin_mm", PANEL)
    drawing.face([(-0.12, -0.2, -0.2), (-0.12, 0.2, -0.2), (-0.12, 0.2, 0.2), (-0.12, -0.2, 0.2)], SAMPLE, 0.8)
    drawing.arrow((0, 0, 0), (1.7, 0, 0), AXIS, "x")
    drawing.arrow((0, 0, 0), (0, 1.6, 0), AXIS, "y, left")
    drawing.arrow((0, 0, 0), (0, 0, 1.5), AXIS, "z, up")
    drawing.arrow((-0.1, 0, 0), (distance, 0.45, 0.6), RAY, "spot")
    drawing.arc((0, 0, 0), (0.9, 0, 0), (0, 0.9, 0), "x→y")
    return drawing


def arpes() -> Drawing:
    """The analyser's frame: y up, z along the lens, polar about y, tilt about x, azimuth about the sample's normal."""
    drawing = Drawing((0.75, 0.0, 0.6), (0.25, 0.95, -0.25), (760, 460))
    drawing.face([(-0.9, -0.9, 0), (0.9, -0.9, 0), (0.9, 0.9, 0), (-0.9, 0.9, 0)], SAMPLE, 0.25)
    drawing.arrow((0, 0, 0), (0, 0, 2.9), AXIS, "z: along the lens, angle (0, 0)")
    drawing.arrow((0, 0, 0), (0, 1.7, 0), AXIS, "y, up")
    drawing.arrow((0, 0, 0), (1.6, 0, 0), AXIS, "x")
    drawing.arc((0, 0.0, 0), (0, 0, 1.2), (1.2, 0, 0), "polar")
    drawing.arc((0, 0, 0), (0, 1.1, 0), (0, 0, 1.1), "tilt")
    drawing.arc((0, 0, 0), (-0.8, 0, 0), (0, -0.8, 0), "azimuth")
    drawing.face([(-0.06, -0.8, 2.2), (0.06, -0.8, 2.2), (0.06, 0.8, 2.2), (-0.06, 0.8, 2.2)], BEAM, 0.6)
    top = drawing.at((0, 0.8, 2.2))
    drawing.word((top[0] + 130, top[1] + 40), "vertical slit: slit_deg along it", BEAM)
    drawing.arrow((-3.0, 1.2, 1.6), (-0.05, 0.0, 0.05), BEAM, "")
    drawing.word((drawing.at((-3.0, 1.2, 1.6))[0], drawing.at((-3.0, 1.2, 1.6))[1] - 12), "photons", BEAM)
    return drawing


def plate() -> Drawing:
    """The plate's frame: x right, y up as the beam's source sees it, z out of the plate towards the source."""
    drawing = Drawing((0.85, 0.1, -0.5), (0.1, 0.9, 0.25), (760, 420))
    drawing.face([(-1.6, -1.1, 0), (1.6, -1.1, 0), (1.6, 1.1, 0), (-1.6, 1.1, 0)], PANEL, 0.2)
    for x, y, turn in ((-0.8, 0.5, 0.2), (0.3, -0.4, 0.9), (0.9, 0.55, 2.0), (-0.7, -0.6, 1.4)):
        angles = turn + np.arange(6) * np.pi / 3
        drawing.face([(x + 0.3 * np.cos(a), y + 0.22 * np.sin(a), 0.02) for a in angles], SAMPLE, 0.5)
    drawing.arrow((0, 0, 0), (2.2, 0, 0), AXIS, "x")
    drawing.arrow((0, 0, 0), (0, 1.7, 0), AXIS, "y")
    drawing.arrow((0, 0, 0), (0, 0, 1.7), AXIS, "z, towards the source")
    drawing.arrow((0.3, -0.4, 4.2), (0.3, -0.4, 0.15), BEAM, "", 3)
    drawing.word((drawing.at((0.3, -0.4, 4.2))[0] - 25, drawing.at((0.3, -0.4, 4.2))[1] + 6), "beam", BEAM)
    drawing.arc((0, 0, 0), (1.3, 0, 0), (0, 1.3, 0), "turns: + is counter-clockwise")
    return drawing


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name, made in (("laue", laue()), ("arpes", arpes()), ("plate", plate())):
        made.write(folder / f"geometry_{name}.svg")
