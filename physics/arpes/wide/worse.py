"""Noise-free spectra made worse in one respect: blurred in energy, doubled by a second domain, buried in background."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arpes.detection import FWHM_PER_SIGMA
from beamgym.physics.arpes.wide.clean import CleanSpectra
from beamgym.physics.arpes.wide.kernels import fill_blur
from beamgym.physics.arrays import Float32Array, Float64Array


def blurred(clean: CleanSpectra, fwhm_ev: ArrayLike, whole: bool = False) -> CleanSpectra:
    """Return spectra blurred along the energy by Gaussians of so many eV (m,), full width at half maximum.

    ``whole`` blurs the sensitivity too, as blurring a measured spectrum does.
    """
    fwhm = np.broadcast_to(np.asarray(fwhm_ev, np.float64), (len(clean),))
    rows = np.flatnonzero(fwhm > 0.0)
    spread = blur_matrices(clean.bands.shape[1], (fwhm / FWHM_PER_SIGMA / clean.step_ev)[rows])
    return replace(
        clean,
        bands=_changed(clean.bands, rows, spread @ clean.bands[rows]),
        ground=_changed(clean.ground, rows, spread @ clean.ground[rows]),
        gain=_changed(clean.gain, rows, spread @ clean.gain[rows]) if whole else clean.gain,
        width_paper_ev=np.hypot(clean.width_paper_ev, fwhm),
        width_v2_ev=np.hypot(clean.width_v2_ev, fwhm),
    )


def doubled(clean: CleanSpectra, columns: ArrayLike, share: ArrayLike = 0.5, whole: bool = False) -> CleanSpectra:
    """Return spectra of two domains, the second turned by so many columns (m,) along the slit, with its share (m,).

    What turns into the window from beside it is taken to look like the window's edge. ``paper`` does not see domains.
    ``whole`` doubles background and sensitivity too, as adding a moved copy of a measured spectrum does.
    """
    away, part = (np.broadcast_to(np.asarray(value, np.float64), (len(clean),)) for value in (columns, share))
    deviation = np.sqrt(part * (1.0 - part)) * np.abs(away) * clean.step_inv_a
    rows = np.flatnonzero((away != 0.0) & (part > 0.0))
    turn, w = shift_matrices(clean.bands.shape[2], away[rows]), part[rows, None, None].astype(np.float32)

    def both(image: Float32Array) -> Float32Array:
        one = image[rows]
        return _changed(image, rows, (1.0 - w) * one + w * (one @ turn))

    return replace(
        clean,
        bands=both(clean.bands),
        ground=both(clean.ground) if whole else clean.ground,
        gain=both(clean.gain) if whole else clean.gain,
        width_v2_ev=np.hypot(clean.width_v2_ev, FWHM_PER_SIGMA * deviation),
    )


def buried(clean: CleanSpectra, share: ArrayLike, shape: Float32Array | None = None) -> CleanSpectra:
    """Return spectra with a background beside them of so many electrons (m,) for each of theirs.

    ``shape`` (m, e, a) is the background's, in front of the detector; flat where none is given.
    """
    wanted = np.broadcast_to(np.asarray(share, np.float64), (len(clean),))
    rows = np.flatnonzero(wanted > 0.0)
    part = clean[rows]
    more = np.ones_like(part.bands) if shape is None else shape[rows]
    own, new = (image.sum((1, 2), dtype=np.float64) for image in (part.rate, more * part.gain))
    scale = wanted[rows] * own / np.where(new > 0.0, new, 1.0)
    ground = part.ground + scale[:, None, None].astype(np.float32) * more
    return replace(clean, ground=_changed(clean.ground, rows, ground))


def _changed(image: Float32Array, rows: NDArray[np.int64], new: Float32Array) -> Float32Array:
    """Return an image stack with some of its images replaced; the others are not computed anew."""
    if len(rows) == len(image):
        return np.asarray(new, dtype=np.float32)
    out = image.copy()
    out[rows] = new
    return out


def blur_matrices(size: int, sigma: Float64Array) -> Float32Array:
    """Return matrices (m, size, size) that blur a column by Gaussians of ``sigma`` (m,) pixels, edges carried on."""
    out = np.zeros((len(sigma), size, size), np.float32)
    fill_blur(np.ascontiguousarray(sigma, np.float64), out)
    return out


def shift_matrices(size: int, columns: Float64Array) -> Float32Array:
    """Return matrices (m, size, size) that move a row by ``columns`` (m,) pixels, linear between, edges carried on."""
    source = np.clip(np.arange(size) - columns[:, None], 0.0, size - 1.0)
    left = np.minimum(source.astype(np.int64), size - 2)
    right = (source - left).astype(np.float32)
    out = np.zeros((len(columns), size, size), np.float32)
    rows, to = np.arange(len(columns))[:, None], np.arange(size)[None]
    out[rows, left, to] += 1.0 - right
    out[rows, left + 1, to] += right
    return out
