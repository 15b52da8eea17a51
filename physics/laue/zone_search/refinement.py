"""Least squares of a reciprocal lattice and the camera's distance on all indexed spots, with turns that must keep it.

The residual of a spot is u × n: its plane's normal n against the direction u of its reciprocal vector B h. Nothing
depends on the scale of B, so det B is held at 1. Turns that keep the lattice leave the metric G = BᵀB as it is:
MᵀGM = G with the integer matrix M by which the turn changes indices; these equations are added with a large weight.
"""

from typing import NamedTuple

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.laue.zone_search.distances import SHARE
from beamgym.physics.laue.zone_search.kernels import index_normals
from beamgym.physics.laue.zone_search.views import Views

TOLERANCE_SIGMAS = 2.8
"""A spot within so many standard deviations of a direction has its indices."""
LEAST = 8
"""Indexed spots below which eight numbers and a distance mean nothing."""
_OUTSIDE = 1.05  # by how much the distance may leave its range
_STEP_MM = 1.0  # largest change of the distance in a pass
_WEIGHT = 1e3  # of the equations of a turn, beside residuals in radians
_UNITS = np.eye(9).reshape(9, 3, 3)


class LatticeFit(NamedTuple):
    """A lattice on some frames.

    ``distance_mm``; ``basis`` (3, 3) reciprocal, columns, det 1, in the goniometer's frame; ``hkl`` (n, 3) of all
    spots; ``indexed`` (n,) which of them have indices; ``chi2`` of these; ``covariance`` (9, 9) of the basis.
    """

    distance_mm: float
    basis: Float64Array
    hkl: Float64Array
    indexed: BoolArray
    chi2: float
    covariance: Float64Array


def refined(
    views: Views,
    distance_mm: float,
    basis: Float64Array,
    largest_index: int,
    passes: int,
    turns: Float64Array | None = None,
) -> LatticeFit | None:
    """Return a lattice refined on all frames, or None where fewer than ``LEAST`` spots have indices.

    Parameters
    ----------
    views : the frames
    distance_mm, basis : where it starts
    largest_index : of the spots
    passes : Gauss–Newton steps; every one indexes anew
    turns : (k, 3, 3) integers: how turns that keep the lattice change indices
    """
    basis = _of_unit_volume(basis)
    normal_matrix = np.eye(9)
    for _ in range(passes):
        indexed, hkl = _indexed(views, distance_mm, basis, largest_index)
        if indexed.sum() < LEAST:
            return None
        rows, residuals = _equations(views, distance_mm, basis, hkl[indexed], indexed)
        extra, wanted = _constraints(basis, turns)
        matrix = np.vstack([rows, extra])
        normal_matrix = matrix.T @ matrix
        change = np.linalg.lstsq(matrix, np.concatenate([-residuals, wanted]), rcond=None)[0]
        basis = _of_unit_volume(basis + change[:9].reshape(3, 3))
        distance_mm = _clipped(views, distance_mm + float(np.clip(change[9], -_STEP_MM, _STEP_MM)))
    indexed, hkl = _indexed(views, distance_mm, basis, largest_index)
    if indexed.sum() < LEAST:
        return None
    chi2 = _chi2(views, distance_mm, basis, hkl[indexed], indexed)
    worse = max(1.0, chi2 / max(1, 2 * int(indexed.sum()) - 9))
    inverse = np.asarray(np.linalg.pinv(normal_matrix), dtype=np.float64)
    return LatticeFit(distance_mm, basis, hkl, indexed, chi2, views.sigma_rad**2 * worse * inverse[:9, :9])


def tolerance_rad(views: Views) -> float:
    """Return how near a normal has to be to a direction to have its indices, radians."""
    return TOLERANCE_SIGMAS * views.sigma_rad


def _indexed(views: Views, distance_mm: float, basis: Float64Array, most: int) -> tuple[BoolArray, Float64Array]:
    normals = views.normals(distance_mm)
    hkl = np.zeros((len(normals), 3))
    indexed: BoolArray = index_normals(normals, basis, tolerance_rad(views), most, hkl)
    return indexed, hkl


def _equations(
    views: Views, distance_mm: float, basis: Float64Array, hkl: Float64Array, indexed: BoolArray
) -> tuple[Float64Array, Float64Array]:
    """Return the derivatives (3 m, 10) of the residuals by basis and distance, and the residuals (3 m,)."""
    unit, length, normals, sign = _predicted(views, distance_mm, basis, hkl, indexed)
    slope = views.slope(distance_mm)[indexed] * sign[:, None]
    rows = np.empty((len(hkl), 3, 10))
    for a in range(3):
        across = _cross(np.eye(3)[a], normals)
        for b in range(3):
            rows[:, :, 3 * a + b] = across * (hkl[:, b] / length)[:, None]
    rows[:, :, 9] = _cross(unit, slope)
    return rows.reshape(-1, 10), _cross(unit, normals).ravel()


def _predicted(
    views: Views, distance_mm: float, basis: Float64Array, hkl: Float64Array, indexed: BoolArray
) -> tuple[Float64Array, Float64Array, Float64Array, Float64Array]:
    """Return unit vectors and lengths of the reciprocal vectors, the spots' normals towards them, and their signs."""
    vectors, normals = hkl @ basis.T, views.normals(distance_mm)[indexed]
    length = np.linalg.norm(vectors, axis=1)
    sign = np.sign((vectors * normals).sum(axis=1))
    return vectors / length[:, None], length, normals * sign[:, None], sign


def _cross(a: Float64Array, b: Float64Array) -> Float64Array:
    """Return a × b over the last axis; np.cross takes ten times as long for a few spots."""
    x, y, z = (a[..., i] for i in range(3))
    u, v, w = (b[..., i] for i in range(3))
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u], axis=-1)


def _chi2(views: Views, distance_mm: float, basis: Float64Array, hkl: Float64Array, indexed: BoolArray) -> float:
    unit, _, normals, _ = _predicted(views, distance_mm, basis, hkl, indexed)
    return float((_cross(unit, normals) ** 2).sum()) / views.sigma_rad**2


def _constraints(basis: Float64Array, turns: Float64Array | None) -> tuple[Float64Array, Float64Array]:
    """Return the equations that hold det B, and the metric under turns: rows (k, 10) and right-hand sides (k,)."""
    scale = np.append(np.linalg.inv(basis).T.ravel(), 0.0)
    rows, wanted = [scale[None]], [np.zeros(1)]
    for turn in () if turns is None else turns:
        changes = np.array([_kept(basis.T @ unit + unit.T @ basis, turn) for unit in _UNITS])
        rows.append(_WEIGHT * np.hstack([changes.reshape(9, 9).T, np.zeros((9, 1))]))
        wanted.append(-_WEIGHT * _kept(basis.T @ basis, turn).ravel())
    return np.vstack(rows), np.concatenate(wanted)


def _kept(metric: Float64Array, turn: Float64Array) -> Float64Array:
    return turn.T @ metric @ turn - metric


def _of_unit_volume(basis: Float64Array) -> Float64Array:
    unit: Float64Array = basis / np.cbrt(abs(np.linalg.det(basis)))
    return unit


def _clipped(views: Views, distance_mm: float) -> float:
    stated = views.camera.distance_mm
    return float(np.clip(distance_mm, stated * (1.0 - _OUTSIDE * SHARE), stated * (1.0 + _OUTSIDE * SHARE)))
