"""ARPES spectra by the simulator: training has the published recipe and curves, the test the full recipe's physics."""

import numpy as np

from beamgym.physics.arpes.recipes import recipe_grid
from beamgym.physics.arpes.wide import clean_spectra, curve_spectra
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.scenes.scene import Scene, generator

SIDE = 128
COUNTS = (3.3, 5.3)
"""Electrons of a spectrum, powers of ten: 0.1 to 12 a pixel."""

_STREAMS = {"train": 211, "tune": 212, "test": 213}


class Scenes:
    """Spectra of one band structure each."""

    def __init__(self, split: str) -> None:
        self.split = split

    def take(self, seed: int, index: int) -> Scene:
        """Return scene ``index``: rows energy rising, columns slit angle."""
        draw = generator("arpes", self.split, seed, index)
        keys = make_keys(seed, np.array([index]), 0, _STREAMS[self.split])
        grid = recipe_grid((SIDE, SIDE))
        name = {"train": ("published", "curves")[index % 2], "tune": "published", "test": "full"}[self.split]
        clean = curve_spectra(draw, 1, SIDE) if name == "curves" else clean_spectra(name, keys, grid)
        rate = np.maximum(clean.rate[0].astype(np.float64), 0.0)
        rate *= 10.0 ** draw.uniform(*COUNTS) / max(float(rate.sum()), 1e-12)
        return Scene("arpes", f"{name} {index}", rate.astype(np.float32), np.zeros(rate.shape, dtype=np.bool_))
