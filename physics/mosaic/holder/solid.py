"""A plate with its pockets as a solid."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from beamgym.physics.arrays import Float64Array
from beamgym.physics.extras import need
from beamgym.physics.mosaic.holder.design import Design
from beamgym.physics.mosaic.holder.grooves import Groove
from beamgym.physics.mosaic.holder.marks import Marks
from beamgym.physics.mosaic.holder.pockets import Pocket

_OVER_MM = 1.0
"""By which a cutting body stands out of what it cuts."""


def solid_of(design: Design, pockets: Sequence[Pocket], marks: Marks, grooves: Sequence[Groove] = ()) -> Any:
    """Return one plate as a solid of manifold3d: its upper face at z = 0, its lower at -thickness.

    Parameters
    ----------
    design : dimensions
    pockets, grooves : of this plate; floors are tilted about the pockets' centroids
    marks : what is engraved

    Raises
    ------
    ImportError : manifold3d is missing; the extra `mosaic` brings it
    """
    m = need("manifold3d", "mosaic")
    thick = design.thickness_mm
    body = _extruded(m, design.plate, -thick, 0.0)
    through = design.product == "template"
    cutters = [_extruded(m, hole.shape, -thick - _OVER_MM, _OVER_MM) for hole in design.holes]
    cutters += [cutter(pocket, -thick - _OVER_MM if through else -design.pocket_mm) for pocket in pockets]
    for pocket in pockets:
        if (mark := marks.floors.get(pocket.name)) is not None:
            low = -design.pocket_mm - design.letter_depth_mm
            cutters.append(_tilted(_extruded(m, mark, low, -design.pocket_mm / 2.0), pocket, low))
    if not marks.top.is_empty:
        cutters.append(_extruded(m, marks.top, -design.letter_depth_mm, _OVER_MM))
    cutters += [m.Manifold.hull_points(np.ascontiguousarray(groove.corners_mm)) for groove in grooves]
    return m.Manifold.batch_boolean([body, *cutters], m.OpType.Subtract) if cutters else body


def cutter(pocket: Pocket, floor_mm: float) -> Any:
    """Return the body that cuts a pocket: vertical walls, its floor at ``floor_mm`` at the pocket's centroid."""
    m = need("manifold3d", "mosaic")
    return _tilted(_extruded(m, pocket.hole, floor_mm, _OVER_MM), pocket, floor_mm)


def _tilted(body: Any, pocket: Pocket, low: float) -> Any:
    """Return a body whose lower face takes on the slope of the pocket's floor."""
    if not pocket.slope.any():
        return body
    centre, slope = pocket.centre_mm, pocket.slope

    def sloping(points: Float64Array) -> Float64Array:
        moved = np.array(points)
        lower = moved[:, 2] < low + 1e-6
        moved[lower, 2] += (moved[lower, :2] - centre) @ slope
        return moved

    return body.warp_batch(sloping)


def _extruded(m: Any, shape: BaseGeometry, low: float, high: float) -> Any:
    section = m.CrossSection(_contours(shape), m.FillRule.EvenOdd)
    return m.Manifold.extrude(section, high - low).translate((0.0, 0.0, low))


def _contours(shape: BaseGeometry) -> list[Float64Array]:
    parts = shape.geoms if isinstance(shape, MultiPolygon) else [shape]
    return [
        np.ascontiguousarray(np.asarray(ring.coords)[:-1])
        for part in parts
        if isinstance(part, Polygon)
        for ring in (part.exterior, *part.interiors)
    ]


def triangles(solid: Any) -> tuple[Float64Array, np.ndarray[Any, np.dtype[np.int64]]]:
    """Return corners (v, 3) in mm and triangles (t, 3) of a solid."""
    mesh = solid.to_mesh()
    return np.asarray(mesh.vert_properties, dtype=np.float64)[:, :3], np.asarray(mesh.tri_verts, dtype=np.int64)
