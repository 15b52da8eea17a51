"""Neutron Laue pictures on cylinders in plain numpy: cell, spectrum and Bragg's law, nothing of the package."""

import math

import numpy as np
from scipy.ndimage import gaussian_filter

ROCK_SALT_A = 5.6402
_FACES = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
_SODIUM_FM, _CHLORINE_FM = 3.63, 9.577
_TILTS = 400


def rock_salt_spots(u, band_a=(0.8, 4.0)):
    """Scattering vectors (s, 3) in 1/Å in the lab of the brightest reflections in a band, and their brightness (s,)."""
    most = math.ceil(2.0 * ROCK_SALT_A / band_a[0])
    h = np.stack(np.meshgrid(*[np.arange(-most, most + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    h = h[h.any(axis=1)]
    q = h @ np.asarray(u).T / ROCK_SALT_A
    square = (q**2).sum(axis=1)
    wavelength = -2.0 * q[:, 0] / square
    inside = (wavelength > band_a[0]) & (wavelength < band_a[1])
    h, q, square, wavelength = h[inside], q[inside], square[inside], wavelength[inside]
    lattice = np.exp(2j * np.pi * h @ _FACES.T).sum(axis=1)
    f = lattice * (_SODIUM_FM + _CHLORINE_FM * np.exp(2j * np.pi * h @ np.array([0.5, 0.5, 0.5])))
    flux = wavelength**-5 * np.exp(-((1.6 / wavelength) ** 2))
    bright = flux * wavelength**4 * np.abs(f) ** 2 / (0.25 * square * wavelength**2) * np.exp(-0.7 * square)
    order = np.argsort(-bright)[:400]
    return q[order], bright[order] / bright[order][15]


def plate_picture(u, seed, *, radius_mm=160.0, pixel_mm=0.8, shape=(450, 1250), beam_px=(640.0, 210.0), sense=1):
    """A picture (rows, columns) of rock salt, uint16: mosaic spread, a hill about the beam, a stop and a hole.

    ``sense`` is 1 where columns run to the right for an eye at the sample, −1 for the mirrored picture.
    """
    random = np.random.default_rng(seed)
    image = np.zeros(shape)
    around = 2.0 * math.pi * radius_mm / pixel_mm
    middle = 0.5 * (shape[1] - 1)
    for q, bright in zip(*rock_salt_spots(u), strict=True):
        tilted = q + np.cross(random.normal(0.0, math.radians(0.25), (_TILTS, 3)), q)
        leaving = tilted.copy()
        leaving[:, 0] += (tilted**2).sum(axis=1) / (-2.0 * tilted[:, 0])
        azimuth = np.arctan2(leaving[:, 1], leaving[:, 0])
        height = radius_mm * leaving[:, 2] / np.hypot(leaving[:, 0], leaving[:, 1])
        column = (beam_px[0] - sense * azimuth * radius_mm / pixel_mm - middle + around / 2) % around
        column, row = (
            np.rint(column - around / 2 + middle).astype(int),
            np.rint(beam_px[1] - height / pixel_mm).astype(int),
        )
        seen = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
        np.add.at(image, (row[seen], column[seen]), 4e4 * bright / _TILTS)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    aside = np.abs((columns - beam_px[0] + around / 2) % around - around / 2)
    front, back = (np.hypot(x, rows - beam_px[1]) * pixel_mm for x in (aside, around / 2 - aside))
    image = gaussian_filter(image, 0.6) + 300.0 * (1.0 + 1.5 * np.exp(-((front / 60.0) ** 2)))
    image = random.poisson(image).astype(float)
    image[front < 8.0] *= 0.05
    image[back < 6.0] = 0.0
    return np.clip(image + random.normal(50.0, 3.0, shape), 0, 65535).astype(np.uint16)
