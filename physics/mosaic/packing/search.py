"""Packs without spyrrow: pieces are laid down in several orders, and the best plate is kept."""

from collections.abc import Callable, Sequence

import numpy as np

from beamgym.physics.mosaic.packing.fill import Layout, Measure, fill, innermost, leftmost
from beamgym.physics.mosaic.packing.pieces import Piece
from beamgym.physics.mosaic.packing.plates import HolderPlate

Told = Callable[[float], None]
"""What hears the share that is done, 0 to 1."""

_SHARES = (1.0, 0.9, 0.8)
"""Of a plate's area, that the crystals with most mass for their place may take before the others have their turn."""
_SHAKEN = 0.15
"""Standard deviation of the logarithm by which sizes are shaken for another order."""
_WIDER = 1.01
"""Factor by which a plate grows at least that has proved too small."""
_NARROWER = 1.02
"""Factor by which a plate is made narrower as long as all pieces have room."""
_MISSING = 0.3
"""Share of the place that pieces without room need by which it grows otherwise."""


def fullest(
    pieces: Sequence[Piece], begun: Callable[[], list[Layout]], tries: int, seed: int, told: Told
) -> tuple[list[Layout], list[Piece]]:
    """Return the layouts with most mass of several tries, one per plate, and what is left over.

    ``begun`` makes the plates anew as each try begins with them, with what stays there lying on them.
    """
    best: tuple[float, list[Layout], list[Piece]] = (-1.0, [], [])
    for k in range(tries):
        layouts, left = _filled(_order(pieces, begun(), k, seed), begun())
        mass = sum(layout.mass_mg for layout in layouts)
        if mass > best[0]:
            best = (mass, layouts, left)
        told((k + 1) / tries)
        if not left:
            break
    return best[1], best[2]


def smallest(pieces: Sequence[Piece], plate: HolderPlate, gap_mm: float, tries: int, seed: int, told: Told) -> Layout:
    """Return the layout of all pieces on the smallest plate found: a circle as given, or a rectangle of its height.

    Raises
    ------
    ValueError : a piece that is larger than any such plate
    """
    best: tuple[Layout, list[Piece]] | None = None
    for k in range(tries):
        order = shaken(pieces, k, seed)
        layout = refitted(order, roomy(pieces, plate, gap_mm), gap_mm, Layout(plate, gap_mm))
        if best is None or layout.plate.width_mm < best[0].plate.width_mm:
            best = layout, order
        told((k + 1) / (tries + 1))
    assert best is not None
    return _tightened(*best)


def _tightened(layout: Layout, order: Sequence[Piece]) -> Layout:
    """Lay the same pieces anew on plates that are narrower each time, until they have no room beside free places."""
    while layout.plate.free_places:
        width = layout.plate.width_mm / _NARROWER
        height = width if layout.plate.shape == "circle" else layout.plate.height_mm
        tried = Layout(layout.plate.resized(width, height), layout.gap_mm)
        if tried.plate.width_mm >= layout.plate.width_mm or fill(tried, order, wished_side(tried.plate)):
            return layout
        layout = tried
    return layout


def refitted(pieces: Sequence[Piece], plate: HolderPlate, gap_mm: float, none_yet: Layout) -> Layout:
    """Lay pieces on a roomy plate, shrink the plate about them, and lay anew what the moved free places then forbid."""
    layout = Layout(plate, gap_mm)
    if left := fill(layout, pieces, wished_side(plate)):
        raise ValueError(too_large(left[0], none_yet.plate))
    shrunk = shrunk_about(layout)
    while True:
        kept, loose = without_collisions(shrunk)
        if not (left := fill(kept, loose, wished_side(plate))):
            return kept
        shrunk = _grown(kept, shrunk, plate, sum(footprint_mm2(piece, gap_mm) for piece in left))


def shrunk_about(layout: Layout) -> Layout:
    """Return the same pieces on the smallest plate of the same shape that holds them, whatever its free places."""
    plate = layout.plate
    shapes = layout.shapes()
    if plate.shape == "circle":
        reach = max(float(np.linalg.norm(np.asarray(shape.exterior.coords), axis=1).max()) for shape in shapes)
        # The region is drawn as a polygon inside its circle, hence the little more.
        diameter = 2.0 * (reach * 1.0004 + plate.edge_mm)
        return moved_to(layout, plate.resized(diameter, diameter), 0.0, 0.0)
    left, right = min(shape.bounds[0] for shape in shapes), max(shape.bounds[2] for shape in shapes)
    width = right - left + 2.0 * plate.edge_mm + 1e-6
    return moved_to(layout, plate.resized(width, plate.height_mm), -(left + right) / 2.0, 0.0)


def moved_to(layout: Layout, plate: HolderPlate, dx_mm: float, dy_mm: float) -> Layout:
    """Return the pieces of a layout on another plate, moved."""
    found = Layout(plate, layout.gap_mm)
    for piece, turn, x, y in layout.lying:
        found.put(piece, turn, x + dx_mm, y + dy_mm)
    return found


