"""The ARPES rows of `beamgym speed`: spectra beside aurelia's, environments, and band structures from cubes."""

import time
from typing import Any

import numpy as np

from beamgym.scripts.speeds.aurelia_peer import aurelia_spectrum
from beamgym.scripts.speeds.environments import ACTIONS, make_vector, vector_work
from beamgym.scripts.speeds.work import SelfTimed, Work

SPECTRA = 64
"""Spectra of one call."""

VECTOR = 64
"""Environments stepped together."""

SURFACES = 8
"""Kept surfaces that the timed environments draw from: drawing a new one is no part of a step."""

ARPES_DECLARED_SHARE = 0.02
"""Share of the timed actions that declare: an episode of two minutes of beam time has some fifty exposures."""


def arpes_224(seed: int) -> Work:
    """Random 224 × 224 spectra of the published recipe, with components and totals of both scores."""
    return _recipe("published", (224, 224), seed)


def arpes_532x500(seed: int) -> Work:
    """The same on the published grid of 532 × 500."""
    return _recipe("published", (532, 500), seed)


def arpes_224_full(seed: int) -> Work:
    """Random 224 × 224 spectra of the recipe with everything in it."""
    return _recipe("full", (224, 224), seed)


def _recipe(recipe: str, shape: tuple[int, int], seed: int) -> Work:
    from beamgym.physics.arpes.recipes import generate, recipe_grid
    from beamgym.physics.counter_rng import make_keys

    keys, grid = make_keys(seed, np.arange(SPECTRA)), recipe_grid(shape)
    return Work(lambda: generate(recipe, keys, grid), SPECTRA)


def aurelia_224(seed: int) -> Work:
    """aurelia (MIT): random spectra of 224 × 224, scored."""
    return _aurelia((224, 224), seed)


def aurelia_532x500(seed: int) -> Work:
    """aurelia (MIT): random spectra of 532 × 500, scored."""
    return _aurelia((532, 500), seed)


def env_arpes_64(seed: int) -> Work:
    """ArpesSpot-v0 with 64 × 64 spectra, native vector of 64, kept surfaces, without a network."""
    return _spot(seed, size=64, score="truth")


def env_arpes_128(seed: int) -> Work:
    """The same with 128 × 128 spectra."""
    return _spot(seed, size=128, score="truth")


def env_arpes_64_cnn(seed: int) -> Work:
    """ArpesSpot-v0 as registered, every spectrum scored by the shipped network; native vector of 64, kept surfaces."""
    return _spot(seed, size=64, score="cnn")


def env_arpes_v1(seed: int) -> Work:
    """ArpesSpot-v1 as registered, every spectrum scored by the composed network; native vector of 64, kept surfaces."""
    return _spot(seed, "beamgym/ArpesSpot-v1")


def env_arpes_image(seed: int) -> Work:
    """ArpesSpotImage-v0 as registered, native vector of 64, kept surfaces."""
    return _spot(seed, "beamgym/ArpesSpotImage-v0")


def _spot(seed: int, env_id: str = "beamgym/ArpesSpot-v0", **options: Any) -> Work:
    generator = np.random.default_rng(seed)
    actions = generator.uniform(-1.0, 1.0, (ACTIONS, VECTOR, 4)).astype(np.float32)
    actions[:, :, 3] = np.where(generator.uniform(size=(ACTIONS, VECTOR)) < ARPES_DECLARED_SHARE, 1.0, -1.0)
    return vector_work(
        lambda threads: make_vector(env_id, VECTOR, seed, threads, surfaces=SURFACES, **options), list(actions), VECTOR
    )


def _aurelia(shape: tuple[int, int], seed: int) -> Work:
    import aurelia

    np.random.seed(seed)  # noqa: NPY002 - aurelia draws from numpy's global state
    return Work(lambda: aurelia_spectrum(aurelia, shape, np.random), 1)


def bands_six(seed: int) -> SelfTimed:
    """Six bands of a cube of 192 × 192 momenta and 400 energies, from a start 50 to 100 meV off."""
    return _fields((192, 192, 400), 6, seed)


def bands_wse2(seed: int) -> SelfTimed:
    """Fourteen bands of a cube of 256 × 256 momenta and 470 energies."""
    return _fields((256, 256, 470), 14, seed)


def _fields(shape: tuple[int, int, int], bands: int, seed: int) -> SelfTimed:
    from beamgym.physics.bands.reconstruct import MrfSettings, reconstruct_mrf

    cube, start = seeded_cube(shape, bands, seed)
    reconstruct_mrf(cube, start, MrfSettings(sweeps=1))  # compiles

    def read() -> float:
        begun = time.process_time()
        reconstruct_mrf(cube, start)
        return time.process_time() - begun

    return SelfTimed(read)


def seeded_cube(shape: tuple[int, int, int], bands: int, seed: int) -> tuple[Any, Any]:
    """Return a cube of counts with Lorentzian bands, and a start that is off by a shift and a wave."""
    from beamgym.physics.bands.cube import BandCube
    from beamgym.physics.bands.structure import BandStructure

    rng = np.random.default_rng(seed)
    kx, ky = (np.linspace(-1.5, 1.5, size) for size in shape[:2])
    energy = np.linspace(-4.8, 0.4, shape[2])
    x, y = np.meshgrid(kx, ky, indexing="ij")
    spacing = 4.2 / bands
    true = np.stack([-0.3 - spacing * (b + 0.35 * np.cos(2 * x + b) * np.cos(2 * y)) for b in range(bands)])
    rate = np.full(shape, 4.0, dtype=np.float32)
    for band in true:
        rate += (200.0 * 0.05**2 / ((energy - band[..., None]) ** 2 + 0.05**2)).astype(np.float32)
    counts = rng.poisson(rate).astype(np.float32)
    start = true + 0.05 + 0.05 * np.cos(kx)[None, :, None]
    return BandCube.of(energy, kx, ky, counts), BandStructure.of(kx, ky, start)
