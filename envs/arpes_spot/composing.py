"""Totals composed of the distributions of their components, by the formulas, with what is uncertain carried through."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.score import FEATURE_COLUMNS, paper_total, v2_total
from beamgym.physics.instrument import Float32Array

LEVELS: Final = (0.025, 0.09, 0.16, 0.33, 0.5, 0.67, 0.84, 0.91, 0.975)
"""Levels at which the distribution of a component is given: its median, its 68 % and its 95 % interval among them."""

BOUNDS: Final = (0.16, 0.84, 0.025, 0.975)
"""Levels of the ends of the 68 % interval, then of the 95 % interval."""

_MEDIAN = LEVELS.index(0.5)
_ENDS = np.convolve(LEVELS, (0.5, 0.5), "valid")
_WEIGHTS = np.diff(np.concatenate([[0.0], _ENDS, [1.0]]))  # of each level: how much of a distribution lies about it
_JOINT = (_WEIGHTS[:, None, None] * _WEIGHTS[:, None] * _WEIGHTS).ravel()


@dataclass(frozen=True)
class Composed:
    """What is known of one component or of the total of m spectra.

    Parameters
    ----------
    value : (m,) median; of the ``v2`` total the mean
    error : (m,) expected absolute error
    bounds : (m, 4) ends of the 68 % interval, then of the 95 % interval
    """

    value: NDArray[np.float64]
    error: NDArray[np.float64]
    bounds: NDArray[np.float64]


def component(values: NDArray[np.floating]) -> Composed:
    """Return what values (m, 9) at ``LEVELS`` say of a component."""
    middle = values[:, _MEDIAN].astype(np.float64)
    error = (np.abs(values - middle[:, None]) * _WEIGHTS).sum(axis=1)
    return Composed(middle, error, values[:, [LEVELS.index(level) for level in BOUNDS]].astype(np.float64))


def feature_values(log_f: Float32Array, columns: int, definition: str) -> NDArray[np.float64]:
    """Return F (m, 9) in a definition's unit; that of ``paper`` depends on the number of columns of the spectrum.

    The same image has a ``paper`` F that falls as its columns become more: Σ|ΔI| stays, and Σ I grows. ``v2``'s is that
    times the columns, after averaging to 64.
    """
    f = np.exp(log_f.astype(np.float64))
    return f if definition == "v2" else f / max(columns, FEATURE_COLUMNS)


def compose(
    definition: str, s: NDArray[np.floating], b: NDArray[np.floating], n: NDArray[np.floating], f: NDArray[np.floating]
) -> Composed:
    """Return the total of components that are uncertain, and independent of each other.

    Parameters
    ----------
    definition : "paper" or "v2"
    s, b, f : (m, 9) S, B and F at ``LEVELS``
    n : (m,) N, which is counted

    Returns
    -------
    Composed
        The ``paper`` total is a staircase: its value is the median of its distribution, one of its steps. ``v2`` is
        continuous: its value is the mean, which falls with every component even where the total is cut off at 0.
    """
    points = _points(definition, s, b, n, f)
    order = np.argsort(points, axis=1)
    points, weight = np.take_along_axis(points, order, 1), np.cumsum(_JOINT[order], axis=1)
    at = [np.minimum((weight < level - 1e-9).sum(1), points.shape[1] - 1) for level in (0.5, *BOUNDS)]
    found = [points[np.arange(len(n)), place] for place in at]
    mass = np.diff(weight, axis=1, prepend=0.0)
    value = found[0] if definition == "paper" else (points * mass).sum(1)
    error = (np.abs(points - value[:, None]) * mass).sum(1)
    return Composed(value, error, np.stack(found[1:], axis=1))


def expected_total(
    definition: str, s: NDArray[np.floating], b: NDArray[np.floating], n: NDArray[np.floating], f: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and mean absolute deviation of the total, (m,) each, of components as in ``compose``.

    No points are sorted: it takes a third of the time of ``compose``, whose ``v2`` total is the same mean.
    """
    points = _points(definition, s, b, n, f)
    # No matrix product: its last bits depend on the number of rows.
    value = (points * _JOINT).sum(axis=1)
    return value, (np.abs(points - value[:, None]) * _JOINT).sum(axis=1)


def _points(
    definition: str, s: NDArray[np.floating], b: NDArray[np.floating], n: NDArray[np.floating], f: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the total of every combination of levels, (m, 729)."""
    total, k = paper_total if definition == "paper" else v2_total, len(LEVELS)
    grid = np.broadcast_arrays(f[:, None, None, :], s[:, :, None, None], b[:, None, :, None], n[:, None, None, None])
    return np.asarray(total(*(part.reshape(len(n), k**3) for part in grid)))
