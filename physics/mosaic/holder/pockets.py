"""Pockets: each crystal's outline where it is to lie, with clearance all round but for its datum edge."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from shapely import STRtree
from shapely.geometry import LineString, Polygon
from shapely.ops import unary_union

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.datum_edge import DatumEdge, datum_edge
from beamgym.physics.mosaic.holder.design import Design, Hole
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.packing import placed_outline
from beamgym.physics.mosaic.records import Correction, Placement

_ROUND = 4
"""Straight pieces per quarter circle at the corners of a pocket."""


@dataclass(frozen=True, eq=False)
class Pocket:
    """Where one crystal lies in a holder.

    Parameters
    ----------
    name : of the crystal
    plate : number of the plate
    crystal : outline of the crystal as it is to lie, mm
    hole : outline of the pocket, mm
    datum : the side that is pushed against the wall; None where clearance is all round
    turn_deg : by which the outline as scanned was turned
    turned_over : the outline was mirrored first
    slope : (2,) rise of the floor along x and y, mm per mm; zero where it is flat
    """

    name: str
    plate: int
    crystal: Polygon
    hole: Polygon
    datum: DatumEdge | None
    turn_deg: float
    turned_over: bool
    slope: Float64Array

    @property
    def centre_mm(self) -> Float64Array:
        """(2,) centroid of the pocket, about which its floor is tilted, mm."""
        return np.array([self.hole.centroid.x, self.hole.centroid.y])


def hole_of(crystal: Polygon, clearance_mm: float, datum: DatumEdge | None) -> Polygon:
    """Return the pocket of a crystal: larger by the clearance on all sides but that of its datum edge.

    Parameters
    ----------
    crystal : as it is to lie, mm
    clearance_mm : 0 or more
    datum : the side without clearance; None for clearance all round

    Returns
    -------
    a polygon that contains the crystal
    """
    grown = crystal.buffer(clearance_mm, quad_segs=_ROUND)
    if datum is None or clearance_mm == 0.0:
        return grown
    along = (datum.end_mm - datum.start_mm) / datum.length_mm * clearance_mm
    out = datum.outward * 1.5 * clearance_mm
    ends = np.array([datum.start_mm - along, datum.end_mm + along])
    beyond = Polygon([ends[0], ends[1], ends[1] + out, ends[0] + out])
    hole = unary_union([grown.difference(beyond), crystal])
    return hole if hole.geom_type == "Polygon" else max(hole.geoms, key=lambda part: part.area)


def pockets_of(
    outlines: Iterable[Outline],
    placements: Sequence[Placement],
    design: Design,
    corrections: Mapping[str, Correction] | None = None,
) -> list[Pocket]:
    """Return the pockets of all placed crystals.

    Parameters
    ----------
    outlines : as scanned
    placements : where they are to lie
    design : clearance, datum edges, tilted floors
    corrections : by name; needed for tilted floors

    Raises
    ------
    ValueError : a placement without an outline, or tilted floors without corrections
    """
    known = {outline.name: outline for outline in outlines}
    found = []
    for each in placements:
        if each.name not in known:
            raise ValueError(f"the layout places {each.name}, of which there is no outline; add it, or take it out")
        if design.tilted_floors and (corrections is None or each.name not in corrections):
            raise ValueError(f"floors are to be tilted, and there is no correction of {each.name}; ask for flat floors")
        crystal = placed_outline(known[each.name], each)
        datum = datum_edge(np.asarray(crystal.exterior.coords)[:-1][:: _sense(crystal)]) if design.datum_edges else None
        slope = slope_of(corrections[each.name]) if design.tilted_floors and corrections else np.zeros(2)
        hole = hole_of(crystal, design.clearance_mm, datum)
        found.append(Pocket(each.name, each.plate, crystal, hole, datum, each.turn_deg, each.turned_over, slope))
    return found


def _sense(shape: Polygon) -> int:
    return 1 if shape.exterior.is_ccw else -1


def slope_of(correction: Correction) -> Float64Array:
    """Return the rise (2,) of a floor along x and y, mm per mm, that tilts a crystal by what its correction leaves."""
    from scipy.spatial.transform import Rotation

    tilt = np.radians([correction.tilt_x_deg, correction.tilt_y_deg, 0.0])
    n = Rotation.from_rotvec(tilt).as_matrix() @ np.array([0.0, 0.0, 1.0])
    if n[2] < 0.5:
        raise ValueError(f"{correction.name} is to be tilted by more than 60°, which no floor does; leave it out")
    return np.asarray(-n[:2] / n[2])


def check_walls(cut_outs: Sequence[tuple[str, Polygon]], design: Design, title: str = "the plate") -> None:
    """Raise ValueError where what is cut out of a plate leaves too thin a wall between, to a hole, or to the edge.

    Parameters
    ----------
    cut_outs : of each pocket or groove its name and its rim, mm
    design : the plate as this face is seen, its holes and the printer's wall
    title : what the plate is called
    """
    least = min(design.wall_mm, design.printer_wall_mm)
    shapes = [rim for _, rim in cut_outs] + [hole.shape for hole in design.holes]
    names = [f"pocket {name}" for name, _ in cut_outs] + [_name_of(hole) for hole in design.holes]
    _check_apart(shapes, names, least, design)
    rim: LineString = design.plate.exterior
    for shape, name in zip(shapes, names, strict=True):
        if not design.plate.contains(shape) or rim.distance(shape) < least - 1e-6:
            remedy = "pack again with a wider margin" if name.startswith("pocket") else "move it inwards (screws_mm)"
            raise ValueError(f"{name} leaves less than {least:g} mm to the edge of {title}; {remedy}")


def _name_of(hole: Hole) -> str:
    return f"the hole at {hole.x_mm:g}, {hole.y_mm:g}"


def _check_apart(shapes: Sequence[Polygon], names: Sequence[str], least: float, design: Design) -> None:
    first, second = STRtree(shapes).query(shapes, predicate="dwithin", distance=least - 1e-6)
    for i, j in zip(first, second, strict=True):
        if i < j:
            wall, pocket = shapes[i].distance(shapes[j]), names[i].startswith("pocket")
            remedy = f"pack again with a gap of {design.gap_mm:g} mm (wall + 2 × clearance)"
            raise ValueError(
                f"{names[i]} and {names[j]} leave a wall of {wall:.2f} mm, and the printer needs {least:g} mm; "
                + (remedy if pocket else "move one, or leave it out (screws_mm)")
            )
