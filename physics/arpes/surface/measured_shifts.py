"""Energy shifts of measured spectra against their cluster's mean, and where a mixture looks like a shift.

At a rim the beam sees two kinds of site at once. Their mixture is no shifted spectrum, but a regression on shifts
alone takes it for one, and for a large one.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arrays import Float64Array


def shifts(shapes: Float64Array, mean: Float64Array, energy_ev: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Fit each spectrum by its cluster's mean, scaled and shifted to first order, s(E) ≈ a m(E) − δ m′(E).

    Parameters
    ----------
    shapes : (p, e) spectra
    mean : (e,) their cluster's
    energy_ev : (e,) the axis

    Returns
    -------
    (p,) shifts δ / a in eV, upwards where above 0, and (p,) sums of the squared residuals
    """
    # The scale beside the shift keeps a change of background from being read as one.
    basis = np.stack([mean, -np.gradient(mean, energy_ev)], axis=1)
    solution, left = _fit(shapes, basis)
    return solution[1] / np.maximum(solution[0], 1e-9), left


def mixed(shapes: Float64Array, spectra: Float64Array, left: Float64Array) -> NDArray[np.bool_]:
    """Return which spectra are better explained as a mixture of two clusters than as one shifted cluster.

    Parameters
    ----------
    shapes : (p, e) spectra
    spectra : (k, e) means of all clusters
    left : (p,) what the shift leaves unexplained, from ``shifts``

    Returns
    -------
    (p,) True where two means, neither with a negative share, leave less; both fits have two parameters
    """
    least = np.full(len(shapes), np.inf)
    for pair in combinations(spectra, 2):
        solution, unexplained = _fit(shapes, np.stack(pair, axis=1))
        least = np.where((solution >= 0.0).all(axis=0), np.minimum(least, unexplained), least)
    return least < left


def _fit(shapes: Float64Array, basis: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return the least-squares solutions (2, p) and the sums of squares that they leave (p,)."""
    solution, *_ = np.linalg.lstsq(basis, shapes.T, rcond=None)
    return np.asarray(solution, dtype=np.float64), np.asarray(((shapes - solution.T @ basis.T) ** 2).sum(axis=1))
