"""Packs with spyrrow, which lays pieces into a strip of stated height as short as it can; plates are made of strips."""

import threading
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from shapely.geometry import Polygon

from beamgym.physics.mosaic.packing.fill import Layout, fill, leftmost
from beamgym.physics.mosaic.packing.pieces import Piece
from beamgym.physics.mosaic.packing.plates import HolderPlate
from beamgym.physics.mosaic.packing.search import (
    Told,
    footprint_mm2,
    moved_to,
    shrunk_about,
    without_collisions,
)

_MORE_MM = 1e-3
"""Added to the distance that spyrrow keeps: it calculates in single precision."""
_FULL = 0.80
"""Share of a plate that pieces with half their gaps around them fill in a good packing."""
_TOO_FEW = "spyrrow cannot lay these few pieces on so high a strip; take the solver shapely"
_RUNS = 3
"""Numbers of pieces that are tried for a plate that cannot take all."""


class StripFailed(ValueError):
    """spyrrow gave up, as it does where a few small pieces make a strip that is narrower than its gaps."""


def is_installed() -> bool:
    """Return whether spyrrow can be imported."""
    return find_spec("spyrrow") is not None


def fullest_by_strips(
    pieces: Sequence[Piece], plates: Sequence[HolderPlate], gap_mm: float, seconds: float, seed: int, told: Told
) -> tuple[list[Layout], list[Piece]]:
    """Return layouts with much mass, one per plate, and what is left over.

    Pieces with most mass for their place go into a strip of a plate's height, as many as end within the plate; what
    lies over the edge or on a free place is taken out, and whatever still fits is laid into the gaps.
    """
    layouts: list[Layout] = []
    left = list(pieces)
    for k, plate in enumerate(plates):
        share = 1.0 / len(plates)
        layout, left = _fill_plate(left, plate, gap_mm, seconds * share, seed, _part(told, k * share, share))
        layouts.append(layout)
    return layouts, left


def smallest_by_strip(
    pieces: Sequence[Piece], plate: HolderPlate, gap_mm: float, seconds: float, seed: int, told: Told
) -> Layout:
    """Return the layout of all pieces on a rectangle of the plate's height, as short as spyrrow makes it."""
    layout = shrunk_about(_strip(pieces, plate, gap_mm, seconds, seed, told))
    kept, loose = without_collisions(layout)
    while left := fill(kept, loose, leftmost):
        wider = layout.plate.width_mm * 1.01
        shift = (layout.plate.width_mm - wider) / 2.0
        layout = moved_to(kept, plate.resized(wider, plate.height_mm), shift, 0.0)
        kept, loose = without_collisions(layout)
        loose = [*loose, *left]
    return kept


def _fill_plate(
    pieces: list[Piece], plate: HolderPlate, gap_mm: float, seconds: float, seed: int, told: Told
) -> tuple[Layout, list[Piece]]:
    if not pieces:
        return Layout(plate, gap_mm), []
    ranked = sorted(pieces, key=lambda piece: -piece.mass_mg / footprint_mm2(piece, gap_mm))
    taken = np.cumsum([footprint_mm2(piece, gap_mm) for piece in ranked])
    room = plate.region.bounds[2] - plate.region.bounds[0]
    area = plate.region.area * _FULL
    best: tuple[Layout, list[Piece]] | None = None
    for k in range(_RUNS):
        number = max(int(np.searchsorted(taken, area)), 1)
        strip = _strip(ranked[:number], plate, gap_mm, seconds / _RUNS, seed + k, _part(told, k / _RUNS, 1.0 / _RUNS))
        layout, left = _cut(strip, plate, ranked)
        if best is None or layout.mass_mg > best[0].mass_mg:
            best = (layout, left)
        if not left or plate.shape == "circle":
            break
        area *= room / _length(strip)
    assert best is not None
    told(1.0)
    return best


def _cut(strip: Layout, plate: HolderPlate, pieces: Sequence[Piece]) -> tuple[Layout, list[Piece]]:
    """Lay a strip onto a plate from the left (the middle of a circle), and fill up what it leaves free."""
    left = min(shape.bounds[0] for shape in strip.shapes())
    shift = -(left + _length(strip) / 2.0) if plate.shape == "circle" else plate.region.bounds[0] - left
    layout, _ = without_collisions(moved_to(strip, plate, shift, 0.0))
    laid = {piece.name for piece, *_ in layout.lying}
    loose = sorted((piece for piece in pieces if piece.name not in laid), key=lambda piece: -piece.mass_mg)
    return layout, fill(layout, loose, leftmost)


def _length(strip: Layout) -> float:
    shapes = strip.shapes()
    return float(max(shape.bounds[2] for shape in shapes) - min(shape.bounds[0] for shape in shapes))


def _strip(pieces: Sequence[Piece], plate: HolderPlate, gap_mm: float, seconds: float, seed: int, told: Told) -> Layout:
    """Return a strip of the plate's inner height, its middle at y = 0; it may be longer than the plate."""
    import spyrrow

    pieces = [piece.on(plate.back) for piece in pieces]
    gap = gap_mm + _MORE_MM
    low, high = plate.region.bounds[1], plate.region.bounds[3]
    if sum(Polygon(piece.polygon_mm).area for piece in pieces) <= 1.1 * gap * (high - low + 2.0 * gap):
        raise StripFailed(_TOO_FEW)  # spyrrow begins with a strip of their area, of which its gaps leave nothing
    items = [
        spyrrow.Item(str(i), [(float(x), float(y)) for x, y in piece.polygon_mm], 1, list(piece.turns_deg))
        for i, piece in enumerate(pieces)
    ]
    # spyrrow keeps the gap from the strip's edges too; a plate has its own edge.
    instance = spyrrow.StripPackingInstance("plate", high - low + 2.0 * gap, items)
    config = spyrrow.StripPackingConfig(
        early_termination=True,
        min_items_separation=gap,
        total_computation_time=max(round(seconds), 2),
        num_workers=1,
        seed=seed,
    )
    solution = _solved(instance, config, max(round(seconds), 2), told)
    found = Layout(plate, gap_mm)
    for item in solution.placed_items:
        piece = pieces[int(item.id)]
        turn = min(piece.turns_deg, key=lambda t: abs((t - item.rotation + 180.0) % 360.0 - 180.0))
        found.put(piece, turn, item.translation[0], item.translation[1] + low - gap)
    return found


def _solved(instance: Any, config: Any, seconds: float, told: Told) -> Any:
    """Solve in a thread, and tell the share of the time that is over."""
    answers: list[Any] = []
    errors: list[BaseException] = []

    def solve() -> None:
        try:
            answers.append(instance.solve(config))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=solve, daemon=True)
    begun = time.monotonic()
    thread.start()
    while thread.is_alive():
        thread.join(0.2)
        told(min((time.monotonic() - begun) / seconds, 1.0))
    if errors:
        if type(errors[0]).__name__ != "PanicException":  # pyo3's, of spyrrow itself; it has no name to import
            raise errors[0]
        raise StripFailed(_TOO_FEW) from None
    return answers[0]


def _part(told: Told, begun: float, share: float) -> Told:
    return lambda done: told(begun + share * done)
