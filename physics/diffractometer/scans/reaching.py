"""Positions that bring a reflection into the slit, bisecting or not: the nearest one in time."""

from typing import Final

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.diffractometer import Diffractometer, positions_of

_OFF_DEG: Final = 45.0
"""From the bisecting position, at most: there a turn by chi still lifts a reflection by 0.7 of what it does."""
_REACH_DEG, _STEP_DEG = 90.0, 15.0


def nearest_positions(
    instrument: Diffractometer, q: Float64Array, wavelength_a: float, near: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Return the positions of vectors (n, 3) of the mount frame that are reached soonest.

    Parameters
    ----------
    instrument : the axes; the halved one is held at angles up to 45° from half of the arm's
    q : (n, 3) 1/Å
    wavelength_a : Å
    near : (k,) where the axes stand, degrees

    Returns
    -------
    degrees (n, k), NaN where nothing reaches it, and seconds (n,) of the longest move, infinite there
    """
    vectors = np.atleast_2d(np.asarray(q, dtype=np.float64))
    sine = np.clip(0.5 * wavelength_a * np.linalg.norm(vectors, axis=1), 0.0, 1.0)
    half = np.degrees(np.arcsin(sine))
    halved = instrument.names.index(instrument.halved)
    speed = np.array([axis.speed for axis in instrument.axes])
    best, fewest = np.full((len(vectors), len(near)), np.nan), np.full(len(vectors), np.inf)
    low, high = instrument.axes[halved].limits
    others = dict.fromkeys(instrument.sample.names[:-3], 0.0)
    for step in np.arange(-_REACH_DEG, _REACH_DEG + 0.5 * _STEP_DEG, _STEP_DEG):
        held = float(near[halved] + step)
        if not low <= held <= high or np.abs(held - half).min() > _OFF_DEG:
            continue
        found = positions_of(instrument, vectors, wavelength_a, {**others, instrument.halved: held}, near)
        seconds = np.max(np.abs(found.degrees - near) / speed, axis=1)
        sooner = found.reachable & (np.abs(held - half) <= _OFF_DEG) & (seconds < fewest)
        best[sooner], fewest[sooner] = found.degrees[sooner], seconds[sooner]
    return best, fewest
