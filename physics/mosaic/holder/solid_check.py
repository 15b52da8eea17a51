"""Checks a holder on the solid itself: closed, of the right topology and volume, and no wall too thin."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from shapely import STRtree
from shapely.geometry import LinearRing, Point, Polygon
from shapely.ops import unary_union

from beamgym.physics.extras import need
from beamgym.physics.mosaic.holder.design import Design


@dataclass(frozen=True)
class SolidCheck:
    """What a solid is, as it was read back from its file.

    Parameters
    ----------
    watertight : every edge belongs to two triangles, and these agree which side is outside
    euler_number : corners - edges + triangles: 2 - 2 (holes through the solid)
    volume_mm3 : enclosed
    least_wall_mm : smallest distance between two pockets, holes or edges at the height of the pockets; inf for none
    least_floor_mm : thickness below which nothing but the holes is cut; 0 for a template
    """

    watertight: bool
    euler_number: int
    volume_mm3: float
    least_wall_mm: float
    least_floor_mm: float


def check_solid(path: Path, design: Design) -> SolidCheck:
    """Read a mesh back, and measure it.

    Parameters
    ----------
    path : STL or 3MF, mm, upper face at z = 0
    design : the thickness, and at which heights walls are measured

    Raises
    ------
    ImportError : trimesh or manifold3d are missing; the extra `mosaic` brings them
    """
    m = need("manifold3d", "mosaic")
    mesh = load_mesh(path)
    raw = m.Mesh(np.asarray(mesh.vertices, dtype=np.float32), np.asarray(mesh.faces, dtype=np.uint32))
    solid = m.Manifold(raw)
    heights = (-design.letter_depth_mm - 0.02, -(design.letter_depth_mm + design.depth_mm) / 2.0)
    wall = min(least_wall_mm(section(solid, z)) for z in heights)
    return SolidCheck(
        bool(mesh.is_watertight and mesh.is_winding_consistent),
        int(mesh.euler_number),
        float(mesh.volume),
        wall,
        0.0 if design.product == "template" else _floor_mm(solid, design),
    )


def load_mesh(path: Path) -> Any:
    """Return one mesh of trimesh from an STL or a 3MF file, its equal corners joined."""
    trimesh = need("trimesh", "mosaic")
    mesh = trimesh.load_mesh(path)
    mesh = mesh.to_mesh() if hasattr(mesh, "to_mesh") else mesh
    mesh.merge_vertices()
    return mesh


def section(solid: Any, z: float) -> list[Polygon]:
    """Return what a solid fills at one height, mm."""
    rings = [ring for ring in solid.slice(z).to_polygons() if len(ring) > 2]
    # Rims run counter-clockwise, those of holes clockwise.
    turned = [LinearRing(ring).is_ccw for ring in rings]
    rims = sorted((Polygon(ring) for ring, ccw in zip(rings, turned, strict=True) if ccw), key=lambda each: each.area)
    holes: list[list[Any]] = [[] for _ in rims]
    tree = STRtree(rims)
    for ring, ccw in zip(rings, turned, strict=True):
        if not ccw and len(around := tree.query(Point(ring[0]), predicate="covered_by")):
            holes[int(around.min())].append(ring)
    return [Polygon(rim.exterior, inside) for rim, inside in zip(rims, holes, strict=True)]


def least_wall_mm(sections: list[Polygon]) -> float:
    """Return the smallest distance between two rims of the same piece, mm; inf where no piece has two."""
    least = np.inf
    for piece in sections:
        rims = [piece.exterior, *piece.interiors]
        if len(rims) > 1:
            _, found = STRtree(rims).query_nearest(rims, exclusive=True, return_distance=True, all_matches=False)
            least = min(least, float(found.min()))
    return float(least)


def _floor_mm(solid: Any, design: Design) -> float:
    """Return the thickness over which a solid is the plate without its holes, from below, to 0.02 mm."""
    whole = design.plate.difference(unary_union([hole.shape for hole in design.holes])).area
    low, high = 0.0, design.thickness_mm
    while high - low > 0.02:
        middle = (low + high) / 2.0
        filled = solid.slice(middle - design.thickness_mm).area()
        low, high = (middle, high) if filled > whole - 1e-3 else (low, middle)
    return low
