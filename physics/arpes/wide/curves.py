"""Clean spectra of bands of any shape: no crystal is asked for, only curves, widths and a Fermi edge.

A real cut shows anything from one broad hump to a dozen valence bands, cones, flat bands, or no band at all. What the
scores need, widths and shares of background, is known whatever the curves are.
"""

from __future__ import annotations

import numpy as np

from beamgym.physics.arpes.detection import BOLTZMANN_EV, FWHM_PER_SIGMA
from beamgym.physics.arpes.score import AURELIA_BOLTZMANN_EV, v2_sharpness
from beamgym.physics.arpes.wide.clean import CleanSpectra
from beamgym.physics.arpes.wide.kernels import draw_bands
from beamgym.physics.arpes.wide.worse import blur_matrices
from beamgym.physics.arrays import Float32Array, Float64Array

MOST_BANDS = 10
_FILLED = 0.2  # share of spectra with a continuum of bulk bands
LOWEST_EV, HEIGHT_EV = -0.55, 0.7
"""Bottom and height of the window that scores are about."""


def curve_spectra(
    draw: np.random.Generator, m: int, pixels: int = 128, bandless: float = 0.05, stretched: float = 0.0
) -> CleanSpectra:
    """Return m clean spectra of random curves, (pixels, pixels) each, without any background.

    Parameters
    ----------
    draw : random numbers
    m : how many
    pixels : along energy and slit
    bandless : share of those whose bands do not change along the slit, as of a gold film
    stretched : share of those whose window is 0.4 to 2.5 times as high, about the same Fermi level
    """
    energy = LOWEST_EV + HEIGHT_EV * np.arange(pixels) / (pixels - 1) + np.zeros((m, 1))
    height = np.where(draw.random(m) < stretched, _decades(draw, 0.4, 2.5, (m,)), 1.0)
    energy *= height[:, None]
    energy += np.where(draw.random((m, 1)) < 0.6, draw.uniform(-0.06, 0.06, (m, 1)), 0.0)  # E_F is set by eye
    energy -= np.where(draw.random((m, 1)) < 0.06, draw.uniform(0.15, 1.0, (m, 1)), 0.0)  # no Fermi edge in sight
    x = np.linspace(-1.0, 1.0, pixels)
    flat = draw.random(m) < bandless
    curve, strength = _curves(draw, m, x), _strengths(draw, m, x)
    curve[flat] = curve[flat].mean(2, keepdims=True)
    strength[flat] = strength[flat].mean(2, keepdims=True)
    floor = _decades(draw, 0.004, 0.15, (m, 1)) * _decades(draw, 0.7, 2.0, (m, MOST_BANDS))
    slope = draw.uniform(0.0, 0.35, (m, 1)) * draw.uniform(0.3, 1.0, (m, MOST_BANDS))
    out = np.empty((m, pixels, pixels), np.float32)
    draw_bands(*(part.astype(np.float32) for part in (energy, curve, strength, floor, slope)), out)
    filled = np.flatnonzero(draw.random(m) < _FILLED)
    out[filled] += _continuum(draw, out[filled])
    kelvin = _decades(draw, 5.0, 320.0, (m,))
    out *= _fermi(energy, kelvin)[:, :, None]
    resolution, angular = _decades(draw, 0.003, 0.2, (m,)), _decades(draw, 0.0016, 0.063, (m,)) * pixels
    step_inv_a = _decades(draw, 0.8, 2.4, (m,)) / pixels
    out = blur_matrices(pixels, resolution / FWHM_PER_SIGMA / (height * HEIGHT_EV / (pixels - 1))) @ out
    out = out @ blur_matrices(pixels, angular / FWHM_PER_SIGMA).swapaxes(1, 2)
    out /= np.maximum(out.max((1, 2), keepdims=True), 1e-12)
    used = strength.max(2) > 0.0
    smallest = np.where(used, floor, np.inf).min(1)
    bottom = np.where(used, floor + slope * np.abs(energy[:, :1]), np.inf).min(1)
    paper = np.sqrt(resolution**2 + (AURELIA_BOLTZMANN_EV * kelvin) ** 2 + bottom**2)
    v2 = 1.0 - v2_sharpness(resolution, kelvin, smallest, angular * step_inv_a)
    step_ev = height * HEIGHT_EV / (pixels - 1)
    return CleanSpectra(out, np.zeros_like(out), np.ones_like(out), np.minimum(paper, 1.0), v2, step_ev, step_inv_a)


