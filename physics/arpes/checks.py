"""One-line checks of the numbers that describe a batch of spectra."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array


def as_batch(name: str, value: ArrayLike, n: int) -> Float64Array:
    """Return a scalar or (n,) as n finite float64 numbers.

    Raises
    ------
    ValueError : another shape, numbers that are not finite
    """
    array = np.asarray(value, dtype=np.float64)
    if array.shape not in ((), (1,), (n,)):
        raise ValueError(f"{name} must be one number or {n}; found shape {array.shape}")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be finite; found {array[~np.isfinite(array)][0] if array.ndim else array}")
    return np.ascontiguousarray(np.broadcast_to(array, (n,)))


def at_least_zero(name: str, value: ArrayLike, n: int) -> Float64Array:
    """Return n finite numbers, none negative.

    Raises
    ------
    ValueError : as ``as_batch``, and for a negative number
    """
    array = as_batch(name, value, n)
    if np.any(array < 0):
        raise ValueError(f"{name} must not be negative; found {float(np.min(array)):g}")
    return array


def positive(name: str, value: float) -> float:
    """Return one finite number above zero.

    Raises
    ------
    ValueError : anything else
    """
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive number, not {value!r}")
    return float(value)
