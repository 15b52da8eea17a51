"""The row of `beamgym speed` for indexing."""

from typing import Any

import numpy as np

from beamgym.scripts.speeds.work import Work

CRYSTALS = ("Si", "Al2O3", "kyanite")
LISTS, TRUE, FALSE, NOISE_PX = 16, 57, 3, 0.3


def index_60_peaks(seed: int) -> Work:
    """Ordinary lists of 60 peaks, 3 of them false, indexed by a prepared Indexer: Si, Al2O3 and kyanite in turn."""
    lists = [one for name in CRYSTALS for one in _lists(name, seed)]

    def once() -> None:
        for indexer, position_px, intensity in lists:
            indexer.index(position_px, intensity)

    return Work(once, len(lists))


def _lists(name: str, seed: int) -> list[tuple[Any, Any, Any]]:
    """Return an indexer, positions (60, 2) and intensities (60,), brightest first, for each of some orientations."""
    from beamgym.physics.counter_rng import make_keys
    from beamgym.physics.crystal import load_crystal
    from beamgym.physics.laue.beam import Beam
    from beamgym.physics.laue.detector import Detector
    from beamgym.physics.laue.indexing import BAND_KEV, Indexer
    from beamgym.physics.laue.pattern import LaueModel
    from beamgym.physics.orientation import random_orientations

    panel, crystal, rng = (
        Detector.back_reflection(60.0, (700, 700), 0.2),
        load_crystal(name),
        np.random.default_rng(seed),
    )
    indexer = Indexer(crystal, BAND_KEV, panel)
    spots = LaueModel(crystal, Beam.tube("W", 30.0), panel, brightest=TRUE).spots(
        random_orientations(make_keys(seed, np.arange(LISTS)))
    )
    lists = []
    for place, strength, count in zip(spots.position_px, spots.intensity, spots.count, strict=True):
        true = place[:count] + rng.normal(0.0, NOISE_PX, (count, 2))
        position = np.concatenate([true, rng.uniform(0.0, 699.0, (FALSE, 2))])
        intensity = np.concatenate([strength[:count], rng.choice(strength[:count], FALSE)])
        order = np.argsort(-intensity, kind="stable")
        lists.append((indexer, position[order], intensity[order]))
    return lists
