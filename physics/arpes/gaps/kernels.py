"""Numba kernels of gapped spectra: counts expected of an EDC or a cut, and its other parameters fitted at given gaps.

Parameters of one fit, in this order: shift of the Fermi level eV; ln of the single-particle width Γ1 eV; ln of the
pair-breaking width Γ0 eV; band energy (pairing) or centre of the gap (others) at the middle column, eV; ln of the
height in counts; ln of the Shirley background's share; slope of the intensity, 1/eV; ln of the floor's share of the
height; change of the band energy over the columns, eV; change of ln height over the columns.
"""

import math
from typing import Any

import numpy as np
from numba import njit

SHIFT, WIDTH, BREAKING, BAND, HEIGHT, SHIRLEY, SLOPE, FLOOR, VELOCITY, TILT = range(10)
PARAMETERS = 10
CDW_CODE, DYNES_CODE, HARD_CODE, PAIRING_CODE = 0, 1, 2, 3
SHIRLEY_SCALE_EV = 0.1
_ITERATIONS, _HALVINGS = 40, 8
_FRESH = 3  # every so many gaps a fit begins anew
_NONLINEAR = 4


@njit(cache=True, error_model="numpy", inline="always")
def density(kind, omega, gap, width, breaking, band) -> Any:  # type: ignore[no-untyped-def]
    """Return the spectral weight at ω, eV: 1 at an ungapped band's peak, or far from a gapped density of states."""
    if kind == PAIRING_CODE:
        green = (
            1.0 / complex(omega - band, width)
            if gap == 0.0
            else 1.0 / (complex(omega - band, width) - gap * gap / complex(omega + band, breaking))
        )
        return -green.imag * width
    x = omega - band
    if kind == CDW_CODE:
        green = 1.0 / complex(x, width) if gap == 0.0 else 1.0 / (complex(x, width) - gap * gap / complex(x, breaking))
        return -green.imag * width
    if kind == HARD_CODE:
        return 1.0 - (math.atan((x + gap) / width) - math.atan((x - gap) / width)) / math.pi
    if gap == 0.0:
        return 1.0
    z = complex(abs(x), width)
    return (z / np.sqrt(z * z - gap * gap)).real


@njit(cache=True, error_model="numpy", inline="always")
def _occupied(omega, kt) -> Any:  # type: ignore[no-untyped-def]
    x = omega / kt
    return 1.0 / (1.0 + math.exp(min(x, 700.0)))


@njit(cache=True, error_model="numpy")
def _weight(kind, fine, gap, p, along, kt, out) -> None:  # type: ignore[no-untyped-def]
    """Write the occupied spectral weight of one column: ``fine`` (m,) eV, ``out`` (m,)."""
    width, breaking = math.exp(p[WIDTH]), math.exp(p[BREAKING])
    band = p[BAND] + p[VELOCITY] * along
    for j in range(fine.shape[0]):
        omega = fine[j] - p[SHIFT]
        out[j] = density(kind, omega, gap, width, breaking, band) * _occupied(omega, kt)


@njit(cache=True, error_model="numpy")
def _detected(fine, weight, first, fold, share, slope, out) -> None:  # type: ignore[no-untyped-def]
    """Write (3, n): the column after background, slope and resolution; its background alone; its slope's derivative.

    ``first`` (n,) where the row of ``fold`` (n, w) begins on ``fine``.
    """
    m = fine.shape[0]
    step = fine[1] - fine[0]
    back = np.empty(m)
    total = 0.0
    for j in range(m - 1, -1, -1):
        back[j] = share * (total + 0.5 * weight[j]) * step / SHIRLEY_SCALE_EV
        total += weight[j]
    for i in range(first.shape[0]):
        all_of, of_back, of_slope = 0.0, 0.0, 0.0
        for w in range(fold.shape[1]):
            j = first[i] + w
            c = fold[i, w]
            tilted = 1.0 - slope * fine[j]
            if tilted < 0.05:
                tilted = 0.05
            here = weight[j] + back[j]
            all_of += c * here * tilted
            of_back += c * back[j] * tilted
            of_slope -= c * here * fine[j]
        out[0, i], out[1, i], out[2, i] = all_of, of_back, of_slope


