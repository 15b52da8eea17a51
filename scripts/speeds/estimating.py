"""The rows of `beamgym speed` for what estimates an orientation: an indexed list, a decision of `calibrating`."""

import statistics
import time
from typing import Any

import numpy as np

from beamgym.scripts.speeds.work import SelfTimed, Work

CRYSTALS = ("Si", "Al2O3", "kyanite")
LISTS, TRUE, FALSE, NOISE_PX = 16, 57, 3, 0.3
EPISODES, FRAMES = 16, 4
TOLERANCE_DEG = 0.02
"""So narrow that no episode is declared before it has four frames."""


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


def calibrating_ms(seed: int) -> SelfTimed:
    """One decision with four frames of 64 spots: estimate from all, choose a goal, aim; silicon, level "hard"."""
    import gymnasium as gym

    from beamgym.agents.baselines.align import Calibrating

    env = gym.make("beamgym/LaueAlign-v0", level="hard", tolerance_deg=TOLERANCE_DEG)
    policy = Calibrating()
    _decision_ms(env, policy, seed + EPISODES)
    return SelfTimed(lambda: statistics.median(_decision_ms(env, policy, seed + i) for i in range(EPISODES)))


def _decision_ms(env: Any, policy: Any, seed: int) -> float:
    """Return the CPU time of the decision on the last frame of an episode, milliseconds."""
    observation, _ = env.reset(seed=seed)
    state = policy.start(env.unwrapped.loop.task.context, 1)
    for frame in range(FRAMES):
        one = {name: np.asarray(value)[None] for name, value in observation.items()}
        begun = time.process_time()
        action, state = policy.act(one, state)
        spent_ms = 1e3 * (time.process_time() - begun)
        if frame < FRAMES - 1:
            observation, *_ = env.step(action[0])
    return spent_ms
