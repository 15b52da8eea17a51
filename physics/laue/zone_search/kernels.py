"""Kernels of the search for a lattice: spots on many zones, bases of four normals, and the indices that they give.

A reciprocal lattice of unknown scale has eight numbers: its shape (five) and its orientation (three). The directions
of four of its vectors in general position, two numbers each, fix all eight, once the four have indices. As in
projective geometry these may be 100, 010, 001 and 111: all vectors of the lattice then have rational coordinates.
"""

import math
from typing import Any

import numpy as np
from numba import njit

NEVER = 12.0
"""Exponent beyond which a triple counts for nothing."""


@njit(cache=True)
def triple_product(a, b, c) -> Any:  # type: ignore[no-untyped-def]
    """Return a · (b × c) of three vectors."""
    return a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0])


@njit(cache=True)
def zone_memberships(normals, sigma_rad) -> Any:  # type: ignore[no-untyped-def]
    """Return of how many coplanar triples each normal is a part, (n,); low-index planes lie on the most zones.

    Parameters
    ----------
    normals : (n, 3) unit vectors
    sigma_rad : standard deviation of a normal's direction about any axis across it
    """
    n = normals.shape[0]
    out = np.zeros(n)
    for i in range(n):
        for j in range(i + 1, n):
            cos_ij = (normals[i] * normals[j]).sum()
            x = normals[i, 1] * normals[j, 2] - normals[i, 2] * normals[j, 1]
            y = normals[i, 2] * normals[j, 0] - normals[i, 0] * normals[j, 2]
            z = normals[i, 0] * normals[j, 1] - normals[i, 1] * normals[j, 0]
            for k in range(j + 1, n):
                det = x * normals[k, 0] + y * normals[k, 1] + z * normals[k, 2]
                cos_ik = normals[i, 0] * normals[k, 0] + normals[i, 1] * normals[k, 1] + normals[i, 2] * normals[k, 2]
                cos_jk = normals[j, 0] * normals[k, 0] + normals[j, 1] * normals[k, 1] + normals[j, 2] * normals[k, 2]
                sines = 3.0 - cos_ij * cos_ij - cos_ik * cos_ik - cos_jk * cos_jk
                exponent = det * det / (2.0 * sigma_rad * sigma_rad * sines)
                if exponent < NEVER:
                    weight = math.exp(-exponent)
                    out[i] += weight
                    out[j] += weight
                    out[k] += weight
    return out


@njit(cache=True)
def spread_over_zones(normals, order, tolerance_rad, most, on_one_zone) -> Any:  # type: ignore[no-untyped-def]
    """Choose normals in the given order, but only so many of one zone: all of one zone span no lattice.

    Parameters
    ----------
    normals : (n, 3) unit vectors
    order : (n,) numbers of the normals, the best first
    tolerance_rad : a normal as near as that to a zone's plane lies in it
    most : how many are chosen
    on_one_zone : how many of them may lie in one plane

    Returns
    -------
    (m,) their numbers
    """
    chosen = np.empty(most, np.int64)
    found = 0
    for candidate in order:
        crowded = False
        for a in range(found):
            on_plane = 0
            first, second = normals[chosen[a]], normals[candidate]
            across = math.sqrt(max(1e-12, 1.0 - (first * second).sum() ** 2))
            for b in range(found):
                if a != b and abs(triple_product(first, second, normals[chosen[b]])) < tolerance_rad * across:
                    on_plane += 1
            crowded |= on_plane > on_one_zone - 2
        if not crowded:
            chosen[found] = candidate
            found += 1
            if found == most:
                break
    return chosen[:found]


@njit(cache=True)
def _inverse(m, out) -> Any:  # type: ignore[no-untyped-def]
    """Write the inverse of a matrix (3, 3) and return its determinant; nothing is written of a singular one."""
    a = m[1, 1] * m[2, 2] - m[1, 2] * m[2, 1]
    b = m[1, 2] * m[2, 0] - m[1, 0] * m[2, 2]
    c = m[1, 0] * m[2, 1] - m[1, 1] * m[2, 0]
    det = m[0, 0] * a + m[0, 1] * b + m[0, 2] * c
    if abs(det) < 1e-12:
        return 0.0
    out[0, 0], out[1, 0], out[2, 0] = a / det, b / det, c / det
    out[0, 1] = (m[0, 2] * m[2, 1] - m[0, 1] * m[2, 2]) / det
    out[1, 1] = (m[0, 0] * m[2, 2] - m[0, 2] * m[2, 0]) / det
    out[2, 1] = (m[0, 1] * m[2, 0] - m[0, 0] * m[2, 1]) / det
    out[0, 2] = (m[0, 1] * m[1, 2] - m[0, 2] * m[1, 1]) / det
    out[1, 2] = (m[0, 2] * m[1, 0] - m[0, 0] * m[1, 2]) / det
    out[2, 2] = (m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]) / det
    return det


