"""What frames tell of an orientation by the model of the estimator's errors: as well as it says, and no better."""

import numpy as np
import pytest
from seen_frames import TURNS, context, followed, stands_deg

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import AcquireSettings
from beamgym.physics.laue.imperfections import imperfections
from beamgym.physics.laue.sight import begin, follow, foreseen_deg, sight_errors
from beamgym.physics.laue.sighted import SightedLaue
from beamgym.physics.orientation import rotation_vector_deg

N = 400
EVERY = np.ones(N, dtype=np.bool_)


def stands(stage, positions, play_deg):
    by_axes = stage.jacobian(positions)
    return stage.rotation(positions), play_deg**2 / 12.0 * (by_axes @ by_axes.transpose(0, 2, 1))


def seen_after(level, frames):
    """Return a world of N samples, what is known of them after some frames, and where the axes stand."""
    known_ = context()
    world = SightedLaue(known_.crystal, known_.goniometer, known_.beam, known_.detector, N, level)
    world.reset(make_keys(np.arange(N, dtype=np.uint64), 0, 0, 3), EVERY)
    play = world.level.backlash_deg
    frame = world.acquire(AcquireSettings(10.0), EVERY)
    known = begin(world.errors, frame.orientation, *stands(known_.goniometer, world.positions(), play))
    for target in TURNS[: frames - 1]:
        world.move(np.tile(target, (N, 1)), EVERY)
        frame = world.acquire(AcquireSettings(10.0), EVERY)
        where = stands(known_.goniometer, world.positions(), play)
        known = follow(world.errors, known, frame.orientation, *where, EVERY)
    return world, known, known_.goniometer


@pytest.mark.parametrize("level", ["easy", "real", "hard"])
@pytest.mark.parametrize("frames", [1, 2, 3])
def test_what_is_known_is_as_good_as_it_says(level, frames):
    world, known, _ = seen_after(level, frames)
    off = rotation_vector_deg(world.truth()["orientation"] @ known.orientation.transpose(0, 2, 1))
    chi2 = np.einsum("ni,nij,nj->n", off, np.linalg.inv(known.spread), off)
    assert 2.4 < chi2.mean() < 3.6


def test_frames_from_other_sides_tell_more_and_it_is_foreseen():
    world, known, stage = seen_after("real", 1)
    before = np.sqrt(np.trace(known.covariance[:, :3, :3], axis1=1, axis2=2))
    target = np.tile(TURNS[0], (N, 1))
    foreseen = foreseen_deg(world.errors, known, *stands(stage, target, world.level.backlash_deg))
    _, after, _ = seen_after("real", 2)
    told = np.sqrt(np.trace(after.covariance[:, :3, :3], axis1=1, axis2=2))
    assert (foreseen < before).all()
    np.testing.assert_allclose(foreseen, told, rtol=1e-6)


def test_what_the_model_does_not_know_is_refused():
    known = context()
    with pytest.raises(ValueError, match="know no distance_range_mm"):
        SightedLaue(known.crystal, known.goniometer, known.beam, known.detector, 1, "harsh")


@pytest.mark.slow
@pytest.mark.parametrize("level", ["real", "hard"])
def test_the_errors_are_those_of_the_estimator(level):
    """Of the first frame of forty instruments, about the beam and across it."""
    off = []
    for seed in range(200, 240):
        made, known = followed(imperfections(level), seed, turns=())
        if known.best is None:
            continue
        off.append(stands_deg(made, known))
    found = np.sqrt((np.array(off) ** 2).mean(axis=0))
    errors = sight_errors(imperfections(level))
    said = np.hypot(errors.bias_deg, errors.noise_deg)
    np.testing.assert_allclose(found, said, rtol=0.5)
