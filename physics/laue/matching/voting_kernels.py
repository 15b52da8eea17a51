"""Kernel of a search among many false peaks: an orientation is dropped as soon as too few peaks vote for it.

The test is sequential (Wald, Ann. Math. Statist. 16 (1945) 117): peaks stand in any order but that of the frames,
and an orientation must have had some votes after every eighth of them. Most need no more than sixteen looks.
"""

import math

import numpy as np
from numba import njit

from beamgym.physics.laue.matching import kernels

_BETWEEN = 8


@njit(cache=True)
def _votes(u, normals, limits, cells, resolution, least) -> int:  # type: ignore[no-untyped-def]
    """Count the peaks that vote for an orientation; −1 once they are fewer than ``least`` (p + 1,) of so many peaks."""
    count = 0
    for p in range(normals.shape[0]):
        a, b, c = normals[p, 0], normals[p, 1], normals[p, 2]
        x = u[0, 0] * a + u[1, 0] * b + u[2, 0] * c
        y = u[0, 1] * a + u[1, 1] * b + u[2, 1] * c
        z = u[0, 2] * a + u[1, 2] * b + u[2, 2] * c
        if kernels.look_up(cells, resolution, x, y, z) <= limits[p]:
            count += 1
        if p % _BETWEEN == _BETWEEN - 1 and count < least[p + 1]:
            return -1
    return count if count >= least[normals.shape[0]] else -1


@njit(cache=True)
def _cosines(one, two, tolerance_rad) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Return the least and the largest cosine of two unit vectors' angle, within a tolerance."""
    angle = math.acos(min(1.0, max(-1.0, one[0] * two[0] + one[1] * two[1] + one[2] * two[2])))
    return math.cos(min(math.pi, angle + tolerance_rad)), math.cos(max(0.0, angle - tolerance_rad))


@njit(cache=True)
def vote_pairs(  # type: ignore[no-untyped-def]
    normals,
    limits,
    pairs,
    rays,
    ray_levels,
    seeds,
    cosines,
    order,
    tolerance_rad,
    cells,
    resolution,
    least,
    best,
    votes,
) -> int:
    """Find the orientations with the most votes among all that pairs of peaks may have.

    Parameters
    ----------
    normals, limits, pairs, rays, ray_levels, seeds, cosines, order, tolerance_rad, cells, resolution : as search_pairs
    least : (p + 1,) fewest votes that an orientation must have after so many peaks
    best, votes : (k, 3, 3) and (k,), written: those with the most votes; 0 votes where there are fewer

    Returns
    -------
    how many orientations were tried
    """
    lab, crystal, u = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    tried, weakest = 0, 0
    for pair in range(pairs.shape[0]):
        i, j = pairs[pair, 0], pairs[pair, 1]
        low, high = _cosines(normals[i], normals[j], tolerance_rad)
        kernels.write_triad(normals, i, normals, j, lab)
        for s in range(seeds.shape[0]):
            if ray_levels[seeds[s]] > limits[i]:
                continue
            column = kernels.first_at_least(cosines, s, low)
            while column < cosines.shape[1] and cosines[s, column] <= high:
                other = order[s, column]
                column += 1
                if ray_levels[other] > limits[j]:
                    continue
                kernels.write_triad(rays, seeds[s], rays, other, crystal)
                kernels.turn_between(lab, crystal, u)
                tried += 1
                count = _votes(u, normals, limits, cells, resolution, least)
                if count > votes[weakest]:
                    votes[weakest], best[weakest] = count, u
                    weakest = int(np.argmin(votes))
    return tried
