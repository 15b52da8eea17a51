"""How densely crystals pack: the figure by which packings are compared."""

from collections.abc import Sequence

from beamgym.physics.mosaic.packing.pack import Solver, pack
from beamgym.physics.mosaic.packing.pieces import Piece
from beamgym.physics.mosaic.packing.plates import HolderPlate, Spacing


def strip_density(
    pieces: Sequence[Piece],
    gap_mm: float,
    *,
    strip_mm: float = 40.0,
    solver: Solver = "both",
    seed: int = 0,
    tries: int = 4,
    seconds: float = 10.0,
) -> float:
    """Return the share of a strip that crystals cover which lie on it as densely as they are packed.

    Parameters
    ----------
    pieces : all of them are laid on the strip
    gap_mm : between neighbours, and between a crystal and the strip's edge
    strip_mm : height of the strip; its length is what the packing takes
    solver, seed, tries, seconds : as for ``pack``

    Returns
    -------
    area of the crystals over height times length of the strip, edges included
    """
    strip = HolderPlate(width_mm=10.0 * strip_mm, height_mm=strip_mm, edge_mm=gap_mm)
    spacing = Spacing(wall_mm=gap_mm, clearance_mm=0.0, thinnest_wall_mm=0.0)
    found = pack(
        pieces,
        [strip],
        spacing,
        objective="smallest plate",
        solver=solver,
        seed=seed,
        tries=tries,
        seconds=seconds,
    )
    return found.density[0]
