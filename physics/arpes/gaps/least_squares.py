"""Weighted least squares from several starts, whose first parameter is the gap."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import leastsq

from beamgym.physics.arrays import Float64Array


def fitted(
    model: Callable[[Float64Array], Float64Array], counts: Float64Array, starts: Sequence[Float64Array]
) -> float:
    """Return the size of the first parameter of the best fit; NaN where none converges.

    Parameters
    ----------
    model : parameters to expected counts (n,)
    counts : (n,), each with the error √(counts + 1)
    starts : parameters at which fits begin

    Notes
    -----
    Levenberg–Marquardt of MINPACK, which is what lmfit's ``Model.fit`` calls.
    """
    weight = 1.0 / np.sqrt(counts + 1.0)

    def rest(p: Float64Array) -> Float64Array:
        value = (model(p) - counts) * weight
        return np.asarray(np.where(np.isfinite(value), value, 1e6))

    best, found = np.inf, float("nan")
    for start in starts:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            p, _, _, _, code = leastsq(rest, start, full_output=True, maxfev=400)
            square = float((rest(p) ** 2).sum())
        if code in (1, 2, 3, 4, 5) and square < best and np.isfinite(p).all():
            best, found = square, abs(float(p[0]))
    return found
