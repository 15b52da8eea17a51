"""A crystal that another instrument has oriented: what a diffractometer needs to begin with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array, Int64Array
from beamgym.physics.diffractometer.geometry import positions_of
from beamgym.physics.diffractometer.lattice import KnownCell, lattice_of
from beamgym.physics.diffractometer.presets import Diffractometer
from beamgym.physics.orientation import check_rotation

PRIOR_DEG = 5.0
"""Error of an orientation after a crystal was carried from one instrument to another, one standard deviation."""
_APART_DEG = 20.0


@dataclass(frozen=True, eq=False)
class FirstReflections:
    """Where to look for the first reflections.

    Parameters
    ----------
    hkl : (n, 3) strong ones in different directions, the strongest first
    degrees : (n, k) positions of all axes
    """

    hkl: Int64Array
    degrees: Float64Array


def first_reflections(
    instrument: Diffractometer, known: KnownCell, u: ArrayLike, wavelength_a: float, count: int = 6
) -> FirstReflections:
    """Return strong reflections within the limits, at least 20° apart, for a crystal whose orientation is known.

    Parameters
    ----------
    instrument : the axes
    known : the crystal
    u : (3, 3) crystal Cartesian to mount frame
    wavelength_a : Å
    count : how many at most

    Raises
    ------
    ValueError : u is no rotation, or no reflection can be reached
    """
    ub = check_rotation(u, "u") @ known.b_matrix
    most = max(abs(limit) for axis in instrument.arm.axes for limit in axis.limits)
    reach = 2.0 * float(np.sin(np.radians(0.5 * min(most, 100.0)))) / wavelength_a
    lattice = lattice_of(known, reach, wavelength_a)
    order = np.lexsort((lattice.length, -np.round(lattice.strength, 9)))[:600]
    found = positions_of(instrument, lattice.hkl[order] @ ub.T, wavelength_a)
    chosen: list[int] = []
    units: list[Float64Array] = []
    for place in np.flatnonzero(found.reachable):
        unit = ub @ lattice.hkl[order[place]]
        unit = unit / np.linalg.norm(unit)
        if all(abs(unit @ other) < np.cos(np.radians(_APART_DEG)) for other in units):
            chosen.append(int(place))
            units.append(unit)
        if len(chosen) == count:
            break
    if not chosen:
        raise ValueError(
            f"{instrument.name} reaches no reflection of {known.name} at {wavelength_a:g} Å; try a shorter wavelength"
        )
    return FirstReflections(lattice.hkl[order][chosen], found.degrees[chosen])
