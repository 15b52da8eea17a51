"""Laue frames of one crystal each, by the simulator's own camera in back-reflection, of short exposures."""

from functools import cache, cached_property
from itertools import islice

import numpy as np

from beamgym.physics.arrays import BoolArray
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import Crystal, RandomCrystals, load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.camera import BACKGROUND, HOLE_MM
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern import ImageModel, LaueModel, SpotShape
from beamgym.physics.orientation import random_orientations
from beamgym.physics.scenes.scene import Scene, generator

SIDE, PIXEL_MM = 512, 0.32
BAND_KEV = (5.0, 25.0)
EXPOSURE_S = 0.12
"""1×: of a spot that the simulated camera just reports after 10 s, six counts."""

SCATTER = (0.6, 1.6)
"""Fluorescence and air scatter beside the camera's nominal background, powers of ten of it: 0.2 to 2 counts a pixel."""

BLUR_MM = 0.3
LEAST_COUNTS = 1.0
"""Fainter spots are in the frame, and in no list."""

TEST_CRYSTALS = ("Si", "quartz", "Al2O3", "Ca2RuO4", "kyanite", "FePS3")
"""Real ones, of which training and tuning see none; random crystals, of other seeds too, come beside them."""

_TRAINED, _RANDOM_TESTED, _TUNED = 24, 6, 6
_SEEDS = {"train": ("train", 0), "tune": ("train", 1), "test": ("test", 0)}


class Scenes:
    """Frames of the crystals of one split; every scene is one crystal in one orientation."""

    def __init__(self, split: str) -> None:
        self.split = split

    @cached_property
    def crystals(self) -> list[Crystal]:
        """The crystals of the split."""
        half, seed = _SEEDS[self.split]
        number = {"train": _TRAINED, "tune": _TUNED, "test": _RANDOM_TESTED}[self.split]
        drawn = list(islice(iter(RandomCrystals(half, seed)), number))  # type: ignore[arg-type]
        return drawn + [load_crystal(name) for name in TEST_CRYSTALS] if self.split == "test" else drawn

    def take(self, seed: int, index: int) -> Scene:
        """Return scene ``index``; the crystals take turns."""
        draw = generator("laue", self.split, seed, index)
        crystal = self.crystals[index % len(self.crystals)]
        orientation = random_orientations(make_keys(seed, np.array([int(draw.integers(2**40))])))
        spots = _model(crystal).spots(orientation)
        scatter = EXPOSURE_S * (10.0 ** draw.uniform(*SCATTER) - 1.0)
        rate = _image().render(spots, exposure_s=EXPOSURE_S)[0] + scatter * _image().rate
        number = int(spots.count[0])
        counts = spots.intensity[0, :number].astype(np.float64) * EXPOSURE_S
        width = np.full((number, 2), BLUR_MM / PIXEL_MM)
        peaks = np.concatenate([spots.position_px[0, :number].astype(np.float64), counts[:, None], width], axis=1)
        return Scene("laue", crystal.name, np.asarray(rate, np.float32), _hole(), peaks[counts >= LEAST_COUNTS])


@cache
def _panel() -> Detector:
    return Detector.back_reflection(shape=(SIDE, SIDE), pixel_mm=PIXEL_MM)


@cache
def _image() -> ImageModel:
    return ImageModel(_panel(), SpotShape(blur_mm=BLUR_MM), BACKGROUND)


@cache
def _hole() -> BoolArray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    point = _panel().to_lab_mm(np.stack([columns, rows], axis=-1))
    hole: BoolArray = np.hypot(point[..., 1], point[..., 2]) < HOLE_MM + PIXEL_MM
    return hole


_MODELS: dict[str, LaueModel] = {}


def _model(crystal: Crystal) -> LaueModel:
    """Return a crystal's model, made once: its table of reflections takes half a second."""
    if crystal.name not in _MODELS:
        _MODELS[crystal.name] = LaueModel(crystal, Beam.tube("W", band_kev=BAND_KEV), _panel())
    return _MODELS[crystal.name]
