"""Energy shifts of measured spectra against their cluster's mean, and where a mixture looks like a shift.

At a rim the beam sees two kinds of site at once. Their mixture is no shifted spectrum, but a regression on shifts
alone takes it for one, and for a large one.
"""

from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from beamgym.physics.arrays import Float64Array

MIXED_LEVEL: Final = 0.01
"""Level of the test by which a site is called a mixture."""

LEAST_SHARE: Final = 0.1
"""Share of the second kind of site that a mixture holds at least; sites of one kind scatter by about as much."""

_APART = 3  # energies
_FAINT = 1e-3  # of the strongest: below, counts are too few for their mean to be a weight


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
    solution, left = _fit(shapes, _shift_basis(mean, energy_ev))
    return solution[1] / np.maximum(solution[0], 1e-9), left


def mixed(
    shapes: Float64Array,
    label: NDArray[np.int64],
    energy_ev: Float64Array,
    largest_ev: float = np.inf,
    level: float = MIXED_LEVEL,
) -> NDArray[np.bool_]:
    """Return which spectra are significantly better explained as a mixture of two clusters than as one shifted cluster.

    Parameters
    ----------
    shapes : (p, e) spectra
    label : (p,) their clusters, 0 to k − 1, none of them empty
    energy_ev : (e,) the axis
    largest_ev : that a spectrum can be shifted; beyond, the better fit decides without a test
    level : share of pure spectra that pass the test by chance, at most

    Returns
    -------
    (p,) True where a mixture of two means leaves less than the shift does, with as many parameters; where the lesser of
    them has a tenth of it or more; and where the test rejects the shift

    Notes
    -----
    The test: beside mean and shift the spectrum holds a share of the other cluster. One-sided t test of a regression
    weighted by 1 / mean, as counts need it; its own residuals tell the noise, so that the unit of the counts does not
    matter, and neighbouring energies may be correlated, as by a camera's blur (Newey and West, Econometrica 55 (1987)
    703). Clusters are found in the noise, too, and would make it significant: energies are dealt out in two halves, and
    those of either half are tested with the clusters that the other half tells, so that noise is not used twice (sample
    splitting: Cox, Biometrika 62 (1975) 441). Bonferroni's share of the level for each other cluster.
    """
    spectra = cluster_means(shapes, label)
    found = np.zeros(len(shapes), dtype=np.bool_)
    halves = [(test, _means_by(shapes, spectra, test)) for test in _halves(energy_ev.size)]
    critical = -ndtri(level / max(len(spectra) - 1, 1))  # of the normal law, without the half second of scipy.stats
    for own, mean in enumerate(spectra):
        here = np.flatnonzero(label == own)
        shift, left = shifts(shapes[here], mean, energy_ev)
        for pair in combinations(range(len(spectra)), 2):
            solution, unexplained = _fit(shapes[here], spectra[list(pair)].T)
            smaller = solution.min(axis=0) / np.maximum(solution.sum(axis=0), 1e-300)
            found[here] |= (smaller >= 0.0) & (unexplained < left) & (np.abs(shift) > largest_ev)
            better = here[(smaller >= LEAST_SHARE) & (unexplained < left)]
            for other in set(pair) - {own} if better.size else ():
                score = np.zeros(better.size)
                for test, means in halves:
                    basis = np.column_stack([_shift_basis(means[own], energy_ev[test]), means[other]])
                    score += _significance(shapes[better][:, test], basis) / np.sqrt(len(halves))
                found[better] |= score > critical
    return found


def cluster_means(shapes: Float64Array, label: NDArray[np.int64]) -> Float64Array:
    """Return the mean spectrum of each cluster, (k, e)."""
    return np.stack([shapes[label == k].mean(axis=0) for k in range(int(label.max()) + 1)])


def _halves(size: int) -> list[NDArray[np.bool_]]:
    """Deal energies out in short blocks, so that neighbours that share noise mostly stay together."""
    first = (np.arange(size) // (_APART + 1)) % 2 == 0
    return [first, ~first]


def _means_by(shapes: Float64Array, spectra: Float64Array, test: NDArray[np.bool_]) -> Float64Array:
    """Return the clusters' means at the energies ``test``, where the other energies say who belongs to them."""
    root, centres = np.sqrt(shapes[:, ~test]), np.sqrt(spectra[:, ~test])
    label = ((root[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    means = spectra[:, test].copy()
    for k in np.unique(label):
        means[k] = shapes[label == k][:, test].mean(axis=0)
    return means


def _shift_basis(mean: Float64Array, energy_ev: Float64Array) -> Float64Array:
    # The scale beside the shift keeps a change of background from being read as one.
    return np.stack([mean, -np.gradient(mean, energy_ev)], axis=1)


def _significance(shapes: Float64Array, basis: Float64Array) -> Float64Array:
    """Return the last coefficient of weighted regressions of spectra (p, e) over its standard error, (p,)."""
    mean = basis[:, 0]
    root = 1.0 / np.sqrt(np.maximum(mean, _FAINT * mean.max()))[:, None]
    scaled = basis * root
    solution, *_ = np.linalg.lstsq(scaled, shapes.T * root, rcond=None)
    residual = shapes.T * root - scaled @ solution
    # What is left of the last column once the others have explained it carries the coefficient.
    own, *_ = np.linalg.lstsq(scaled[:, :-1], scaled[:, -1], rcond=None)
    direction = scaled[:, -1] - scaled[:, :-1] @ own
    parts = direction[:, None] * residual
    variance = (parts**2).sum(axis=0)
    for lag in range(1, _APART + 1):
        variance = variance + 2.0 * (1.0 - lag / (_APART + 1.0)) * (parts[lag:] * parts[:-lag]).sum(axis=0)
    error = np.sqrt(np.maximum(variance, 0.0)) / max(float(direction @ direction), 1e-300)
    return np.asarray(solution[-1] / np.maximum(error, 1e-300))


def _fit(shapes: Float64Array, basis: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return the least-squares solutions (2, p) and the sums of squares that they leave (p,)."""
    solution, *_ = np.linalg.lstsq(basis, shapes.T, rcond=None)
    return np.asarray(solution, dtype=np.float64), np.asarray(((shapes - solution.T @ basis.T) ** 2).sum(axis=1))
