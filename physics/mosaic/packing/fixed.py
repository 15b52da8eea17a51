"""Crystals that stay where a person has laid them, while the others are packed around them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from shapely import affinity

from beamgym.physics.mosaic.packing.check import wrong_on_plate
from beamgym.physics.mosaic.packing.fill import Layout, fill
from beamgym.physics.mosaic.packing.pieces import Piece
from beamgym.physics.mosaic.packing.plates import HolderPlate
from beamgym.physics.mosaic.packing.search import (
    Told,
    footprint_mm2,
    roomy,
    shaken,
    too_large,
    wished_side,
)
from beamgym.physics.mosaic.records import Placement, plate_title


class StaysWrong(ValueError):
    """What is to stay where it lies cannot: it lies on something, over an edge, or on no plate."""


Fixed = Sequence[Sequence[tuple[Piece, float, float, float]]]
"""For each plate, what stays: the piece, its turn in degrees, and its place, x and y in mm."""

_DENSE = 0.75
"""Share of a plate that crystals with half their gaps cover at most; the search for the smallest begins there."""
_WIDER, _NARROWER = 1.15, 1.02
"""Factors by which a plate is made wider until all have room, and narrower as long as they have."""


def fixed_on(placements: Iterable[Placement], pieces: Mapping[str, Piece], plates: Sequence[HolderPlate]) -> Fixed:
    """Return what stays on each plate.

    Raises
    ------
    StaysWrong : a placement of no piece, or on a plate that is not there
    """
    found: list[list[tuple[Piece, float, float, float]]] = [[] for _ in plates]
    for each in placements:
        if each.name not in pieces:
            raise StaysWrong(f"{each.name} is to stay where it lies, and is none of the crystals; leave it out")
        if each.plate >= len(plates):
            title = plate_title(each.plate, any(plate.back for plate in plates))
            raise StaysWrong(f"{each.name} lies on {title}, which is not there")
        piece = pieces[each.name].on(plates[each.plate].back)
        if piece.turned_over != each.turned_over:
            mirrored = (piece.polygon_mm * [-1.0, 1.0])[::-1].copy()
            piece = replace(piece, polygon_mm=mirrored, turned_over=each.turned_over)
        found[each.plate].append((piece, each.turn_deg, each.x_mm, each.y_mm))
    return found


def check_fixed(fixed: Fixed, plates: Sequence[HolderPlate], gap_mm: float) -> None:
    """Raise StaysWrong where what stays lies too near to something; one line."""
    if lines := collisions(fixed, plates, gap_mm):
        raise StaysWrong(lines[0])


def collisions(fixed: Fixed, plates: Sequence[HolderPlate], gap_mm: float) -> list[str]:
    """Return which of the crystals that stay lie too near to each other, to an edge or to a free place, a line each."""
    return [
        line
        for laid, plate in zip(fixed, plates, strict=True)
        for line in wrong_on_plate(
            [(piece.name, affinity.translate(piece.turned(turn), x, y)) for piece, turn, x, y in laid], plate, gap_mm
        )
    ]


def laid_out(plates: Sequence[HolderPlate], gap_mm: float, fixed: Fixed) -> list[Layout]:
    """Return a layout for each plate on which only that lies which stays."""
    layouts = [Layout(plate, gap_mm) for plate in plates]
    for layout, laid in zip(layouts, fixed, strict=True):
        for each in laid:
            layout.put(*each)
    return layouts


def smallest_around(
    pieces: Sequence[Piece],
    plates: Sequence[HolderPlate],
    gap_mm: float,
    tries: int,
    seed: int,
    told: Told,
    fixed: Fixed,
) -> list[Layout]:
    """Return the layouts of all pieces on the smallest front found, and on its back where there is one.

    Parameters
    ----------
    pieces : that are laid; those that stay are not among them
    plates : the front, and its back where crystals lie there too
    gap_mm, tries, seed, told : see ``pack``
    fixed : keeps its place from the plate's middle, whatever the plate's size

    Raises
    ------
    ValueError : pieces that are larger than any such plate
    StaysWrong : what stays lies on each other, or on a free place of every such plate
    """
    best: list[Layout] | None = None
    for k in range(tries):
        found = _smallest_in_order(shaken(pieces, k, seed), plates, gap_mm, fixed)
        if best is None or found[0].plate.width_mm < best[0].plate.width_mm:
            best = found
        told((k + 1) / tries)
    assert best is not None
    return best


def _smallest_in_order(
    pieces: Sequence[Piece], plates: Sequence[HolderPlate], gap_mm: float, fixed: Fixed
) -> list[Layout]:
    laid = [piece for each in fixed for piece, *_ in each]
    widest = roomy([*pieces, *laid], plates[0], gap_mm).width_mm
    front = plates[0]
    tried = _tries(pieces, plates, gap_mm, fixed)
    area = sum(footprint_mm2(piece, gap_mm) for piece in [*pieces, *laid]) / (_DENSE * len(plates))
    inner = area**0.5 if front.shape == "circle" else area / max(front.height_mm - 2.0 * front.edge_mm, 1e-3)
    width, left = inner + 2.0 * front.edge_mm, pieces
    best: list[Layout] | None = None
    while best is None:
        best, left = tried(width)
        if best is None and width > widest:
            check_fixed(fixed, _sized(plates, width), gap_mm)
            if width > 2.0 * widest:
                raise ValueError(too_large(left[0], front))
        width *= _WIDER
    while True:
        now = best[0].plate.width_mm
        narrower, _ = tried(now / _NARROWER)
        if narrower is None or narrower[0].plate.width_mm >= now:
            return best
        best = narrower


def _tries(
    pieces: Sequence[Piece], plates: Sequence[HolderPlate], gap_mm: float, fixed: Fixed
) -> Callable[[float], tuple[list[Layout] | None, Sequence[Piece]]]:
    """Return what lays pieces on plates of a width: the layouts, or None, with the pieces that have no room then."""

    def tried(width_mm: float) -> tuple[list[Layout] | None, Sequence[Piece]]:
        sized = _sized(plates, width_mm)
        if collisions(fixed, sized, gap_mm):
            return None, ()
        layouts, left = laid_out(sized, gap_mm, fixed), list(pieces)
        for layout in layouts:
            left = fill(layout, left, wished_side(sized[0]))
        return (None if left else layouts), left

    return tried


def _sized(plates: Sequence[HolderPlate], width_mm: float) -> list[HolderPlate]:
    """Return a front, and its back where there is one, in another width, or diameter."""
    front = plates[0].resized(width_mm, width_mm if plates[0].shape == "circle" else plates[0].height_mm)
    return [front.seen_from_behind() if plate.back else front for plate in plates]