@njit(cache=True)
def _index(basis, inverse, normal, tolerance_rad, most, hkl) -> int:  # type: ignore[no-untyped-def]
    """Write the smallest indices whose direction meets the normal; returns the largest of them, 0 where none do."""
    x = inverse[0, 0] * normal[0] + inverse[0, 1] * normal[1] + inverse[0, 2] * normal[2]
    y = inverse[1, 0] * normal[0] + inverse[1, 1] * normal[1] + inverse[1, 2] * normal[2]
    z = inverse[2, 0] * normal[0] + inverse[2, 1] * normal[1] + inverse[2, 2] * normal[2]
    largest = max(abs(x), abs(y), abs(z))
    for size in range(1, most + 1):
        h, k, n = np.rint(size * x / largest), np.rint(size * y / largest), np.rint(size * z / largest)
        u = basis[0, 0] * h + basis[0, 1] * k + basis[0, 2] * n
        v = basis[1, 0] * h + basis[1, 1] * k + basis[1, 2] * n
        w = basis[2, 0] * h + basis[2, 1] * k + basis[2, 2] * n
        p, q, r = v * normal[2] - w * normal[1], w * normal[0] - u * normal[2], u * normal[1] - v * normal[0]
        if p * p + q * q + r * r < tolerance_rad * tolerance_rad * (u * u + v * v + w * w):
            hkl[0], hkl[1], hkl[2] = h, k, n
            return size
    return 0


@njit(cache=True)
def index_normals(normals, basis, tolerance_rad, most, hkl) -> Any:  # type: ignore[no-untyped-def]
    """Index normals (n, 3) on a reciprocal basis (3, 3), columns; writes hkl (n, 3), returns which (n,) have some."""
    inverse = np.empty((3, 3))
    indexed = np.zeros(normals.shape[0], np.bool_)
    if _inverse(basis, inverse) != 0.0:
        for i in range(normals.shape[0]):
            indexed[i] = _index(basis, inverse, normals[i], tolerance_rad, most, hkl[i]) > 0
    return indexed


@njit(cache=True)
def best_quadruples(normals, chosen, tolerance_rad, most, least_share, score, bases) -> None:  # type: ignore[no-untyped-def]
    """Try every four of the chosen normals as 100, 010, 001 and 111, and keep the bases that index the most.

    An indexed normal counts by how improbable that was: -ln of the share of the hemisphere that lies within the
    tolerance of a direction with indices as small as its own.

    Parameters
    ----------
    normals : (n, 3) unit vectors
    chosen : (m,) which of them are tried
    tolerance_rad : a normal as near as that to a direction has its indices
    most : largest index
    least_share : the fourth's smallest coordinate relative to its largest: below it, three of the four lie in a plane
    score, bases : (k,) and (k, 3, 3), the best first; -1 where none was found
    """
    gain = np.zeros(most + 1)
    for size in range(1, most + 1):
        gain[size] = max(
            0.0, -math.log(tolerance_rad**2 * ((2 * size + 1) ** 3 - 1) / 4.8)
        )  # 1 in zeta(3) is primitive
    basis, inverse, hkl = np.empty((3, 3)), np.empty((3, 3)), np.empty(3)
    trial, trial_inverse = np.empty((3, 3)), np.empty((3, 3))
    score[:] = -1.0
    for a in range(chosen.shape[0]):
        for b in range(a + 1, chosen.shape[0]):
            for c in range(b + 1, chosen.shape[0]):
                for i in range(3):
                    basis[i, 0] = normals[chosen[a], i]
                    basis[i, 1] = normals[chosen[b], i]
                    basis[i, 2] = normals[chosen[c], i]
                if abs(_inverse(basis, inverse)) < 1e-3:
                    continue
                for d in range(c + 1, chosen.shape[0]):
                    share = inverse @ normals[chosen[d]]
                    size = np.abs(share)
                    if size.min() < least_share * size.max():
                        continue
                    for i in range(3):
                        trial[:, i] = basis[:, i] * share[i]
                        trial_inverse[i] = inverse[i] / share[i]
                    total = 0.0
                    for i in range(normals.shape[0]):
                        total += gain[_index(trial, trial_inverse, normals[i], tolerance_rad, most, hkl)]
                    place = score.shape[0] - 1
                    if total > score[place]:
                        while place > 0 and score[place - 1] < total:
                            score[place] = score[place - 1]
                            bases[place] = bases[place - 1]
                            place -= 1
                        score[place] = total
                        bases[place] = trial
