"""Noise-free spectra made worse in one respect: blurred in energy, doubled by a second domain, buried in background."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arpes.detection import FWHM_PER_SIGMA
from beamgym.physics.arpes.wide.clean import CleanSpectra
from beamgym.physics.arpes.wide.kernels import fill_blur
from beamgym.physics.arrays import Float32Array, Float64Array


def blurred(clean: CleanSpectra, fwhm_ev: ArrayLike, whole: bool = False) -> CleanSpectra:
    """Return spectra blurred along the energy by Gaussians of so many eV (m,), full width at half maximum.

    ``whole`` blurs the sensitivity too, as blurring a measured spectrum does.
    """
    fwhm = np.broadcast_to(np.asarray(fwhm_ev, np.float64), (len(clean),))
    spread = blur_matrices(clean.bands.shape[1], fwhm / FWHM_PER_SIGMA / clean.step_ev)
    return replace(
        clean,
        bands=spread @ clean.bands,
        ground=spread @ clean.ground,
        gain=spread @ clean.gain if whole else clean.gain,
        width_paper_ev=np.hypot(clean.width_paper_ev, fwhm),
        width_v2_ev=np.hypot(clean.width_v2_ev, fwhm),
    )


def doubled(clean: CleanSpectra, columns: ArrayLike, share: ArrayLike = 0.5, whole: bool = False) -> CleanSpectra:
    """Return spectra of two domains, the second turned by so many columns (m,) along the slit, with its share (m,).

    What turns into the window from beside it is taken to look like the window's edge. ``paper`` does not see domains.
    ``whole`` doubles background and sensitivity too, as adding a moved copy of a measured spectrum does.
    """
    away, part = (np.broadcast_to(np.asarray(value, np.float64), (len(clean),)) for value in (columns, share))
    turn, w = shift_matrices(clean.bands.shape[2], away), part[:, None, None].astype(np.float32)
    deviation = np.sqrt(part * (1.0 - part)) * np.abs(away) * clean.step_inv_a
    return replace(
        clean,
        bands=(1.0 - w) * clean.bands + w * (clean.bands @ turn),
        ground=(1.0 - w) * clean.ground + w * (clean.ground @ turn) if whole else clean.ground,
        gain=(1.0 - w) * clean.gain + w * (clean.gain @ turn) if whole else clean.gain,
        width_v2_ev=np.hypot(clean.width_v2_ev, FWHM_PER_SIGMA * deviation),
    )


def buried(clean: CleanSpectra, share: ArrayLike, shape: Float32Array | None = None) -> CleanSpectra:
    """Return spectra with a background beside them of so many electrons (m,) for each of theirs.

    ``shape`` (m, e, a) is the background's, in front of the detector; flat where none is given.
    """
    more = np.ones_like(clean.bands) if shape is None else shape
    own, new = (part.sum((1, 2), dtype=np.float64) for part in (clean.rate, more * clean.gain))
    wanted = np.asarray(share, np.float64) * own / np.where(new > 0.0, new, 1.0)
    return replace(clean, ground=clean.ground + wanted[:, None, None].astype(np.float32) * more)


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
