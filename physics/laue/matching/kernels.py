"""Kernels of the indexer: the map of ray directions, the vote over peak pairs, the exact match.

Directions d and -d are one ray, so a direction is looked up on three faces of a cube (the face of its largest
component), each divided by that component: antipodes fall on the same cell.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from beamgym.physics.arrays import Float64Array, Int64Array

NOTHING = np.uint8(255)
"""Level of a cell that no ray comes near."""


@njit(cache=True)
def paint_map(directions, levels, tolerance_rad, resolution) -> NDArray[np.uint8]:  # type: ignore[no-untyped-def]
    """Paint every ray's cap of radius ``tolerance_rad`` onto the cube map.

    Parameters
    ----------
    directions : (m, 3) unit vectors, one of each antipodal pair
    levels : (m,) uint8, the ray's |q| in steps; a cell keeps the smallest that covers it
    tolerance_rad : radius of the cap
    resolution : cells along one edge of a face

    Returns
    -------
    (3 * resolution * resolution,) uint8, 255 where no ray is near
    """
    cells = np.full(3 * resolution * resolution, NOTHING, dtype=np.uint8)
    cos_tolerance = math.cos(tolerance_rad)
    for ray in range(directions.shape[0]):
        for face in range(3):
            main = directions[ray, face]
            if abs(main) < 0.5:
                continue
            one = directions[ray, (face + 1) % 3]
            two = directions[ray, (face + 2) % 3]
            u, v = one / main, two / main
            half = 1.5 * tolerance_rad * (1.0 + u * u + v * v)
            low_u = max(0, math.floor((u - half + 1.0) * 0.5 * resolution))
            high_u = min(resolution - 1, math.floor((u + half + 1.0) * 0.5 * resolution))
            low_v = max(0, math.floor((v - half + 1.0) * 0.5 * resolution))
            high_v = min(resolution - 1, math.floor((v + half + 1.0) * 0.5 * resolution))
            for i in range(low_u, high_u + 1):
                cell_u = (i + 0.5) * 2.0 / resolution - 1.0
                for j in range(low_v, high_v + 1):
                    cell_v = (j + 0.5) * 2.0 / resolution - 1.0
                    length = math.sqrt(1.0 + cell_u * cell_u + cell_v * cell_v)
                    if abs(main + one * cell_u + two * cell_v) >= cos_tolerance * length:
                        cell = (face * resolution + i) * resolution + j
                        cells[cell] = min(cells[cell], levels[ray])
    return cells


@njit(cache=True)
def look_up(cells, resolution, x, y, z) -> np.uint8:  # type: ignore[no-untyped-def]
    """Return the level of the cell in the direction (x, y, z)."""
    size_x, size_y, size_z = abs(x), abs(y), abs(z)
    if size_x >= size_y and size_x >= size_z:
        face, u, v = 0, y / x, z / x
    elif size_y >= size_z:
        face, u, v = 1, z / y, x / y
    else:
        face, u, v = 2, x / z, y / z
    i = min(int((u + 1.0) * 0.5 * resolution), resolution - 1)
    j = min(int((v + 1.0) * 0.5 * resolution), resolution - 1)
    return cells[(face * resolution + i) * resolution + j]  # type: ignore[no-any-return]


@njit(cache=True)
def count_votes(u, normals, limits, cells, resolution, needed) -> int:  # type: ignore[no-untyped-def]
    """Count the peaks that some ray of low enough |q| lies near, for one orientation.

    Parameters
    ----------
    u : (3, 3) orientation, crystal to lab
    normals : (p, 3) plane normals of the peaks, lab
    limits : (p,) uint8, the highest level each peak may match: |q| <= 2 sin(theta) E_max / hc
    cells, resolution : the map of paint_map
    needed : votes below which the count may be abandoned

    Returns
    -------
    number of peaks that match, or a smaller number when ``needed`` was out of reach
    """
    votes = 0
    total = normals.shape[0]
    for k in range(total):
        a, b, c = normals[k, 0], normals[k, 1], normals[k, 2]
        x = u[0, 0] * a + u[1, 0] * b + u[2, 0] * c
        y = u[0, 1] * a + u[1, 1] * b + u[2, 1] * c
        z = u[0, 2] * a + u[1, 2] * b + u[2, 2] * c
        if look_up(cells, resolution, x, y, z) <= limits[k]:
            votes += 1
        elif votes + total - k - 1 < needed:
            return votes
    return votes


@njit(cache=True)
def first_at_least(table, row, value) -> int:  # type: ignore[no-untyped-def]
    """Return the first column of an ascending row of a table that holds ``value`` or more.

    A binary search of its own: numba takes seconds to compile numpy's.
    """
    low, high = 0, table.shape[1]
    while low < high:
        middle = (low + high) // 2
        if table[row, middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True)
def write_triad(vectors, first, others, second, out) -> None:  # type: ignore[no-untyped-def]
    """Write the right-handed frame (sum, difference, cross) of two rows of unit vectors as the columns of ``out``."""
    s = d = 0.0
    for i in range(3):
        out[i, 0] = vectors[first, i] + others[second, i]
        out[i, 1] = vectors[first, i] - others[second, i]
        s += out[i, 0] ** 2
        d += out[i, 1] ** 2
    s, d = 1.0 / math.sqrt(s), 1.0 / math.sqrt(d)
    for i in range(3):
        out[i, 0] *= s
        out[i, 1] *= d
    out[0, 2] = out[1, 0] * out[2, 1] - out[2, 0] * out[1, 1]
    out[1, 2] = out[2, 0] * out[0, 1] - out[0, 0] * out[2, 1]
    out[2, 2] = out[0, 0] * out[1, 1] - out[1, 0] * out[0, 1]


@njit(cache=True)
def turn_between(lab, crystal, out) -> None:  # type: ignore[no-untyped-def]
    """Write the rotation lab · crystalᵀ that takes one frame, in columns, to the other into ``out``."""
    for a in range(3):
        for b in range(3):
            out[a, b] = lab[a, 0] * crystal[b, 0] + lab[a, 1] * crystal[b, 1] + lab[a, 2] * crystal[b, 2]


@njit(cache=True)
def search_pairs(  # type: ignore[no-untyped-def]
    normals, limits, pairs, rays, ray_levels, seeds, cosines, order, tolerance_rad, cells, resolution, enough
) -> tuple[Float64Array, Int64Array, int]:
    """Find, for every pair of peaks, the orientation that most peaks agree with.

    A pair (i, j) fixes the orientation once i is assigned to a seed ray and j to a ray at the same angle from it
    (two-vector attitude, Black 1964, in its symmetric form: both share the error of the angle).

    Parameters
    ----------
    normals : (p, 3) plane normals of the peaks, lab
    limits : (p,) uint8 highest level each peak may match
    pairs : (k, 2) peak numbers
    rays : (m, 3) unit directions of the rays that orientations are made from, both signs
    ray_levels : (m,) uint8
    seeds : (r,) rays of which one per symmetry class suffices
    cosines, order : (r, m) cosine of the angle from the seed to every ray, ascending, and the ray it belongs to
    tolerance_rad : allowed difference of the angles
    cells, resolution : the map of paint_map
    enough : votes at which the search stops after the pair in hand

    Returns
    -------
    orientations (k, 3, 3) and votes (k,) of the best candidate of each pair, and the number of candidates tried
    """
    found = np.zeros((pairs.shape[0], 3, 3))
    votes = np.zeros(pairs.shape[0], dtype=np.int64)
    lab, crystal, u = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    tried = 0
    best = 0
    for k in range(pairs.shape[0]):
        i, j = pairs[k, 0], pairs[k, 1]
        cosine = normals[i, 0] * normals[j, 0] + normals[i, 1] * normals[j, 1] + normals[i, 2] * normals[j, 2]
        angle = math.acos(min(1.0, max(-1.0, cosine)))
        low, high = math.cos(min(math.pi, angle + tolerance_rad)), math.cos(max(0.0, angle - tolerance_rad))
        write_triad(normals, i, normals, j, lab)
        for s in range(seeds.shape[0]):
            seed = seeds[s]
            if ray_levels[seed] > limits[i]:
                continue
            for column in range(first_at_least(cosines, s, low), cosines.shape[1]):
                if cosines[s, column] > high:
                    break
                other = order[s, column]
                if ray_levels[other] > limits[j]:
                    continue
                write_triad(rays, seed, rays, other, crystal)
                turn_between(lab, crystal, u)
                tried += 1
                # half of the best so far may still overtake it once refined; below that there is no hope
                count = count_votes(u, normals, limits, cells, resolution, max(votes[k] + 1, best // 2))
                if count > votes[k]:
                    votes[k] = count
                    found[k] = u
        best = max(best, votes[k])
        if best >= enough:
            break
    return found, votes, tried


@njit(cache=True)
def match_peaks(  # type: ignore[no-untyped-def]
    u, normals, sines, directions, heights, ray, rank, limit, q, first, order, low_kev, high_kev, tolerance_rad, half_hc
) -> tuple[Int64Array, Float64Array]:
    """Assign to each peak the nearest ray within the tolerance that has a harmonic inside the band.

    Parameters
    ----------
    u : (3, 3) orientation, crystal to lab
    normals : (p, 3) plane normals, lab; sines : (p,) sin(theta) of the peaks
    directions : (m, 3) unit directions of both signs, ascending in z; heights : (1, m) that z
    ray : (m,) the ray each direction belongs to
    rank : (rays,) their order of brightness; those from ``limit`` on are out of play
    q : (rays,) |q| of the primitive reflection, 1/Å; first, order : harmonics as in ReflectionTable
    low_kev, high_kev : band
    tolerance_rad : largest angle between peak and ray
    half_hc : hc / 2 in keV Å

    Returns
    -------
    (p,) row of ``directions`` or -1, and (p,) angle in radians (the tolerance where none)
    """
    peaks = normals.shape[0]
    matched = np.full(peaks, -1, dtype=np.int64)
    distance = np.full(peaks, tolerance_rad)
    v = np.empty(3)
    for k in range(peaks):
        for a in range(3):
            v[a] = u[0, a] * normals[k, 0] + u[1, a] * normals[k, 1] + u[2, a] * normals[k, 2]
        start = first_at_least(heights, 0, v[2] - tolerance_rad)
        for row in range(start, directions.shape[0]):
            if directions[row, 2] > v[2] + tolerance_rad:
                break
            x, y, z = directions[row, 0] - v[0], directions[row, 1] - v[1], directions[row, 2] - v[2]
            chord = math.sqrt(x * x + y * y + z * z)
            if chord >= distance[k] or rank[ray[row]] >= limit:
                continue
            energy = half_hc * q[ray[row]] / sines[k]
            for harmonic in range(first[ray[row]], first[ray[row] + 1]):
                if low_kev <= order[harmonic] * energy <= high_kev:
                    distance[k] = chord
                    matched[k] = row
                    break
    return matched, distance