@njit(cache=True, nogil=True, error_model="numpy")
def expected(kind, fine, first, fold, along, kt, gap, p) -> Any:  # type: ignore[no-untyped-def]
    """Return expected counts (columns, n) at one gap and one set of parameters."""
    columns, n = along.shape[0], first.shape[0]
    out = np.empty((columns, n))
    weight, parts = np.empty(fine.shape[0]), np.empty((3, n))
    share, height = math.exp(p[SHIRLEY]), math.exp(p[HEIGHT])
    for c in range(columns):
        _weight(kind, fine, gap, p, along[c], kt, weight)
        _detected(fine, weight, first, fold, share, p[SLOPE], parts)
        tall = height * math.exp(p[TILT] * along[c])
        for i in range(n):
            out[c, i] = tall * parts[0, i] + height * math.exp(p[FLOOR])
    return out


@njit(cache=True, error_model="numpy")
def _log_posterior(counts, mean, p, centre, precision) -> Any:  # type: ignore[no-untyped-def]
    total = 0.0
    for c in range(counts.shape[0]):
        for i in range(counts.shape[1]):
            mu = mean[c, i] if mean[c, i] > 1e-12 else 1e-12
            total -= mu
            if counts[c, i] > 0.0:
                total += counts[c, i] * math.log(mu)
    for k in range(PARAMETERS):
        total -= 0.5 * precision[k] * (p[k] - centre[k]) ** 2
    return total


@njit(cache=True, error_model="numpy")
def _information(kind, fine, first, fold, along, kt, gap, p, counts, centre, precision, gradient, matrix) -> None:  # type: ignore[no-untyped-def]
    """Write gradient (10,) and expected curvature (10, 10) of minus the log posterior's negative at ``p``."""
    n = first.shape[0]
    gradient[:] = 0.0
    matrix[:] = 0.0
    weight, moved = np.empty(fine.shape[0]), np.empty(fine.shape[0])
    parts, shifted = np.empty((3, n)), np.empty((3, n))
    row = np.zeros((PARAMETERS, n))
    share, height = math.exp(p[SHIRLEY]), math.exp(p[HEIGHT])
    q = p.copy()
    for c in range(along.shape[0]):
        _weight(kind, fine, gap, p, along[c], kt, weight)
        _detected(fine, weight, first, fold, share, p[SLOPE], parts)
        tall, floor = height * math.exp(p[TILT] * along[c]), height * math.exp(p[FLOOR])
        for k in range(_NONLINEAR):
            small = 1e-5 if k in (SHIFT, BAND) else 1e-3
            if precision[k] > 1e11:
                row[k, :] = 0.0
                continue
            q[k] = p[k] + small
            _weight(kind, fine, gap, q, along[c], kt, moved)
            q[k] = p[k]
            _detected(fine, moved, first, fold, share, p[SLOPE], shifted)
            for i in range(n):
                row[k, i] = tall * (shifted[0, i] - parts[0, i]) / small
        for i in range(n):
            mu = max(tall * parts[0, i] + floor, 1e-12)
            row[HEIGHT, i] = mu
            row[SHIRLEY, i] = tall * parts[1, i]
            row[SLOPE, i] = tall * parts[2, i]
            row[FLOOR, i] = floor
            row[VELOCITY, i] = row[BAND, i] * along[c]
            row[TILT, i] = tall * parts[0, i] * along[c]
            pull = counts[c, i] / mu - 1.0
            for k in range(PARAMETERS):
                gradient[k] += pull * row[k, i]
                for j in range(k + 1):
                    matrix[k, j] += row[k, i] * row[j, i] / mu
    for k in range(PARAMETERS):
        gradient[k] -= precision[k] * (p[k] - centre[k])
        matrix[k, k] += precision[k]
        for j in range(k):
            matrix[j, k] = matrix[k, j]


@njit(cache=True, error_model="numpy")
def _factor(matrix, damping, lower) -> None:  # type: ignore[no-untyped-def]
    """Write the Cholesky factor of a matrix whose diagonal is raised by a share."""
    for k in range(PARAMETERS):
        for j in range(k + 1):
            left = matrix[k, j]
            if j == k:
                left *= 1.0 + damping
            for i in range(j):
                left -= lower[k, i] * lower[j, i]
            if j == k:
                lower[k, k] = math.sqrt(max(left, 1e-12))
            else:
                lower[k, j] = left / lower[j, j]


