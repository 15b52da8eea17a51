"""Rows of `beamgym speed` for what estimates orientations: indexing a list, deciding, a mosaic; and for scans."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from beamgym.scripts.speeds.work import SelfTimed, Work

CRYSTALS = ("Si", "Al2O3", "kyanite")
LISTS, TRUE, FALSE, NOISE_PX = 16, 57, 3, 0.3
EPISODES, FRAMES = 16, 4
TOLERANCE_DEG = 0.02
"""So narrow that no episode is declared before it has four frames."""
_FLAKES, _PLACES = 67, 3
"""Of FePS3, and places in each: 201 frames."""
_PACKING_S = 20.0


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


def mosaic_200_frames_s(seed: int) -> SelfTimed:
    """Seconds from 200 frames of a plate to an STL: indexing, camera, corrections, packing, solid, its checks."""
    return SelfTimed(lambda: _to_stl(seed), again=False)


def _to_stl(seed: int) -> float:
    from beamgym.physics.mosaic.plate import PlateOptions, PlateWorld
    from beamgym.physics.mosaic.scan import FrameStore, ScanSettings, analysed, scan_plate

    world = PlateWorld.drawn("FePS3", seed, PlateOptions.faultless(_FLAKES))
    outlines = world.outlines()
    with tempfile.TemporaryDirectory() as folder:
        store = FrameStore(Path(folder) / "frames.h5", "speed")
        scan_plate(world, outlines, ScanSettings(places=_PLACES, looks=0), store)
        frames = {name: store.read(name) for name in store.names}
        begun = time.perf_counter()
        _holder(analysed(frames, outlines, world.context), outlines, world.context, Path(folder) / "holder", seed)
        return time.perf_counter() - begun


def _holder(scan: Any, outlines: Any, context: Any, folder: Path, seed: int) -> None:
    from shapely.geometry import box

    from beamgym.physics.mosaic.corrections import MosaicTarget, corrections_of
    from beamgym.physics.mosaic.holder import Design, write_holder
    from beamgym.physics.mosaic.packing import HolderPlate, Spacing, pack, pieces_of

    target = MosaicTarget.of(str(context.habit.along))
    turns = corrections_of(scan.crystals, context.crystal, context.habit, target, scan.rotations)
    pieces, _ = pieces_of(outlines, turns, context.crystal.density_g_per_cm3)
    wide = HolderPlate(10.0 * float(np.sqrt(sum(each.area_mm2 for each in outlines))), 40.0)
    packing = pack(pieces, [wide], Spacing(0.6, 0.1), objective="smallest plate", seed=seed, seconds=_PACKING_S)
    half = packing.plates[0].width_mm / 2.0
    design = Design(box(-half, -20.0, half, 20.0), wall_mm=0.6)
    write_holder(folder, outlines, packing.placements, design, formats=("stl",))


_SCANS, _POINTS, _WIDTH_DEG, _COUNT_S = 256, 31, 3.0, 0.2


def scan_31(seed: int) -> Work:
    """Rocking curves of 31 points, on the fly, over reflections of kyanite in a copper tube's beam: drawn counts."""
    from beamgym.physics.counter_rng import make_keys
    from beamgym.physics.crystal import load_crystal
    from beamgym.physics.diffractometer import cell_of_crystal, diffractometer, first_reflections
    from beamgym.physics.diffractometer.scans import (
        ScanSample,
        axis_path,
        counted,
        counter,
        mono_beam,
        reflecting,
    )
    from beamgym.physics.orientation import random_orientations

    e4cv, crystal, beam, slit = diffractometer("e4cv"), load_crystal("kyanite"), mono_beam("tube"), counter("point")
    us, one = random_orientations(make_keys(seed, np.arange(8))), reflecting(crystal, beam)
    places = [first_reflections(e4cv, cell_of_crystal(crystal), u, beam.wavelength_a, 4).degrees for u in us]
    samples = [
        ScanSample(one, np.stack([u, u]), np.array([1.0, 0.0]), np.full(3, 0.1), np.full(4, 0.05), beam.wavelength_a)
        for u in us
    ]
    keys = make_keys(seed, np.arange(_SCANS), 1)

    def once() -> None:
        for i in range(_SCANS):
            start = places[i % 8][i // 8 % len(places[i % 8])].copy()
            start[0] -= 0.5 * _WIDTH_DEG
            path = axis_path(e4cv, start, 0, _WIDTH_DEG, _POINTS, _COUNT_S, True)
            counted(e4cv, samples[i % 8], beam, slit, path, 2e-4, keys[i])

    return Work(once, _SCANS)
