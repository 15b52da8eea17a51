"""Kernels of additive line shapes: how much of the data bands at given energies explain, and how to better them."""

import numpy as np
from numba import njit

from beamgym.physics.arrays import Float64Array, Int64Array


@njit(cache=True)
def _look(table: Float64Array, x: float) -> float:
    """Linear interpolation in a table whose step is 1; 0 outside."""
    if x < 0.0 or x >= table.shape[0] - 1:
        return 0.0
    i = int(x)
    share = x - i
    value: float = table[i] * (1.0 - share) + table[i + 1] * share
    return value


@njit(cache=True)
def amplitudes(
    projected: Float64Array,
    overlap: Float64Array,
    place: Float64Array,
    fine: int,
    usual: Float64Array,
    hold: float,
    amplitude: Float64Array,
) -> float:
    """Fit amplitudes ≥ 0 of every momentum, held near the usual ones; returns the part of Σ D² that is explained.

    projected : (n, e) the data times a line at every energy, both in steps of the energy axis
    overlap : (t,) a line times itself, `fine` entries a step apart
    place : (n, b) energies in steps
    usual : (b,) amplitudes; hold : how firmly they are held, 0 not at all
    amplitude : (n, b) out
    """
    n, bands = place.shape
    gram = np.empty((bands, bands))
    drawn = np.empty(bands)
    whole = 0.0
    for k in range(n):
        for i in range(bands):
            drawn[i] = _look(projected[k], place[k, i])
            for j in range(i + 1):
                value = _look(overlap, abs(place[k, i] - place[k, j]) * fine)
                gram[i, j] = value
                gram[j, i] = value
        a = amplitude[k]
        a[:] = usual
        for _ in range(40):
            largest = 0.0
            for i in range(bands):
                rest = drawn[i] + hold * overlap[0] * usual[i]
                for j in range(bands):
                    if j != i:
                        rest -= gram[i, j] * a[j]
                new = max(rest / (gram[i, i] * (1.0 + hold) + 1e-30), 0.0)
                largest = max(largest, abs(new - a[i]))
                a[i] = new
            if largest < 1e-4 * (np.abs(usual).max() + 1e-30):
                break
        for i in range(bands):
            whole += 2.0 * a[i] * drawn[i] - hold * overlap[0] * (a[i] - usual[i]) ** 2
            for j in range(bands):
                whole -= a[i] * a[j] * gram[i, j]
    return whole


@njit(cache=True)
def model(tables: Float64Array, fine: int, place: Float64Array, amplitude: Float64Array, out: Float64Array) -> None:
    """Sum the lines of every momentum: out (n, e).

    tables : (b, t) line shapes, centre in the middle, `fine` entries a step
    place, amplitude : (n, b), places in steps
    """
    n, size = out.shape
    middle = (tables.shape[1] - 1) // 2
    for k in range(n):
        out[k, :] = 0.0
        for b in range(place.shape[1]):
            for e in range(size):
                out[k, e] += amplitude[k, b] * _look(tables[b], middle + (e - place[k, b]) * fine)


@njit(cache=True)
def normal_equations(
    data: Float64Array,
    weight: Float64Array,
    tables: Float64Array,
    fine: int,
    place: Float64Array,
    amplitude: Float64Array,
    matrix: Float64Array,
    gradient: Float64Array,
) -> float:
    """Fill Gauss–Newton's equations of every momentum for (places, amplitudes); returns Σ weight·residual².

    data, weight : (n, e)
    matrix : (n, 2b, 2b) and gradient : (n, 2b), out
    """
    n, size = data.shape
    bands = place.shape[1]
    middle = (tables.shape[1] - 1) // 2
    jacobian = np.empty((2 * bands, size))
    weighted = np.empty((2 * bands, size))
    total = 0.0
    for k in range(n):
        rest = data[k].copy()
        for b in range(bands):
            for e in range(size):
                x = middle + (e - place[k, b]) * fine
                value = _look(tables[b], x)
                slope = (_look(tables[b], x - 0.5) - _look(tables[b], x + 0.5)) * fine
                jacobian[b, e] = amplitude[k, b] * slope
                jacobian[bands + b, e] = value
                rest[e] -= amplitude[k, b] * value
        for row in range(2 * bands):
            for e in range(size):
                weighted[row, e] = jacobian[row, e] * weight[k, e]
        matrix[k] = weighted @ jacobian.T
        gradient[k] = weighted @ rest
        for e in range(size):
            total += weight[k, e] * rest[e] ** 2
    return total


@njit(cache=True)
def invert_sites(matrix: Float64Array, neighbours: Int64Array, hold: Float64Array) -> None:
    """Replace every momentum's matrix (n, p, p), its neighbours' hold (p,) added, by its inverse."""
    for k in range(matrix.shape[0]):
        system = matrix[k].copy()
        joined = 0
        for q in range(4):
            joined += 1 if neighbours[k, q] >= 0 else 0
        for i in range(system.shape[0]):
            system[i, i] += 1e-6 * matrix[k, i, i] + 1e-9 + joined * hold[i]
        matrix[k] = np.linalg.inv(system)


@njit(cache=True)
def relax_sites(
    inverse: Float64Array,
    side: Float64Array,
    neighbours: Int64Array,
    hold: Float64Array,
    pull: Float64Array,
    step: Float64Array,
    sweeps: int,
    small: float,
) -> int:
    """Solve the coupled equations of all momenta by Gauss–Seidel; returns the sweeps taken.

    inverse : of ``invert_sites``
    side : (n, p) right-hand sides
    neighbours : (n, 4) numbers of neighbouring momenta, −1 for none
    hold : (p,) weight of squared differences between neighbours
    pull : (n, p) present value less what its smoothness is about: its differences are what is smooth
    step : (n, p) in and out
    small : the largest change of an entry at which the sweeps end, in units of the (p,) usual sizes 1/√hold
    """
    n, size = side.shape
    right = np.empty(size)
    unit = 1.0 / np.sqrt(hold)
    for sweep in range(sweeps):
        largest = 0.0
        for k in range(n):
            right[:] = side[k]
            for q in range(4):
                other = neighbours[k, q]
                if other >= 0:
                    for i in range(size):
                        right[i] += hold[i] * (pull[other, i] + step[other, i] - pull[k, i])
            new = inverse[k] @ right
            for i in range(size):
                largest = max(largest, abs(new[i] - step[k, i]) / unit[i])
                step[k, i] = new[i]
        if largest < small:
            return sweep + 1
    return sweeps