def _curves(draw: np.random.Generator, m: int, x: Float64Array) -> Float64Array:
    """Return energies (m, b, a): parabolas, cosines, cones and smooth curves, steep and flat, of few bands or many."""
    shape = (m, MOST_BANDS, 1)
    kind = draw.integers(0, 4, shape)
    kind = np.where(draw.random((m, 1, 1)) < 0.5, kind[:, :1], kind)
    level = draw.uniform(LOWEST_EV - 0.4, 0.5, shape)
    reach = _decades(draw, 0.02, 4.0, (m, 1, 1)) * _decades(draw, 0.4, 2.0, shape) * draw.choice([-1.0, 1.0], shape)
    centre = draw.uniform(-0.8, 0.8, (m, 1, 1)) + 0.3 * draw.normal(size=shape) * (draw.random((m, 1, 1)) < 0.5)
    away = x - centre
    wave = draw.uniform(1.0, 9.0, (m, 1, 1)) * draw.uniform(0.8, 1.2, shape)
    smooth = sum(
        draw.normal(size=shape) / (1 + k) * np.cos((k + 1) * 1.6 * x + draw.uniform(0.0, 6.3, shape)) for k in range(4)
    )
    gap = _decades(draw, 0.005, 0.3, shape)
    cone = np.sqrt(gap**2 + (reach * away) ** 2) * np.sign(reach)
    shapes = [reach * away**2, 0.5 * reach * np.cos(wave * away), cone, 0.4 * reach * smooth]
    return np.asarray(level + np.choose(kind, shapes))


def _continuum(draw: np.random.Generator, bands: Float32Array) -> Float32Array:
    """Return bulk bands seen at many k⊥ at once: emission filled from each band on, upwards or downwards.

    It falls off over 0.05 to 0.6 of the window, and is 0.2 to 1 of the bands at its brightest.
    """
    m, rows = bands.shape[:2]
    kept = np.exp(-1.0 / (rows * _decades(draw, 0.05, 0.6, (m, 1)))).astype(np.float32)
    up = draw.random((m, 1, 1)) < 0.5
    source = np.where(up, bands, bands[:, ::-1])
    out, level = np.empty_like(source), np.zeros_like(source[:, 0])
    for row in range(rows):
        level = kept * level + source[:, row]
        out[:, row] = level
    most = [image.max((1, 2), keepdims=True) for image in (bands, out)]
    scale = draw.uniform(0.2, 1.0, (m, 1, 1)).astype(np.float32) * most[0] / np.maximum(most[1], 1e-12)
    return np.asarray(scale * np.where(up, out, out[:, ::-1]), dtype=np.float32)


def _strengths(draw: np.random.Generator, m: int, x: Float64Array) -> Float64Array:
    """Return intensities (m, b, a): matrix elements that change along the slit; 0 for bands that there are none of."""
    shape = (m, MOST_BANDS, 1)
    count = 1 + np.floor(MOST_BANDS * draw.random((m, 1)) ** 2).astype(np.int64)
    vary = draw.uniform(0.0, 1.2, (m, 1, 1))
    change = sum(draw.normal(size=shape) / k * np.cos(k * 1.5 * x + draw.uniform(0.0, 6.3, shape)) for k in range(1, 4))
    bright = np.exp(draw.normal(0.0, 0.7, shape) + vary * change)
    return np.asarray(bright * (np.arange(MOST_BANDS) < count)[:, :, None])


def _fermi(energy: Float64Array, kelvin: Float64Array) -> Float32Array:
    ratio = np.clip(energy / (BOLTZMANN_EV * kelvin[:, None]), -50.0, 50.0)
    return np.asarray(1.0 / (1.0 + np.exp(ratio)), dtype=np.float32)


def _decades(draw: np.random.Generator, low: float, high: float, shape: tuple[int, ...]) -> Float64Array:
    return np.asarray(low * (high / low) ** draw.random(shape))