def without_collisions(layout: Layout) -> tuple[Layout, list[Piece]]:
    """Return a layout without the pieces that leave its plate or come too near to a free place, and those pieces."""
    region = layout.plate.region.buffer(1e-7)
    obstacles = layout.plate.obstacles
    found, loose = Layout(layout.plate, layout.gap_mm), []
    for shape, (piece, turn, x, y) in zip(layout.shapes(), layout.lying, strict=True):
        if region.contains(shape) and all(place.distance(shape) >= layout.gap_mm for place in obstacles):
            found.put(piece, turn, x, y)
        else:
            loose.append(piece)
    return found, sorted(loose, key=lambda piece: -piece.area_mm2)


def roomy(pieces: Sequence[Piece], plate: HolderPlate, gap_mm: float) -> HolderPlate:
    """Return a plate of the same shape, and of the same height where it is a rectangle, with room for all pieces."""
    across = max(float(np.ptp(piece.polygon_mm, axis=0).max()) for piece in pieces) * 1.5 + 2.0 * gap_mm
    area = 3.0 * sum(footprint_mm2(piece, gap_mm) for piece in pieces)
    if plate.shape == "circle":
        diameter = 2.0 * (np.sqrt(area / np.pi) + across + plate.edge_mm)
        return plate.resized(float(diameter), float(diameter))
    inner = plate.height_mm - 2.0 * plate.edge_mm
    return plate.resized(area / inner + 4.0 * across + 2.0 * plate.edge_mm, plate.height_mm)


def wished_side(plate: HolderPlate) -> Measure:
    """Return the measure by which pieces are laid: towards the middle of a circle, to the left of a rectangle."""
    return innermost if plate.shape == "circle" else leftmost


def too_large(piece: Piece, plate: HolderPlate) -> str:
    """Return the line that says that a piece fits on no such plate, with the remedy."""
    left, low, right, high = piece.turned(piece.turns_deg[0]).bounds
    size = f"{right - left:.1f} x {high - low:.1f} mm"
    return (
        f"{piece.name} is larger than the plate in every turn that is allowed to it ({size} in the first; the plate is "
        f"{plate.width_mm:g} x {plate.height_mm:g} mm with an edge of {plate.edge_mm:g} mm); take a larger plate"
    )


def footprint_mm2(piece: Piece, gap_mm: float) -> float:
    """Return the area that a piece takes with half the gap around it, mm²."""
    return float(piece.turned(0.0).buffer(gap_mm / 2.0).area)


def _grown(kept: Layout, tried: Layout, roomy_plate: HolderPlate, missing_mm2: float) -> Layout:
    """Return what lay on a plate on one a little larger, and what did not lie any more too, to be laid anew.

    It grows by a part of the place that is missing, so that a plate that is much too small is not tried many times.
    """
    plate = tried.plate
    wider = max(plate.width_mm * _WIDER, plate.width_mm + _MISSING * missing_mm2 / plate.height_mm)
    larger = roomy_plate.resized(wider, wider if plate.shape == "circle" else plate.height_mm)
    dx = 0.0 if plate.shape == "circle" else (plate.width_mm - wider) / 2.0
    laid = {piece.name for piece, *_ in kept.lying}
    outside = larger.width_mm + larger.height_mm
    grown = moved_to(kept, larger, dx, 0.0)
    for piece, turn, _, _ in tried.lying:
        if piece.name not in laid:
            grown.put(piece, turn, 10.0 * outside, 0.0)  # outside the plate: a collision, so that it is laid anew
    return grown


def _filled(order: Sequence[Piece], layouts: list[Layout]) -> tuple[list[Layout], list[Piece]]:
    left = list(order)
    for layout in layouts:
        left = fill(layout, left, leftmost)
    return layouts, left


def _order(pieces: Sequence[Piece], layouts: Sequence[Layout], k: int, seed: int) -> list[Piece]:
    """Return the k-th order: those with most mass for their place first where not all can lie, by size among them."""
    gap_mm = layouts[0].gap_mm
    stays = sum(footprint_mm2(piece, gap_mm) for layout in layouts for piece, *_ in layout.lying)
    area = (sum(layout.plate.region.area for layout in layouts) - stays) * _SHARES[k % len(_SHARES)]
    footprints = {piece.name: footprint_mm2(piece, gap_mm) for piece in pieces}
    ranked = sorted(pieces, key=lambda piece: -piece.mass_mg / footprints[piece.name])
    taken = np.cumsum([footprints[piece.name] for piece in ranked]) <= area
    first = [piece for piece, fits in zip(ranked, taken, strict=True) if fits]
    later = [piece for piece, fits in zip(ranked, taken, strict=True) if not fits]
    return [*shaken(first, k // len(_SHARES), seed), *later]


def shaken(pieces: Sequence[Piece], k: int, seed: int) -> list[Piece]:
    """Return the pieces by length along x (k = 0), by area (1), and then by lengths that are shaken at random."""
    if k == 1:
        return sorted(pieces, key=lambda piece: -piece.area_mm2)
    random = np.random.default_rng([seed, k])
    shaken = np.exp(_SHAKEN * random.standard_normal(len(pieces))) if k else np.ones(len(pieces))
    sizes = [-_length(piece) * factor for piece, factor in zip(pieces, shaken, strict=True)]
    return [pieces[i] for i in np.argsort(sizes, kind="stable")]


def _length(piece: Piece) -> float:
    left, _, right, _ = piece.turned(piece.turns_deg[0]).bounds
    return float(right - left)
