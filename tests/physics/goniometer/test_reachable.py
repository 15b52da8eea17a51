"""Which poses a goniometer reaches, asked quickly, against the whole inverse."""

import numpy as np
import pytest

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import load_crystal
from beamgym.physics.goniometer import Goniometer, goniometer, goniometer_names, parse_target
from beamgym.physics.goniometer.reachable_kernels import reachable_poses
from beamgym.physics.goniometer.targets_kernels import allowed_batch
from beamgym.physics.instrument import Axis
from beamgym.physics.orientation import random_orientations

MOUNTS = 400
STUCK = Goniometer(
    "one free axis",
    (
        Axis("a", (1.0, 0.0, 0.0), limits=(0.0, 0.0)),
        Axis("b", (0.0, 1.0, 0.0), limits=(0.0, 0.0)),
        Axis("c", (0.0, 0.0, 1.0)),
    ),
)


@pytest.fixture(scope="module")
def target():
    return parse_target(load_crystal("Si"), "pose [001] [110]")


def mounts(stage, target, seed):
    """Mounts at random, and those with a goal at home or where axes are at their limits: the very edges."""
    rng = np.random.default_rng(seed)
    low, high = stage.forward_chain.low, stage.forward_chain.high
    ends = np.where(rng.random((MOUNTS, len(low))) < 0.5, low, high)
    inside = rng.uniform(low, high, (MOUNTS, len(low)))
    places = np.concatenate([stage.home()[None], np.where(rng.random(ends.shape) < 0.6, ends, inside)])
    goals = target.orientations[rng.integers(0, target.size, len(places))]
    edges = stage.rotation(places).transpose(0, 2, 1) @ goals
    return np.concatenate([random_orientations(make_keys(seed, np.arange(MOUNTS))), edges])


@pytest.mark.parametrize("stage", [*map(goniometer, goniometer_names()), STUCK], ids=lambda stage: stage.name)
def test_it_says_what_the_whole_inverse_says(stage, target):
    mount, home = mounts(stage, target, 5), stage.pad(stage.home())
    whole = allowed_batch(stage.chain, home, mount, False, target.orientations, target.lines, target.lab)
    quick = reachable_poses(stage.chain, home, mount, target.orientations, False)
    np.testing.assert_array_equal(quick, whole)
    assert whole.any()
    np.testing.assert_array_equal(target.can_reach(stage, mount), whole.any(axis=1))


def test_some_are_reached_and_some_are_not(target):
    stage = goniometer("six-axis")
    found = target.reachable(stage, mounts(stage, target, 6)[:MOUNTS])
    assert 0.2 < found.mean() < 0.9


@pytest.mark.parametrize("words", ["pose [001] [110]", "axis [001] x", "plane (100) (010)"])
def test_a_mount_is_good_from_which_some_goal_is_reached(words, target):
    stage, chosen = goniometer("two-arc"), parse_target(load_crystal("Si"), words)
    mount = mounts(stage, target, 7)[::8]
    good = chosen.can_reach(stage, mount)
    np.testing.assert_array_equal(good, chosen.reachable_goals(stage, mount).reachable)
    assert good.any()
