"""Simulated instruments with their truth, for the tests of the estimator."""

from functools import cache

import numpy as np

from beamgym.envs.laue_align.factory import LaueAlignOptions, build
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import AcquireSettings
from beamgym.physics.laue.estimation.estimator import Estimator, Track
from beamgym.physics.laue.estimation.frames import Shot
from beamgym.physics.laue.imperfections import LAUE_LEVELS, Imperfections
from beamgym.physics.laue.simulator import SimulatedLaue

HARD = LAUE_LEVELS["hard"]
EXACT = Imperfections(0.02, 0.2, 2.0, 0.1, 0.0, 0.0, 0.0)
TURNS = ((10.0, -8.0, 12.0, 20.0, -15.0, 25.0), (-12.0, 6.0, -9.0, -25.0, 18.0, -30.0))
"""Where the axes of the six-axis arm are sent."""
_ALL = np.ones(1, dtype=np.bool_)


@cache
def context(crystal="Si", stage="six-axis"):
    return build(LaueAlignOptions(crystal=crystal, goniometer=stage), 1)[0].context


@cache
def estimator(crystal="Si", stage="six-axis"):
    known = context(crystal, stage)
    return Estimator(known.crystal, known.beam, known.goniometer, known.detector)


def world(level, seed, crystal="Si", stage="six-axis"):
    """Return a world of one sample, freshly reset."""
    known = context(crystal, stage)
    made = SimulatedLaue(known.crystal, known.goniometer, known.beam, known.detector, 1, level)
    made.reset(make_keys(np.array([seed], dtype=np.uint64), 0, 0, 9), _ALL)
    return made


def shot(made, target=None):
    """Move, where a target is given, and return a frame."""
    if target is not None:
        made.move(np.asarray(target, dtype=np.float64)[None], _ALL)
    found = made.acquire(AcquireSettings(exposure_s=10.0), _ALL).found
    count = int(found.count[0])
    position = found.position_px[0, :count].astype(np.float64)
    read = made.positions()[0]
    return Shot(read, made.context.goniometer.rotation(read), position, found.intensity[0, :count].astype(np.float64))


def followed(level, seed, turns=TURNS, crystal="Si", stage="six-axis"):
    """Return the world, and what is known of it after frames at home and at each of some positions."""
    made, known = world(level, seed, crystal, stage), Track()
    for target in (None, *turns):
        known = estimator(crystal, stage).seen(known, shot(made, target))
    return made, known


def stands_deg(made, known, crystal="Si", stage="six-axis"):
    """Return the rotation vector (3,) from where the last frame's crystal is thought to stand to where it does."""
    from beamgym.physics.orientation import nearest_equivalent, rotation_vector_deg

    thought = estimator(crystal, stage).adjustment.orientations(known.best, known.shots)[-1]
    truth = made.truth()["orientation"][0]
    group = context(crystal, stage).crystal.rotations
    _, which = nearest_equivalent(truth, thought, group)
    return rotation_vector_deg((truth @ group[which] @ thought.T)[None])[0]
