"""What `pack` leaves where a person has laid it: rows of layout.csv that were changed or added."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.packing import HolderPlate, Piece
from beamgym.physics.mosaic.project.folder import Project
from beamgym.physics.mosaic.records import Placement

_OFF_DEG = 0.05
"""A turn that differs by more from every turn that brings the lattice about is said to be off."""


@dataclass(frozen=True)
class Staying:
    """What stays, and what is packed around it.

    Parameters
    ----------
    pieces : to be packed, those that stay among them
    fixed : where some of them stay
    left_out : by name, why a crystal is not packed
    notes : lines for the person
    """

    pieces: list[Piece]
    fixed: list[Placement]
    left_out: dict[str, str]
    notes: list[str]


def staying(
    project: Project,
    pieces: Sequence[Piece],
    covered: Mapping[bool, Sequence[Outline]],
    plates: Sequence[HolderPlate],
) -> Staying:
    """Return what a person's changes of layout.csv leave to be packed.

    Parameters
    ----------
    project : whose layout.csv it is
    pieces : that could be packed
    covered : what crystals cover on fronts (False) and on backs (True), the last one of a name
    plates : that are packed

    Notes
    -----
    A changed row stays as a whole, but for cells that the person left alone and that follow from a correction: the turn
    and the face are the correction's of today. A crystal that was added without a correction only takes up room.
    """
    changes = project.layout_changes()
    known = {piece.name: piece for piece in pieces if piece.name not in changes.removed}
    fixed, notes = [], []
    for row in changes.rows:
        heads, back = changes.heads[row.name], row.plate < len(plates) and plates[row.plate].back
        if row.name not in known and "name" in heads:
            shape = {outline.name: outline for outline in covered[back]}.get(row.name)
            if shape is not None:
                known[row.name] = Piece(row.name, shape.polygon_mm - shape.centre_mm, (row.turn_deg,), 0.0)
                notes.append(f"{row.name} has no correction: it takes up room, and counts for neither mass nor width")
        if row.name not in known:
            continue
        piece = known[row.name].on(back)
        nearest = min(piece.turns_deg, key=lambda turn: abs(_between(turn, row.turn_deg)))
        row = replace(
            row,
            turn_deg=row.turn_deg if "turn_deg" in heads else nearest,
            turned_over=row.turned_over if "turned_over" in heads else piece.turned_over,
        )
        if abs(off := _between(row.turn_deg, nearest)) > _OFF_DEG:
            notes.append(f"{row.name} is turned by {off:.2f}° away from the nearest turn of its correction")
        fixed.append(row)
    if fixed:
        names = sorted((row.name for row in fixed), key=list(known).index)
        notes.insert(0, f"packed around what you changed in layout.csv: {', '.join(names)}")
    gone = dict.fromkeys(changes.removed, "you removed its row from layout.csv")
    return Staying(list(known.values()), fixed, gone, notes)


def _between(turn_deg: float, other_deg: float) -> float:
    return (turn_deg - other_deg + 180.0) % 360.0 - 180.0
