"""Drawings for laser and wire cutting, by layers: DXF and SVG."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shapely import affinity
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from beamgym.physics.extras import need
from beamgym.physics.files import replacing, write_text
from beamgym.physics.mosaic.holder.design import Design
from beamgym.physics.mosaic.holder.grooves import Groove, groove_rim
from beamgym.physics.mosaic.holder.lettering import STROKE, cross, lettered, letters
from beamgym.physics.mosaic.holder.marks import Marks, widest_place
from beamgym.physics.mosaic.holder.pockets import Pocket

Layers = dict[str, list[BaseGeometry]]

COLOURS = {
    "PLATE": (7, "#000000"),
    "HOLES": (7, "#000000"),
    "POCKETS": (1, "#c00000"),
    "CRYSTALS": (8, "#999999"),
    "DATUM": (5, "#0050c0"),
    "NUMBERS": (3, "#007030"),
    "FIDUCIALS": (3, "#007030"),
    "WINDOW": (4, "#0090a0"),
    "SCATTERING_PLANE": (6, "#a000a0"),
    "ROTATION": (2, "#b08000"),
}
"""Layers with their AutoCAD colour and that of the SVG. PLATE, HOLES and POCKETS are cut, NUMBERS (with the title) and
FIDUCIALS are engraved, the others are to look at."""


def layers_of(design: Design, pockets: Sequence[Pocket], marks: Marks, grooves: Sequence[Groove] = ()) -> Layers:
    """Return what is drawn of one plate, mm, by layers.

    Notes
    -----
    ROTATION holds the vertical axis and, left and right of it, where the stack's envelope ends. Numbers stand where
    the solid has them; one for which it has no room stands in its crystal, on CRYSTALS: it would be cut away.
    """
    x_min, y_min, x_max, y_max = design.plate.bounds
    radius = design.envelope_mm / 2.0
    shapes = {p.name: p.crystal for p in pockets} | {g.name: groove_rim(g) for g in grooves}
    layers: Layers = {
        "PLATE": [design.plate.exterior],
        "HOLES": [hole.shape.exterior for hole in design.holes],
        "POCKETS": [p.hole.exterior for p in pockets] + [groove_rim(g).exterior for g in grooves],
        "CRYSTALS": [p.crystal.exterior for p in pockets]
        + [ring for name in marks.without_number for ring in _rings(_inside(name, shapes[name], design))],
        "DATUM": [LineString([p.datum.start_mm, p.datum.end_mm]) for p in pockets if p.datum is not None],
        "NUMBERS": [
            ring for mark in (marks.title, *marks.floors.values(), *marks.beside.values()) for ring in _rings(mark)
        ],
        "FIDUCIALS": [cross(x, y).exterior for x, y in design.fiducials_mm],
        "WINDOW": [] if design.window is None else [design.window.exterior],
        "SCATTERING_PLANE": [LineString([(x_min, 0.0), (x_max, 0.0)])],
        "ROTATION": [LineString([(x, y_min), (x, y_max)]) for x in (-radius, 0.0, radius)],
    }
    return layers


def _inside(name: str, shape: Polygon, design: Design) -> BaseGeometry:
    """Return a number inside its crystal, as high as fits; small and over its edge where nothing does."""
    near = widest_place(shape)
    mark = lettered(name, shape.buffer(-STROKE * design.letter_mm / 2.0), near, design.letter_mm, 1.0)
    if mark.is_empty:
        mark = affinity.translate(letters(name, 0.4 * design.letter_mm), *near)
    return mark


def _rings(mark: Any) -> list[BaseGeometry]:
    return [ring for part in getattr(mark, "geoms", [mark]) for ring in (part.exterior, *part.interiors)]


def write_dxf(path: Path, layers: Layers) -> None:
    """Write layers as DXF R2010 in mm, whole or not at all.

    Raises
    ------
    ImportError : ezdxf is missing; the extra `mosaic` brings it
    """
    ezdxf = need("ezdxf", "mosaic")
    drawing = ezdxf.new("R2010")
    drawing.units = ezdxf.units.MM
    space = drawing.modelspace()
    for name, shapes in layers.items():
        drawing.layers.add(name, color=COLOURS[name][0])
        for shape in shapes:
            corners = [(float(x), float(y)) for x, y in shape.coords]
            closed = corners[0] == corners[-1]
            space.add_lwpolyline(corners[:-1] if closed else corners, close=closed, dxfattribs={"layer": name})
    with replacing(path) as draft:
        drawing.saveas(draft)


def write_svg(path: Path, layers: Layers) -> None:
    """Write layers as SVG, true to scale in mm, whole or not at all."""
    x_min, y_min, x_max, y_max = layers["PLATE"][0].bounds
    wide, high = x_max - x_min + 2.0, y_max - y_min + 2.0
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.3f}mm" height="{high:.3f}mm" '
        f'viewBox="{x_min - 1.0:.3f} {-y_max - 1.0:.3f} {wide:.3f} {high:.3f}">'
    ]
    for name, shapes in layers.items():
        lines.append(f'<g id="{name}" fill="none" stroke="{COLOURS[name][1]}" stroke-width="0.1">')
        for shape in shapes:
            points = " ".join(f"{x:.4f},{-y:.4f}" for x, y in shape.coords)
            lines.append(f'<polyline points="{points}"/>')
        lines.append("</g>")
    write_text(path, "\n".join([*lines, "</svg>"]) + "\n")
