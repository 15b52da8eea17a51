"""Backgrounds under the bands: constant, polynomial and Shirley, relative to the brightest band pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arpes.checks import at_least_zero
from beamgym.physics.arpes.detection.kernels import add_shirley
from beamgym.physics.arrays import Float32Array, Float64Array


@dataclass(frozen=True, eq=False)
class Background:
    """Backgrounds of n spectra; every amplitude is the background's own maximum over the signal's.

    Parameters
    ----------
    constant : (n,) or one number for all
    polynomial : (n,) largest value of the polynomial part; its smallest is 0
    coefficients : (n, p, p), or (1, p, p) for all, of Σ c[j, k] yʲ xᵏ, x and y running from −1 to 1 along slit and
        energy (of a map along deflection and slit)
    shirley : (n,) largest value of the Shirley part
    shirley_local : (n,) True to sum each column on its own; False (physical) to sum the slit-averaged signal

    Raises
    ------
    ValueError : negative amplitudes, coefficients that do not fit (when the background is used)

    Notes
    -----
    Shirley, Phys. Rev. B 5 (1972) 4709: the background at an energy is proportional to all that was emitted above it.
    """

    constant: ArrayLike = 0.0
    polynomial: ArrayLike = 0.0
    coefficients: ArrayLike | None = None
    shirley: ArrayLike = 0.0
    shirley_local: ArrayLike = False

    def arrays(self, n: int, shape: tuple[int, int]) -> tuple[NDArray[np.generic], ...]:
        """Return the checked arrays that the kernels read, for n spectra of ``shape`` (energy, slit)."""
        amplitude = at_least_zero("polynomial", self.polynomial, n)
        if self.coefficients is None:
            if np.any(amplitude > 0):
                raise ValueError("a polynomial background needs coefficients (n, p, p); give them or set polynomial=0")
            coefficients = np.zeros((n, 1, 1))
        else:
            coefficients = _coefficients(self.coefficients, n)
        return (
            at_least_zero("constant", self.constant, n),
            coefficients,
            amplitude,
            at_least_zero("shirley", self.shirley, n),
            np.ascontiguousarray(np.broadcast_to(np.asarray(self.shirley_local, dtype=bool), (n,))),
            np.linspace(-1.0, 1.0, shape[0]),
            np.linspace(-1.0, 1.0, shape[1]).astype(np.float32),
        )


def _coefficients(value: ArrayLike, n: int) -> Float64Array:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != 3 or array.shape[0] not in (1, n) or array.shape[1] != array.shape[2]:
        others = f"({n}, p, p) or " if n > 1 else ""
        raise ValueError(f"coefficients must have shape {others}(1, p, p); found {array.shape}")
    if not np.all(np.isfinite(array)):
        raise ValueError("coefficients of a polynomial background must be finite")
    return np.ascontiguousarray(array) if array.shape[0] == n else np.repeat(array, n, axis=0)


def shirley(signal: ArrayLike, local: bool = False) -> Float32Array:
    """Return the Shirley background of one spectrum, scaled to a maximum of 1.

    Parameters
    ----------
    signal : (e, a) intensity over rising energy
    local : sum each column on its own instead of the slit average
    """
    image = np.ascontiguousarray(signal, dtype=np.float32)
    out = np.zeros_like(image)
    add_shirley(image, 1.0, local, out)
    return out
