"""Cubes whose bands are known."""

from collections.abc import Callable

import numpy as np
import pytest

from beamgym.physics.bands.cube import BandCube
from beamgym.physics.bands.structure import BandStructure


def true_bands(kx, ky, count=3):
    """Bands (b, x, y) that rise and fall, 0.7 eV apart."""
    x, y = np.meshgrid(kx, ky, indexing="ij")
    return np.stack([-0.4 - 0.7 * b + 0.15 * np.cos(2.0 * x + b) * np.cos(1.5 * y) for b in range(count)])


@pytest.fixture(scope="session")
def made() -> Callable[..., tuple[BandCube, BandStructure]]:
    """Return ``made(shape, count, seed, peak)``: a cube of counts with Voigt lines, and its bands."""

    def make(shape=(20, 20, 160), count=3, seed=0, peak=400.0, line=False):
        from scipy.special import voigt_profile

        kx = np.linspace(-1.0, 1.0, shape[0])
        ky = np.zeros(1) if line else np.linspace(-1.0, 1.0, shape[1])
        energy = np.linspace(-0.9 - 0.7 * (count - 1), 0.3, shape[2])
        bands = true_bands(kx, ky, count)
        rate = sum(voigt_profile(energy - band[..., None], 0.05, 0.03) for band in bands)
        rate = peak * rate / rate.max() + 0.5
        counts = rate if seed is None else np.random.default_rng(seed).poisson(rate)
        return BandCube.of(energy, kx, ky, counts), BandStructure.of(kx, ky, bands, name="truth")

    return make


@pytest.fixture(scope="session")
def distorted() -> Callable[[BandStructure], BandStructure]:
    """Return ``distorted(bands)``: a theory that is off by shifts, scales and a wave of 20 meV."""

    def make(bands):
        mean = bands.energy_ev.mean(axis=(1, 2), keepdims=True)
        shift = np.array([0.31, 0.22, 0.36, 0.2])[: len(bands), None, None]
        wave = 0.02 * np.sin(2.0 * bands.kx)[None, :, None]
        return bands.with_energies(mean + shift + 0.9 * (bands.energy_ev - mean) + wave)

    return make