@njit(cache=True, error_model="numpy")
def _solved(lower, vector, out) -> None:  # type: ignore[no-untyped-def]
    """Write the solution of L Lᵀ x = vector."""
    for k in range(PARAMETERS):
        left = vector[k]
        for i in range(k):
            left -= lower[k, i] * out[i]
        out[k] = left / lower[k, k]
    for k in range(PARAMETERS - 1, -1, -1):
        left = out[k]
        for i in range(k + 1, PARAMETERS):
            left -= lower[i, k] * out[i]
        out[k] = left / lower[k, k]


@njit(cache=True, error_model="numpy")
def _log_det(matrix, lower) -> Any:  # type: ignore[no-untyped-def]
    _factor(matrix, 0.0, lower)
    total = 0.0
    for k in range(PARAMETERS):
        total += 2.0 * math.log(lower[k, k])
    return total


@njit(cache=True, error_model="numpy")
def _maximised(kind, fine, first, fold, along, kt, gap, p, counts, centre, precision, matrix) -> Any:  # type: ignore[no-untyped-def]
    """Move ``p`` to the largest posterior at one gap by damped Fisher scoring; returns its logarithm."""
    gradient, step = np.empty(PARAMETERS), np.empty(PARAMETERS)
    lower = np.zeros((PARAMETERS, PARAMETERS))
    best = _log_posterior(counts, expected(kind, fine, first, fold, along, kt, gap, p), p, centre, precision)
    damping = 1e-3
    for _ in range(_ITERATIONS):
        _information(kind, fine, first, fold, along, kt, gap, p, counts, centre, precision, gradient, matrix)
        done = False
        moved = False
        for _ in range(_HALVINGS):
            _factor(matrix, damping, lower)
            _solved(lower, gradient, step)
            for k in range(PARAMETERS):
                most = 0.02 if k in (SHIFT, BAND, VELOCITY) else 1.5
                step[k] = min(max(step[k], -most), most)
            trial = p + step
            value = _log_posterior(
                counts, expected(kind, fine, first, fold, along, kt, gap, trial), trial, centre, precision
            )
            if value >= best - 1e-9:
                done = value - best < 1e-3
                best = max(best, value)
                p[:] = trial
                damping = max(0.2 * damping, 1e-6)
                moved = True
                break
            damping = min(10.0 * damping + 1e-3, 1e6)
        if done or not moved:
            break
    _information(kind, fine, first, fold, along, kt, gap, p, counts, centre, precision, gradient, matrix)
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def fit_gaps(kind, fine, first, fold, along, kt, gaps, counts, centre, precision, starts) -> Any:  # type: ignore[no-untyped-def]
    """Fit the nuisance parameters at each of some gaps, going up and down again, each fit beginning at its neighbour's.

    Parameters
    ----------
    kind : code of the model
    fine : (m,) energies of the model, eV, evenly spaced
    first, fold : (n,), (n, w) resolution and pixels: where each row begins on ``fine``, and its weights
    along : (columns,) −1 to 1 along the slit; 0 for one EDC
    kt : of the electrons, eV
    gaps : (g,) eV, rising
    counts : (columns, n)
    centre, precision : (10,) of the parameters' normal priors; a precision above 1e11 holds a parameter
    starts : (s, 10) where fits may begin anew

    Returns
    -------
    (g,) log posterior at its largest, without constants; (g,) ln det of its curvature; (g, 10) parameters
    """
    g = gaps.shape[0]
    value, spread, where = np.full(g, -np.inf), np.zeros(g), np.zeros((g, PARAMETERS))
    matrix, lower = np.empty((PARAMETERS, PARAMETERS)), np.zeros((PARAMETERS, PARAMETERS))
    for pass_number in range(2):
        p = starts[0].copy()
        for step in range(g):
            i = step if pass_number == 0 else g - 1 - step
            reached = -np.inf
            if step > 0:
                reached = _maximised(kind, fine, first, fold, along, kt, gaps[i], p, counts, centre, precision, matrix)
                if reached > value[i]:
                    value[i] = reached
                    where[i] = p
                    spread[i] = _log_det(matrix, lower)
            # a neighbour's valley may end in a worse one than a fresh start finds
            for s in range(starts.shape[0]):
                if step > 0 and (step % _FRESH or pass_number == 1):
                    break
                trial = starts[s].copy()
                fresh = _maximised(
                    kind, fine, first, fold, along, kt, gaps[i], trial, counts, centre, precision, matrix
                )
                if fresh > value[i]:
                    value[i] = fresh
                    where[i] = trial
                    spread[i] = _log_det(matrix, lower)
            p[:] = where[i]
    return value, spread, where
