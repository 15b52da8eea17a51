"""Lattices: from cells to B matrices, volumes and shortest translations; which reflections a centring allows."""

import math
from itertools import product

import numpy as np

from beamgym.physics.arrays import Float64Array

PRIMITIVE, BODY_CENTRED, RHOMBOHEDRAL = 1, 2, 3
"""Lattices by their points per cell: P, I, and R on hexagonal axes (obverse setting)."""

_COS60, _SIN60 = 0.5, math.sqrt(0.75)
_REACH = 3  # a translation of larger coefficients is never the shortest while angles lie within 70 to 110 degrees


def b_matrices(cells: Float64Array) -> Float64Array:
    """Return B, (n, 3, 3) in 1/Å, of cells (n, 6): a* along x, b* in the xy plane (Busing & Levy 1967)."""
    b = np.zeros((len(cells), 3, 3))
    right, hexagonal = _right(cells), _hexagonal(cells)
    for i, cell in enumerate(cells):
        b[i] = _right_b(cell) if right[i] else _hexagonal_b(cell) if hexagonal[i] else _oblique_b(cell)
    return b


def cell_volumes(cells: Float64Array) -> Float64Array:
    """Return the volumes (n,) Å³ of cells (n, 6)."""
    cosines = np.cos(np.radians(cells[:, 3:]))
    oblique = np.sqrt(1.0 - (cosines**2).sum(axis=1) + 2.0 * cosines.prod(axis=1))
    share = np.where(_right(cells), 1.0, np.where(_hexagonal(cells), _SIN60, oblique))
    volume: Float64Array = cells[:, 0] * cells[:, 1] * cells[:, 2] * share
    return volume


def shortest_translations(b: Float64Array) -> Float64Array:
    """Return the unit direction (n, 3) of each lattice's shortest translation, crystal Cartesian, from B (n, 3, 3)."""
    steps = np.array([step for step in product(range(-_REACH, _REACH + 1), repeat=3) if step > (0, 0, 0)])
    unit = np.empty((len(b), 3))
    for i, each in enumerate(b):
        vectors = steps @ np.linalg.inv(each)  # rows of B⁻¹ are a, b and c
        squared = (vectors**2).sum(axis=1)
        nearest = squared.argmin()
        unit[i] = vectors[nearest] / math.sqrt(squared[nearest])
    return unit


def _right(cells: Float64Array) -> Float64Array:
    right: Float64Array = (cells[:, 3:] == 90.0).all(axis=1)
    return right


def _hexagonal(cells: Float64Array) -> Float64Array:
    hexagonal: Float64Array = (cells[:, 3:] == (90.0, 90.0, 120.0)).all(axis=1) & (cells[:, 0] == cells[:, 1])
    return hexagonal


def _right_b(cell: Float64Array) -> Float64Array:
    return np.diag(1.0 / cell[:3])


def _hexagonal_b(cell: Float64Array) -> Float64Array:
    length = 1.0 / (_SIN60 * cell[0])
    return np.array(
        [[length, length * _COS60, 0.0], [0.0, length * _SIN60, 0.0], [0.0, 0.0, 1.0 / cell[2]]], dtype=np.float64
    )


def _oblique_b(cell: Float64Array) -> Float64Array:
    """Return B of any cell (3, 3), from the Cholesky factor of the reciprocal metric."""
    edges, cosines = cell[:3], np.cos(np.radians(cell[3:]))
    angles = np.array([[1.0, cosines[2], cosines[1]], [cosines[2], 1.0, cosines[0]], [cosines[1], cosines[0], 1.0]])
    reciprocal = np.linalg.inv(angles * np.outer(edges, edges))
    upper: Float64Array = np.linalg.cholesky(reciprocal).T
    return upper
