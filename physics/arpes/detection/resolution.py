"""Gaussian resolution in energy and angle, without darkened edges."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from beamgym.physics.arpes.checks import at_least_zero
from beamgym.physics.arpes.detection.blur_kernels import REACH, blur_angle, blur_energy, gaussian_weights
from beamgym.physics.arrays import Float32Array

FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))


def blur(image: ArrayLike, energy_fwhm_px: ArrayLike, slit_fwhm_px: ArrayLike) -> Float32Array:
    """Blur spectra without known surroundings: edge pixels are extended outwards.

    The simulator itself computes what lies beyond the window instead (``spectrum.Window``); this is for measured ones.

    Parameters
    ----------
    image : (e, a) or (n, e, a) intensity
    energy_fwhm_px, slit_fwhm_px : one number or (n,), full width at half maximum in pixels

    Raises
    ------
    ValueError : images of another shape or not finite, negative widths
    """
    array = np.asarray(image, dtype=np.float32)
    if array.ndim not in (2, 3) or not np.all(np.isfinite(array)):
        raise ValueError(f"an image to blur must be finite, (e, a) or (n, e, a); found shape {array.shape}")
    stack = np.ascontiguousarray(array.reshape(-1, *array.shape[-2:]))
    n = stack.shape[0]
    sigma = [
        at_least_zero(name, value, n) / FWHM_PER_SIGMA
        for name, value in (("energy_fwhm_px", energy_fwhm_px), ("slit_fwhm_px", slit_fwhm_px))
    ]
    margin = [math.ceil(REACH * float(np.max(s))) for s in sigma]
    padded = np.ascontiguousarray(np.pad(stack, ((0, 0), (margin[0],) * 2, (margin[1],) * 2), mode="edge"))
    out = np.empty_like(stack)
    _blur(padded, sigma[0], sigma[1], margin[0], margin[1], out)
    return out.reshape(array.shape)


@njit(cache=True, nogil=True, error_model="numpy")
def _blur(padded, energy_sigma, slit_sigma, margin_rows, margin_columns, out) -> None:  # type: ignore[no-untyped-def]
    weights = np.empty(max(padded.shape[1], padded.shape[2]), dtype=np.float32)
    along = np.empty_like(weights)
    row = np.empty(padded.shape[2], dtype=np.float32)
    for i in range(out.shape[0]):
        reach = gaussian_weights(energy_sigma[i], weights)
        across = gaussian_weights(slit_sigma[i], along)
        for r in range(out.shape[1]):
            blur_energy(padded[i], 0, padded.shape[1] - 1, r + margin_rows, weights, reach, row)
            blur_angle(row, margin_columns, along, across, out[i, r])
