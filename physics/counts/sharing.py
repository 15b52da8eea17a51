"""How to share beam time between measurements that a result is made of."""

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array


def share_time(variance_s: ArrayLike, total_s: float) -> Float64Array:
    """Return the times (k,) in seconds that make Σ variance / time least.

    Parameters
    ----------
    variance_s : (k,) what each measurement adds to the variance of the result when it is counted for one second
    total_s : seconds in all

    Notes
    -----
    Times go with the square roots of the variances: M. Steinhart & J. Pleštil, J. Appl. Cryst. 26 (1993) 591, for a
    sample and its background; the same holds for any number.

    Raises
    ------
    ValueError : variances below 0, none above it, or no time
    """
    variances = np.asarray(variance_s, dtype=np.float64)
    if not (np.isfinite(variances) & (variances >= 0.0)).all() or not variances.any():
        raise ValueError("variances are to be finite, at least 0, and one of them above it")
    if not (np.isfinite(total_s) and total_s > 0.0):
        raise ValueError(f"{total_s:g} s to be shared; give seconds above 0")
    roots = np.sqrt(variances)
    return np.asarray(total_s * roots / roots.sum())
