"""Outlines from a DXF drawing: closed lines of any kind, curves made straight, texts in them as names."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import Point, Polygon

from beamgym.physics.arrays import Float64Array
from beamgym.physics.extras import need
from beamgym.physics.messages import one_line
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.outlines.drawings.overlaps import check_apart

MM_PER_UNIT = {1: 25.4, 2: 304.8, 4: 1.0, 5: 10.0, 6: 1000.0, 8: 25.4e-6, 9: 0.0254, 13: 1e-3, 14: 100.0}
"""By the drawing's $INSUNITS: inches, feet, mm, cm, metres, microinches, mils, microns, decimetres."""
_CURVES = ("LWPOLYLINE", "POLYLINE", "LINE", "ARC", "CIRCLE", "ELLIPSE", "SPLINE")
_TEXTS = ("TEXT", "MTEXT", "ATTRIB")
_NOT_READ = ("SOLID", "TRACE", "3DFACE", "REGION", "MLINE", "MESH", "BODY", "3DSOLID", "SURFACE")
"""What may be a crystal and is no line: passing over it in silence would lose one."""
_FLAT_MM = 0.005
"""A curve is left by its straight pieces by no more than this."""
_JOINED_MM = 0.01
"""Ends that are nearer to each other than this meet."""


def read_dxf(path: Path, mm_per_unit: float | None = None) -> list[Outline]:
    """Read the closed lines of a DXF drawing's model space; what is hidden, or on a hidden layer, is passed over.

    Parameters
    ----------
    path : of the drawing
    mm_per_unit : of its coordinates; None takes what the drawing says of itself ($INSUNITS)

    Returns
    -------
    outlines, named by the one text that lies in each, or "1", "2", … where no text does

    Raises
    ------
    ValueError : no DXF file, no unit, a line that does not close, outlines that lie on each other; in one line
    ImportError : ezdxf is not installed
    """
    ezdxf = need("ezdxf", "mosaic")
    try:
        drawing = ezdxf.readfile(path)
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}") from None
    except (OSError, ezdxf.DXFError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no DXF drawing that can be read: {one_line(error)}") from None
    # ezdxf takes metres for a drawing that does not say its unit, as those of release 12 never do.
    stated = int(drawing.units) if b"$INSUNITS" in path.read_bytes() else 0
    scale = mm_per_unit if mm_per_unit is not None else MM_PER_UNIT.get(stated)
    if scale is None:
        raise ValueError(
            f"{path} does not say its unit ($INSUNITS is {stated}); state mm per unit "
            f"(beamgym mosaic outlines {path.name} --mm-per-unit 1)"
        )
    entities = list(_entities(drawing.modelspace(), hidden_layers(drawing)))
    for entity in entities:
        if entity.dxftype() in _NOT_READ or getattr(entity, "is_poly_face_mesh", False):
            raise ValueError(f"{path}: a {entity.dxftype()} is no line that is read; draw a closed polyline instead")
    lines = [_points(entity, scale) for entity in entities if entity.dxftype() in _CURVES]
    shapes = [Polygon(ring) for ring in closed_rings(path, [line for line in lines if len(line) > 1])]
    if not shapes and any(entity.dxftype() == "HATCH" for entity in entities):
        raise ValueError(f"{path} has hatches and no closed line; draw each crystal's border as a closed polyline too")
    if not shapes:
        raise ValueError(f"{path} has no closed line in its model space; draw each crystal as a closed polyline")
    texts = [(_words(entity), Point(*_place(entity, scale))) for entity in entities if entity.dxftype() in _TEXTS]
    names = names_by_texts(shapes, texts)
    outlines = [Outline(n, np.asarray(s.exterior.coords)[:-1]) for n, s in zip(names, shapes, strict=True)]
    check_apart(outlines)
    return outlines


def closed_rings(path: Path, lines: Sequence[Float64Array]) -> list[Float64Array]:
    """Return the closed lines, those of several pieces joined at their ends.

    Raises
    ------
    ValueError : pieces that make no closed line
    """
    rings = [line for line in lines if _meet(line[0], line[-1]) and len(line) > 3]
    left = [line for line in lines if not _meet(line[0], line[-1])]
    while left:
        chain = left.pop(0)
        while not _meet(chain[0], chain[-1]):
            k = next(
                (k for k, line in enumerate(left) if _meet(chain[-1], line[0]) or _meet(chain[-1], line[-1])), None
            )
            if k is None:
                x, y = chain[-1]
                raise ValueError(f"{path}: a line ends at x = {x:.3f}, y = {y:.3f} mm and meets no other; close it")
            line = left.pop(k)
            chain = np.vstack([chain, line[1:] if _meet(chain[-1], line[0]) else line[::-1][1:]])
        rings.append(chain)
    return rings


def names_by_texts(shapes: Sequence[Polygon], texts: Sequence[tuple[str, Point]]) -> list[str]:
    """Return a name for each shape: the only text in it, or else its number."""
    inside = [[words for words, place in texts if words and shape.contains(place)] for shape in shapes]
    named = [found[0] if len(found) == 1 else "" for found in inside]
    free = (str(k) for k in range(1, 2 * len(shapes) + 1) if str(k) not in named)
    return [name or next(free) for name in named]


def _meet(one: Float64Array, other: Float64Array) -> bool:
    return bool(np.hypot(*(one - other)) < _JOINED_MM)


def hidden_layers(drawing: Any) -> frozenset[str]:
    """Return the names, in small letters, of the layers that are off or frozen."""
    return frozenset(layer.dxf.name.lower() for layer in drawing.layers if layer.is_off() or layer.is_frozen())


def _entities(layout: Any, hidden: frozenset[str]) -> Iterator[Any]:
    """Yield what is drawn and seen, with what lies in blocks, in each row and column of them."""
    for entity in layout:
        if entity.dxf.get("invisible", 0) or entity.dxf.get("layer", "0").lower() in hidden:
            continue
        if entity.dxftype() != "INSERT":
            yield entity
            continue
        for single in entity.multi_insert() if entity.mcount > 1 else (entity,):
            yield from _entities(single.virtual_entities(), hidden)
            yield from single.attribs


def _points(entity: Any, scale: float) -> Float64Array:
    path = need("ezdxf.path", "mosaic").make_path(entity)
    points = np.array([[point.x, point.y] for point in path.flattening(_FLAT_MM / scale)]) * scale
    if getattr(entity, "is_closed", False) or getattr(entity, "closed", False):
        points = np.vstack([points, points[:1]])
    return np.asarray(points[np.append(True, np.hypot(*np.diff(points, axis=0).T) > 1e-9)])


def _words(entity: Any) -> str:
    text = entity.plain_text() if hasattr(entity, "plain_text") else entity.dxf.text
    return one_line(text) if text.strip() else ""


def _place(entity: Any, scale: float) -> tuple[float, float]:
    aligned = entity.dxf.get("align_point") if entity.dxftype() != "MTEXT" and entity.dxf.get("halign", 0) else None
    at = aligned or entity.dxf.insert
    if entity.dxftype() != "MTEXT":
        at = entity.ocs().to_wcs(at)
    return float(at.x) * scale, float(at.y) * scale
