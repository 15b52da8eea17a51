"""Checks a packing from its outlines and placements alone: overlaps, gaps, edges, free places, twice or unknown."""

from collections.abc import Iterable, Sequence

from shapely import STRtree
from shapely.geometry import Polygon

from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.packing.pieces import placed_outline
from beamgym.physics.mosaic.packing.plates import HolderPlate
from beamgym.physics.mosaic.records import Placement, plate_title

_ROUNDING_MM = 5e-4
"""Tables of places and corners have four decimals; half a micrometre is what that may cost."""
_OVERLAP_MM2 = 1e-6


def check_packing(
    outlines: Iterable[Outline], placements: Sequence[Placement], plates: Sequence[HolderPlate], gap_mm: float
) -> list[str]:
    """Return what is wrong with a packing, one line each; nothing where all is well.

    Parameters
    ----------
    outlines : as scanned
    placements : where each is to lie
    plates : that the placements number
    gap_mm : least distance between two crystals, and of a crystal from a free place
    """
    known = {outline.name: outline for outline in outlines}
    names = [placement.name for placement in placements]
    lines = [f"{name} is placed twice" for name in sorted({name for name in names if names.count(name) > 1})]
    lines += [f"{name} is placed and has no outline" for name in names if name not in known]
    numbers = range(len(plates))
    both = any(plate.back for plate in plates)
    lines += [
        f"{p.name} lies on {plate_title(p.plate, both)}, which is not there"
        for p in placements
        if p.plate not in numbers
    ]
    drawn = [(p.plate, p.name, placed_outline(known[p.name], p)) for p in placements if p.name in known]
    for number, plate in enumerate(plates):
        lying = [(name, shape) for its_plate, name, shape in drawn if its_plate == number]
        lines += wrong_on_plate(lying, plate, gap_mm)
    return lines


def wrong_on_plate(lying: Sequence[tuple[str, Polygon]], plate: HolderPlate, gap_mm: float) -> list[str]:
    """Return what is wrong with crystals on one plate, by their names and where they lie, one line each."""
    return _on_plate(lying, plate, gap_mm) + _between(lying, gap_mm)


def _on_plate(lying: Sequence[tuple[str, Polygon]], plate: HolderPlate, gap_mm: float) -> list[str]:
    edge, whole = plate.outline.exterior, plate.outline
    lines = []
    for name, shape in lying:
        if not whole.contains(shape):
            lines.append(f"{name} lies over the plate's edge")
        elif (near := edge.distance(shape)) < plate.edge_mm - _edge_rounding(plate):
            lines.append(f"{name} is {near:.3f} mm from the plate's edge, not {plate.edge_mm:g} mm")
        for place, disc in zip(plate.free_places, plate.obstacles, strict=True):
            if (near := disc.distance(shape)) < gap_mm - _ROUNDING_MM:
                lines.append(f"{name} is {near:.3f} mm from {place.name}, not {gap_mm:g} mm")
    return lines


def _edge_rounding(plate: HolderPlate) -> float:
    """Circles are polygons here: the edge and the region have corners at the same angles, straight pieces between."""
    return _ROUNDING_MM if plate.shape == "rectangle" else 1e-3 * plate.edge_mm + _ROUNDING_MM


def _between(lying: Sequence[tuple[str, Polygon]], gap_mm: float) -> list[str]:
    shapes = [shape for _, shape in lying]
    if not shapes:
        return []
    lines = []
    for i, j in STRtree(shapes).query(shapes, predicate="dwithin", distance=gap_mm + _ROUNDING_MM).T:
        if i >= j:
            continue
        (one, first), (other, second) = lying[i], lying[j]
        near = first.distance(second)
        if first.intersection(second).area > _OVERLAP_MM2:
            lines.append(f"{one} and {other} lie on each other")
        elif near < gap_mm - _ROUNDING_MM:
            lines.append(f"{one} and {other} are {near:.3f} mm apart, not {gap_mm:g} mm")
    return lines
