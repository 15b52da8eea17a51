"""Outlines from an SVG drawing: closed paths, polygons, rectangles and circles, with their transforms and units."""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from shapely.geometry import Polygon

from beamgym.physics.arrays import Float64Array
from beamgym.physics.messages import one_line
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.outlines.drawings.overlaps import check_apart
from beamgym.physics.mosaic.outlines.drawings.svg_path import path_lines

MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "in": 25.4, "pt": 25.4 / 72.0, "pc": 25.4 / 6.0, "q": 0.25}
_LARGEST_BYTES = 50_000_000
_HIDDEN = {"defs", "clipPath", "mask", "marker", "pattern", "symbol", "metadata", "text", "style", "title", "desc"}
_MADE_UP = re.compile(r"(path|polygon|polyline|rect|circle|ellipse)[-_]?\d*([-_]\d+)*", re.IGNORECASE)
"""Names that drawing programs give by themselves."""
_AROUND = 96

Affine = Float64Array


def read_svg(path: Path, mm_per_unit: float | None = None) -> list[Outline]:
    """Read the closed shapes of an SVG drawing.

    Parameters
    ----------
    path : of the drawing
    mm_per_unit : of its user units; None takes the physical width and the viewBox that the drawing states

    Returns
    -------
    outlines, y upwards from the drawing's lower edge, named by their label or id, or "1", "2", … where a drawing
    program made the id up

    Raises
    ------
    ValueError : no SVG file, no unit, a path that is not closed, outlines that lie on each other; in one line
    """
    root = _root(path)
    scale, lowest = _scale(path, root, mm_per_unit)
    to_mm = np.array([[scale, 0.0, -scale * lowest[0]], [0.0, -scale, scale * lowest[1]], [0.0, 0.0, 1.0]])
    rings: list[tuple[str, Float64Array]] = []
    try:
        for element, affine in _drawn(root, to_mm):
            rings += [(_label(element), _apply(affine, line)) for line in _lines(element)]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    rings = [(name, ring) for name, ring in rings if len(ring) > 2 and Polygon(ring).buffer(0).area > 1e-9]
    if not rings:
        raise ValueError(f"{path} has no closed shape; draw each crystal as a closed path or polygon")
    names = [name for name, _ in rings]
    free = (str(k) for k in range(1, 2 * len(rings) + 1) if str(k) not in names)
    outlines = [Outline(name if name and names.count(name) == 1 else next(free), ring) for name, ring in rings]
    check_apart(outlines)
    return outlines


def _root(path: Path) -> ET.Element:
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    if path.stat().st_size > _LARGEST_BYTES:
        raise ValueError(f"{path} is larger than {_LARGEST_BYTES // 1_000_000} MB; export the outlines alone")
    content = path.read_bytes()
    # Entities can make a short file expand without end, or name other files: no drawing of outlines needs them.
    if b"<!ENTITY" in content or (
        b"<!DOCTYPE" in content and b"[" in content.split(b"<!DOCTYPE", 1)[1].split(b">", 1)[0]
    ):
        raise ValueError(f"{path} declares XML entities, which are not read; export it anew as plain SVG")
    try:
        root = ET.fromstring(content)
    except ET.ParseError as error:
        raise ValueError(f"{path} is no SVG drawing: {one_line(error)}") from None
    if _tag(root) != "svg":
        raise ValueError(f"{path} is no SVG drawing: its root is {_tag(root)!r}")
    return root


def _scale(path: Path, root: ET.Element, mm_per_unit: float | None) -> tuple[float, tuple[float, float]]:
    """Return millimetres per user unit, and the user coordinates of the drawing's lower left corner.

    Raises
    ------
    ValueError : no size in mm, one that is not above 0, or one that is not in the proportions of the viewBox
    """
    try:
        box = [float(part) for part in re.split(r"[\s,]+", root.get("viewBox", "").strip()) if part]
        width, height = _length(root.get("width")), _length(root.get("height"))
    except ValueError as error:
        raise ValueError(f"{path}: viewBox, width or height of the svg element: {error}") from None
    if not all(size > 0.0 for size in (*box[2:], *(each[0] for each in (width, height) if each))):
        raise ValueError(f"{path}: width, height and viewBox of the svg element are to be above 0; export it anew")
    lowest = (box[0], box[1] + box[3]) if len(box) == 4 else (0.0, height[0] if height else 0.0)
    if mm_per_unit is not None:
        return mm_per_unit, lowest
    size = width or height
    if size is None or size[1] not in MM_PER_UNIT:
        raise ValueError(
            f"{path} does not say its size in mm (width of the svg element); state mm per unit "
            f"(beamgym mosaic outlines {path.name} --mm-per-unit 0.2646 for pixels, 0.3528 for points)"
        )
    if len(box) != 4:
        return 25.4 / 96.0, (0.0, (height[0] * MM_PER_UNIT.get(height[1], 1.0) if height else 0.0) * 96.0 / 25.4)
    if width and height and height[1] in MM_PER_UNIT:
        across, up = (each[0] * MM_PER_UNIT[each[1]] / of for each, of in ((width, box[2]), (height, box[3])))
        if abs(across / up - 1.0) > 0.01:
            raise ValueError(
                f"{path}: its viewBox is drawn at {across:.4g} mm a unit across and {up:.4g} mm up; state mm per unit"
            )
    return size[0] * MM_PER_UNIT[size[1]] / (box[2] if size is width else box[3]), lowest


