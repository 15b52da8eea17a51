"""Placing in a simulation: errors whose sizes no forecast is told."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.forecast.errors import PlacingErrors
from beamgym.physics.mosaic.forecast.monte_carlo import PlannedCrystal, in_plane_turns
from beamgym.physics.mosaic.plate import PlateCrystal, SimulatedPlate
from beamgym.physics.mosaic.records import Placement


@dataclass(frozen=True)
class HiddenErrors:
    """How well one person with one printer places crystals.

    Parameters
    ----------
    play, edge, floor, glue : sizes of the errors, as multiples of what ``PlacingErrors`` expects
    """

    play: float
    edge: float
    floor: float
    glue: float

    @classmethod
    def drawn(cls, seed: int, widest: float = 1.6) -> "HiddenErrors":
        """Draw the sizes, each between 1 / ``widest`` and ``widest`` times what is expected, even in the logarithm."""
        rng = np.random.default_rng([seed, 77])
        return cls(*(float(size) for size in np.exp(rng.uniform(-1.0, 1.0, 4) * np.log(widest))))


def placed_misalignment(
    crystals: Sequence[PlannedCrystal], hidden: HiddenErrors, seed: int, expected: PlacingErrors | None = None
) -> Float64Array:
    """Return by how much crystals are misaligned once they are placed, what indexing did wrong left aside.

    Parameters
    ----------
    crystals : with the free turn of each
    hidden : sizes of the errors
    seed : of the errors
    expected : what the sizes are multiples of

    Returns
    -------
    (n, 3) rotation vectors of placing alone, degrees: tilts by floor and glue, turns by play or the datum edge
    """
    e, rng = expected or PlacingErrors(), np.random.default_rng([seed, 78])
    n = len(crystals)
    found = np.zeros((n, 3))
    found[:, :2] = hidden.floor * e.floor_deg * rng.standard_normal((n, 2))
    found[:, :2] += hidden.glue * e.glue_deg * rng.standard_normal((n, 2))
    found[:, 2] = in_plane_turns(crystals, e, hidden.play, hidden.edge, rng)
    return found


def placed_crystals(
    plate: SimulatedPlate,
    placements: Sequence[Placement],
    misalignment: ArrayLike,
    designed_deg: ArrayLike | None = None,
) -> list[PlateCrystal]:
    """Return a simulated plate's crystals freed of their glue and laid as planned, with the errors of placing.

    Parameters
    ----------
    plate : as it was scanned, with its truth
    placements : of crystals of that plate
    misalignment : (n, 3) of each placement, see ``placed_misalignment``
    designed_deg : (n, 2) rotation vectors about x and y by which floors or grooves are to tilt them; none by default

    Raises
    ------
    ValueError : a placement of a crystal that the plate does not have
    """
    known = {each.name: each for each in plate.crystals}
    found = []
    designed = np.zeros((len(placements), 2)) if designed_deg is None else np.asarray(designed_deg, dtype=np.float64)
    for placement, off, floor in zip(placements, np.asarray(misalignment, dtype=np.float64), designed, strict=True):
        if placement.name not in known:
            raise ValueError(f"the layout places {placement.name}, which the simulated plate does not have")
        wrong, meant = Rotation.from_rotvec([[*off[:2], 0.0], [*floor, 0.0]], degrees=True).as_matrix()
        tilt = wrong @ meant
        where = (placement.x_mm, placement.y_mm, placement.turn_deg)
        found.append(known[placement.name].placed(*where, float(off[2]), tilt, turned_over=placement.turned_over))
    return found
