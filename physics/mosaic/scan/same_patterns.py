"""Rotations of a lattice that a camera cannot see, though they are none of the crystal's symmetry."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from beamgym.physics.arrays import Float64Array
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import Crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.orientation import random_orientations

SAME_SHARE = 0.06
"""Root mean square of how far logarithms of intensities differ, below which nothing tells two patterns apart: spots of
real pictures scatter by 0.2, so that a hundred of them would have to agree to a third of that."""
SAME_MM = 0.2
"""Distance of two spots on the panel that are one: twice what a found spot scatters."""
SAME_PLACES = 0.9
"""Share of the spots that have one of the other pattern's at their place, at least."""
_PATTERNS, _SPOTS = 12, 80


def indistinguishable_rotations(
    crystal: Crystal, beam: Beam, detector: Detector, candidates: ArrayLike
) -> tuple[Float64Array, ...]:
    """Return, for each candidate that no pattern shows, its coset of the Laue class's rotations (k, 3, 3).

    In Sr4Ru3O10, for one, a and b differ by 0.04 % and the intensities of a pattern and of the same turned by 90°
    about c by 1 %.

    Parameters
    ----------
    crystal, beam, detector : what makes the patterns
    candidates : (c, 3, 3) rotations of the crystal that keep its spots' places, crystal Cartesian

    Notes
    -----
    Patterns of a few random orientations and of the same, turned, are compared spot by spot.
    """
    rotations = np.asarray(candidates, dtype=np.float64).reshape(-1, 3, 3)
    if not len(rotations):
        return ()
    model = LaueModel(crystal, beam, detector, brightest=2 * _SPOTS)
    u = random_orientations(make_keys(np.arange(_PATTERNS), 0, 0, 0))
    return tuple(
        crystal.rotations @ rotation for rotation in rotations if _differs(model, u, u @ rotation) < SAME_SHARE
    )


def _differs(model: LaueModel, u: Float64Array, turned: Float64Array) -> float:
    """Return the rms difference of log intensities of the brightest spots; large where places differ."""
    one, two = model.spots(u), model.spots(turned)
    ratios = []
    for k in range(len(u)):
        first = one.position_px[k, : min(int(one.count[k]), _SPOTS)].astype(np.float64)
        second = two.position_px[k, : int(two.count[k])].astype(np.float64)
        if not len(first) or not len(second):
            continue
        away, which = cKDTree(second).query(first)
        near = away * model.detector.pixel_mm < SAME_MM
        ratio = np.log(one.intensity[k, : len(first)][near] / two.intensity[k, which[near]])
        if near.mean() < SAME_PLACES:
            return 1.0
        ratios.append(ratio)
    together = np.concatenate(ratios) if ratios else np.ones(1)
    return float(np.sqrt(np.mean(np.clip(together, -1.0, 1.0) ** 2)))