def _length(text: str | None) -> tuple[float, str] | None:
    match = re.fullmatch(r"\s*([-+.\deE]+?)\s*([a-zA-Z%]*)\s*", text or "")
    return (float(match.group(1)), match.group(2).lower()) if match else None


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _label(element: ET.Element) -> str:
    label = next((value for key, value in element.attrib.items() if key.endswith("}label")), None)
    name = label or element.get("id") or ""
    return "" if _MADE_UP.fullmatch(name) else one_line(name) if name else ""


def _drawn(element: ET.Element, outer: Affine, top: bool = True) -> Iterator[tuple[ET.Element, Affine]]:
    """Yield what is drawn with the affine map from its own units to mm."""
    tag = _tag(element)
    style = dict(part.replace(" ", "").partition(":")[::2] for part in element.get("style", "").split(";"))
    if tag in _HIDDEN or any(
        element.get(key, style.get(key)) == value for key, value in (("display", "none"), ("visibility", "hidden"))
    ):
        return
    if tag == "use":
        raise ValueError("a clone (use element), which is not followed; unlink clones before you save")
    if tag == "svg" and not top:
        raise ValueError("a drawing within the drawing (nested svg element), which is not followed; ungroup it")
    if "transform" in style:
        raise ValueError("a transform in a style attribute, which is not read; export it as a plain SVG")
    if any(element.get(key, style.get(key, "none")) != "none" for key in ("clip-path", "mask")):
        raise ValueError("a shape that is clipped or masked, whose edge is not the one drawn; release the clip")
    affine = outer @ _transform(element.get("transform", ""))
    yield element, affine
    for child in element:
        yield from _drawn(child, affine, top=False)


def _lines(element: ET.Element) -> list[Float64Array]:
    tag = _tag(element)
    if tag == "path":
        return path_lines(element.get("d", ""))
    if tag in ("polygon", "polyline"):
        numbers = [float(part) for part in re.split(r"[\s,]+", element.get("points", "").strip()) if part]
        if len(numbers) % 2:
            raise ValueError(f"a {tag} with an odd number of coordinates; give x and y of each corner")
        corners = np.array(numbers).reshape(-1, 2)
        if tag == "polyline" and len(corners) > 2 and not np.allclose(corners[0], corners[-1], rtol=0.0, atol=1e-3):
            raise ValueError(f"a polyline that ends at ({corners[-1, 0]:g}, {corners[-1, 1]:g}) and is open; close it")
        return [corners]
    if tag == "rect":
        x, y, width, height = (_user(element, key) for key in ("x", "y", "width", "height"))
        return [_rectangle(x, y, width, height, _user(element, "rx"), _user(element, "ry"))]
    if tag in ("circle", "ellipse"):
        rx, ry = (_user(element, "r" if tag == "circle" else key) for key in ("rx", "ry"))
        around = 2.0 * np.pi * np.arange(_AROUND) / _AROUND
        middle = np.array([_user(element, "cx"), _user(element, "cy")])
        return [middle + np.column_stack([rx * np.cos(around), ry * np.sin(around)])]
    return []


def _rectangle(x: float, y: float, width: float, height: float, rx: float, ry: float) -> Float64Array:
    """Return a rectangle whose corners are quarter ellipses; one radius that is not given is as the other."""
    rx, ry = min(rx or ry, width / 2.0), min(ry or rx, height / 2.0)
    if rx == 0.0 or ry == 0.0:
        return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
    around = np.linspace(0.0, np.pi / 2.0, _AROUND // 4 + 1)
    middles = ((x + width - rx, y + height - ry), (x + rx, y + height - ry), (x + rx, y + ry), (x + width - rx, y + ry))
    return np.vstack(
        [
            np.column_stack([cx + rx * np.cos(around + k * np.pi / 2.0), cy + ry * np.sin(around + k * np.pi / 2.0)])
            for k, (cx, cy) in enumerate(middles)
        ]
    )


def _user(element: ET.Element, key: str) -> float:
    found = _length(element.get(key, "0"))
    if found is None or found[1] not in ("", "px", *MM_PER_UNIT):
        raise ValueError(f"{key} = {element.get(key)!r} of a {_tag(element)}; give a plain number")
    return found[0] if found[1] in ("", "px") else found[0] * MM_PER_UNIT[found[1]] * 96.0 / 25.4


_PARTS: dict[str, Callable[..., Affine]] = {
    "matrix": lambda a, b, c, d, e, f: np.array([[a, c, e], [b, d, f], [0.0, 0.0, 1.0]]),
    "translate": lambda x, y=0.0: np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]]),
    "scale": lambda x, y=None: np.diag([x, x if y is None else y, 1.0]),
    "rotate": lambda angle, x=0.0, y=0.0: _rotation(angle, x, y),
    "skewX": lambda angle: np.array([[1.0, math.tan(math.radians(angle)), 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    "skewY": lambda angle: np.array([[1.0, 0.0, 0.0], [math.tan(math.radians(angle)), 1.0, 0.0], [0.0, 0.0, 1.0]]),
}


def _rotation(angle: float, x: float, y: float) -> Affine:
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return np.array([[c, -s, x - c * x + s * y], [s, c, y - s * x - c * y], [0.0, 0.0, 1.0]])


def _transform(text: str) -> Affine:
    affine = np.eye(3)
    for name, numbers in re.findall(r"(\w+)\s*\(([^)]*)\)", text):
        values = [float(part) for part in re.split(r"[\s,]+", numbers.strip()) if part]
        try:
            affine = affine @ _PARTS[name](*values)
        except (KeyError, TypeError):
            raise ValueError(f"a transform {name}({numbers}), which SVG does not have") from None
    return affine


def _apply(affine: Affine, points: Float64Array) -> Float64Array:
    found: Float64Array = points @ affine[:2, :2].T + affine[:2, 2]
    return found
